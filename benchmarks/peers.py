"""One small adapter per library: how to give it a layer, how to call it, how to read its answer.

`Peer.prepare` does everything that the library lets a user do once (build a session, pack
constant weights, change the memory layout of the input) and returns `(call, to_numpy)`:
`call()` is what is timed, and `to_numpy(call())` is its result as an NCHW array.
"""

import importlib
from contextlib import contextmanager, nullcontext
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from .onnx_model import conv_model


class Peer:
    """What the runner needs of a library; the defaults suit one whose sessions hold everything."""

    name = ""
    about = ""
    package = ""  # the module to import; a missing one makes the constructor raise ImportError
    distribution = ""  # the name it is installed under, where that differs from the module's

    def __init__(self):
        self.module = importlib.import_module(self.package)

    @property
    def version(self):
        """The library's own version; failing that, its installed distribution's."""
        version = getattr(self.module, "__version__", None)
        return str(version or metadata.version(self.distribution or self.package))

    def refuses(self, layer):
        """Return why this library cannot compute `layer`, or None if it can."""
        return None

    def context(self, threads):
        """Return a context to run calls in, for settings that belong to the whole process."""
        return nullcontext()

    def prepare(self, layer, x, weight, threads):
        """Return `(call, to_numpy)` for `layer` on `threads` threads."""
        raise NotImplementedError


class Convcore(Peer):
    """The library itself, as its users call it: weights packed, result allocated."""

    name = "convcore"
    about = "convcore.conv2d, NCHW"
    package = "convcore"
    layout = "NCHW"

    def prepare(self, layer, x, weight, threads):
        conv2d, layout = self.module.conv2d, self.layout
        options = (layer.stride, layer.padding, 1, layer.groups)
        if layout == "NHWC":
            x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))

        def call():
            return conv2d(x, weight, None, *options, layout=layout, threads=threads)

        return call, lambda y: y.transpose(0, 3, 1, 2) if layout == "NHWC" else y


class ConvcoreNHWC(Convcore):
    """The same on channels-last input, giving channels-last output."""

    name = "convcore-nhwc"
    about = "convcore.conv2d, NHWC"
    layout = "NHWC"


class Torch(Peer):
    """PyTorch eager, NCHW. It reorders input, weight and result in most calls."""

    name = "torch"
    about = "PyTorch eager conv2d, NCHW, inference mode"
    package = "torch"
    memory_format = "contiguous_format"

    @contextmanager
    def context(self, threads):
        self.module.set_num_threads(threads)
        with self.module.inference_mode():
            yield

    def prepare(self, layer, x, weight, threads):
        torch = self.module
        options = (layer.stride, layer.padding, 1, layer.groups)
        memory_format = getattr(torch, self.memory_format)
        x, weight = (
            torch.from_numpy(array).contiguous(memory_format=memory_format) for array in (x, weight)
        )
        conv2d = torch.nn.functional.conv2d

        def call():
            return conv2d(x, weight, None, *options)

        return call, lambda y: y.numpy()


class TorchChannelsLast(Torch):
    """PyTorch eager with input and weight already in channels_last, so the result is too."""

    name = "torch-cl"
    about = "PyTorch eager conv2d, channels_last, inference mode"
    memory_format = "channels_last"


class OnnxRuntime(Peer):
    """ONNX Runtime: constant weights, all graph optimisations, result bound to a fixed buffer."""

    name = "onnxruntime"
    about = "ONNX Runtime, CPU provider, constant weights, bound input and output"
    package = "onnxruntime"

    def prepare(self, layer, x, weight, threads):
        ort = self.module
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        session = ort.InferenceSession(
            conv_model(layer, weight), options, providers=["CPUExecutionProvider"]
        )
        y = ort.OrtValue.ortvalue_from_numpy(np.empty(layer.output_shape, np.float32))
        binding = session.io_binding()
        binding.bind_ortvalue_input("x", ort.OrtValue.ortvalue_from_numpy(x))
        binding.bind_ortvalue_output("y", y)

        def call():
            session.run_with_iobinding(binding)
            return y

        return call, lambda y: y.numpy()


class OpenVINO(Peer):
    """OpenVINO's CPU plugin in float32: left alone it may choose bfloat16."""

    name = "openvino"
    about = "OpenVINO, CPU, inference precision f32, one stream, no pinning"
    package = "openvino"

    def prepare(self, layer, x, weight, threads):
        ov = self.module
        core = ov.Core()
        config = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
        }
        model = core.compile_model(core.read_model(conv_model(layer, weight)), "CPU", config)
        request = model.create_infer_request()
        request.set_input_tensor(ov.Tensor(x, shared_memory=True))
        output = request.get_output_tensor()

        def call():
            request.infer(share_outputs=True)
            return output

        return call, lambda y: np.array(y.data)


class Ncnn(Peer):
    """ncnn in float32. Its Winograd is on, as it comes; fp16 and bf16 are off."""

    name = "ncnn"
    about = "ncnn, fp32 storage and arithmetic, Winograd on"
    package = "ncnn"

    def refuses(self, layer):
        return "has no batch axis" if layer.n > 1 else None

    def prepare(self, layer, x, weight, threads):
        ncnn = self.module
        net = ncnn.Net()
        net.opt.num_threads = threads
        for option in dir(net.opt):
            if option.startswith(("use_fp16", "use_bf16", "use_int8", "use_vulkan")):
                setattr(net.opt, option, False)
        kind = "Convolution" if layer.groups == 1 else "ConvolutionDepthWise"
        r, s = layer.kernel
        fields = {0: layer.k, 1: s, 11: r, 3: layer.stride, 4: layer.padding, 5: 0, 6: weight.size}
        if layer.groups > 1:
            fields[7] = layer.groups
        text = " ".join(f"{key}={value}" for key, value in fields.items())
        net.load_param_mem(f"7767517\n2 2\nInput x 0 1 x\n{kind} conv 1 1 x y {text}\n")
        with TemporaryDirectory() as folder:
            path = Path(folder) / "weights.bin"
            path.write_bytes(b"\0\0\0\0" + weight.tobytes())  # a zero tag: plain float32 follows
            net.load_model(str(path))
        source = ncnn.Mat(x[0]).clone()

        def call():
            extractor = net.create_extractor()
            extractor.input("x", source)
            return extractor.extract("y")[1]

        return call, lambda y: np.array(y)[np.newaxis]


class OpenCV(Peer):
    """OpenCV's image filter: one plane, correlation, zeros outside, a buffer for the result."""

    name = "opencv"
    about = "OpenCV filter2D, one channel, result buffer given"
    package = "cv2"

    def refuses(self, layer):
        return None if layer.is_image else "filter2D keeps the size of one plane"

    def context(self, threads):
        self.module.setNumThreads(threads)
        return nullcontext()

    def prepare(self, layer, x, weight, threads):
        cv2, image, kernel = self.module, x[0, 0], weight[0, 0]
        y = np.empty_like(image)

        def call():
            return cv2.filter2D(image, -1, kernel, y, borderType=cv2.BORDER_CONSTANT)

        return call, lambda y: y[np.newaxis, np.newaxis]


class OpenCVDnn(OpenCV):
    """OpenCV's network module, reading the same ONNX model; Winograd on, as it comes."""

    name = "opencv-dnn"
    about = "OpenCV dnn, constant weights, Winograd on"

    def refuses(self, layer):
        return None

    def prepare(self, layer, x, weight, threads):
        model = np.frombuffer(conv_model(layer, weight), np.uint8)
        net = self.module.dnn.readNetFromONNX(model)
        net.setInput(x)
        return net.forward, np.array


class SciPyNdimage(Peer):
    """scipy.ndimage.correlate, zeros outside. One thread whatever is asked."""

    name = "scipy-nd"
    about = "scipy.ndimage.correlate, one thread only"
    package = "scipy.ndimage"
    distribution = "scipy"

    def refuses(self, layer):
        return None if layer.is_image else "has no channels"

    def prepare(self, layer, x, weight, threads):
        correlate, image, kernel = self.module.correlate, x[0, 0], weight[0, 0]
        y = np.empty_like(image)

        def call():
            correlate(image, kernel, output=y, mode="constant")
            return y

        return call, lambda y: y[np.newaxis, np.newaxis]


class SciPySignal(SciPyNdimage):
    """scipy.signal.correlate, which picks the direct sum or the FFT itself. One thread."""

    name = "scipy-sig"
    about = "scipy.signal.correlate, method chosen by SciPy, one thread only"
    package = "scipy.signal"

    def prepare(self, layer, x, weight, threads):
        correlate, image, kernel = self.module.correlate, x[0, 0], weight[0, 0]
        return lambda: correlate(image, kernel, mode="same"), lambda y: y[np.newaxis, np.newaxis]


OURS = (Convcore, ConvcoreNHWC)
PEERS = (
    Torch,
    TorchChannelsLast,
    OnnxRuntime,
    OpenVINO,
    Ncnn,
    OpenCV,
    OpenCVDnn,
    SciPyNdimage,
    SciPySignal,
)
