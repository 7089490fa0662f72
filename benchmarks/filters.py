"""The adapters of OpenCV and SciPy, whose filters take one plane: an image or a signal."""

from contextlib import nullcontext
from functools import partial
from math import inf
from types import MappingProxyType

import numpy as np

from .calls import NDIMAGE_FILTERS, OPENCV_FILTERS, ndimage_gauss, opencv_gauss, opencv_separable
from .onnx_model import onnx_bytes
from .peers import FRAMEWORKS, Peer


class ImageFilters(Peer):
    """A library of image filters: one plane, zeros outside, a buffer for the result."""

    filters = ()  # operator -> function that builds the call, from `calls.py`

    def refuses(self, layer):
        if not layer.is_image:
            return "filters one plane to one of the same size"
        return None if layer.op in self.filters else f"has no filter for {layer.op}"

    def prepare(self, layer, operands, threads):
        planes = [array[0, 0] for array in operands]
        y = np.empty_like(planes[0])
        call = self.filters[layer.op](self.module, layer, *planes, y)
        return call, lambda y: y[np.newaxis, np.newaxis]


class OpenCV(ImageFilters):
    """OpenCV's image filters; a convolution is a correlation there too."""

    name = "opencv"
    about = "OpenCV filter2D, blur, dilate, one channel, result buffer given"
    package = "cv2"
    most_taps = inf
    filters = OPENCV_FILTERS

    def context(self, threads):
        self.module.setNumThreads(threads)
        return nullcontext()


class OpenCVGauss(OpenCV):
    """Its own Gaussian."""

    name = "opencv-gauss"
    about = "OpenCV GaussianBlur, result buffer given"
    ops = ("gauss",)
    filters = MappingProxyType({"gauss": opencv_gauss})


class OpenCVSeparable(OpenCVGauss):
    """A filter given as its factors."""

    name = "opencv-sep"
    about = "OpenCV sepFilter2D, given the kernel's factors, result buffer given"
    filters = MappingProxyType({"gauss": opencv_separable})


class OpenCVDnn(OpenCV):
    """OpenCV's network module, reading the same ONNX model; Winograd on, as it comes."""

    name = "opencv-dnn"
    most_taps = Peer.most_taps
    about = "OpenCV dnn, constant weights, Winograd on"
    ops = (*Peer.ops, "table", "transposed")

    def refuses(self, layer):
        return "has no L2 pooling" if layer.op == "l2" else None

    def prepare(self, layer, operands, threads):
        x, *weights = operands
        net = self.module.dnn.readNetFromONNX(np.frombuffer(onnx_bytes(layer, weights), np.uint8))
        net.setInput(x)
        return net.forward, np.array


class SciPyNdimage(ImageFilters):
    """scipy.ndimage's filters. One thread whatever is asked."""

    name = "scipy-nd"
    about = "scipy.ndimage correlate, uniform_filter, maximum_filter, one thread only"
    package = "scipy.ndimage"
    distribution = "scipy"
    filters = NDIMAGE_FILTERS


class SciPyGauss(ImageFilters):
    """Its own Gaussian."""

    name = "scipy-gauss"
    about = "scipy.ndimage.gaussian_filter, one thread only"
    package = "scipy.ndimage"
    distribution = "scipy"
    ops = ("gauss",)
    most_taps = inf
    filters = MappingProxyType({"gauss": ndimage_gauss})


class SciPySignal(ImageFilters):
    """scipy.signal.correlate, which picks the direct sum or the FFT itself. One thread."""

    name = "scipy-sig"
    about = "scipy.signal.correlate, method chosen by SciPy, one thread only"
    package = "scipy.signal"
    distribution = "scipy"
    ops = ("conv", "gauss")
    most_taps = inf
    filters = ops  # all alike
    function = "correlate"

    def refuses(self, layer):
        return None if layer.is_signal else super().refuses(layer)

    def prepare(self, layer, operands, threads):
        image, kernel = (array[0, 0] for array in operands)
        if self.function != "correlate":
            kernel = kernel[::-1, ::-1].copy()
        mode = "valid" if layer.is_signal else "same"
        call = partial(getattr(self.module, self.function), image, kernel, mode=mode)
        return call, lambda y: y[np.newaxis, np.newaxis]


class SciPyFFT(SciPySignal):
    """One FFT as large as the input."""

    name = "scipy-fft"
    about = "scipy.signal.fftconvolve, one thread only"
    function = "fftconvolve"


class SciPyOverlap(SciPySignal):
    """FFTs of blocks, by overlap-add."""

    name = "scipy-oa"
    about = "scipy.signal.oaconvolve, one thread only"
    function = "oaconvolve"


PEERS = (
    *FRAMEWORKS,
    OpenCV,
    OpenCVGauss,
    OpenCVSeparable,
    OpenCVDnn,
    SciPyNdimage,
    SciPyGauss,
    SciPySignal,
    SciPyFFT,
    SciPyOverlap,
)
