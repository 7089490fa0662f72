"""One small adapter per library: how to give it a layer, how to call it, how to read its answer.

What a layer is called in a library's words is in `calls.py`. `Peer.prepare` does everything that
the library lets a user do once (build a session, pack constant weights, change the memory layout
of the input) and returns `(call, to_numpy)`: `call()` is what is timed, and `to_numpy(call())` is
its result as an NCHW array, or a weight's gradient as an array of the weight's shape.
"""

import importlib
import os
import sys
import time
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib import metadata
from inspect import signature
from itertools import repeat
from math import inf, prod
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from convcore.engine.plan import conv_plan

from .calls import CONV2D, ncnn_layer, torch_call
from .jax_calls import JAX_FUNCTIONS, jax_call
from .layers import OPS, POOLS
from .machine import confined
from .network_calls import torch_network
from .networks import WHOLE
from .onnx_model import onnx_bytes
from .passes import GRADIENTS, PASSES
from .unshared import TORCH_UNSHARED, torch_unshared


def time_calls(call, count):
    """Return the seconds that `count` calls take."""
    start = time.perf_counter()
    for _ in repeat(None, count):
        call()
    return time.perf_counter() - start


class Peer:
    """What the runner needs of a library; the defaults suit one whose sessions hold everything."""

    name = ""
    about = ""
    package = ""  # the module to import; a missing one makes the constructor raise ImportError
    distribution = ""  # the name it is installed under, where that differs from the module's
    ops = ("conv", "gauss", *POOLS)  # what it is made for; other layers it does not even refuse
    most_taps = 1000  # of an image filter: with more a call takes many seconds
    usual = True  # whether it takes part without being asked for

    def __init__(self):
        self.module = importlib.import_module(self.package)

    @property
    def version(self):
        """The library's own version; failing that, its installed distribution's."""
        version = getattr(self.module, "__version__", None)
        return str(version or metadata.version(self.distribution or self.package))

    def takes(self, layer):
        """Tell whether it is made for layers like `layer`."""
        return layer.op in self.ops

    def refuses(self, layer):
        """Return why this library cannot compute `layer`, or None if it can."""
        return None

    def reason(self, layer):
        """Return why it does not take part: it cannot, or would not end."""
        slow = layer.is_image and layer.kind == "conv" and prod(layer.kernel) > self.most_taps
        return "takes too long" if slow else self.refuses(layer)

    def work(self, layer):
        """Return what is done in a call, for a rate."""
        return layer.work

    def context(self, threads):
        """Return a context to run calls in, for settings that belong to the whole process."""
        return nullcontext()

    def prepare(self, layer, operands, threads):
        """Return `(call, to_numpy)` for `layer` on `threads` threads; the first operand is x."""
        raise NotImplementedError

    def time_calls(self, call, count):
        """Return the seconds that `count` calls of a prepared `call` take."""
        return time_calls(call, count)


class Convcore(Peer):
    """The library itself, as its users call it: weights packed, result allocated."""

    name = "convcore"
    about = "convcore, NCHW"
    package = "convcore"
    ops = OPS
    most_taps = inf
    layout = "NCHW"

    def call(self, layer):
        """Return the function's name, its arguments after the operands, and its options."""
        return layer.call()

    def options(self, layer, operands):
        """Return the function's name and its options, all by their names."""
        name, arguments, options = layer.call()
        call = signature(getattr(self.module, name)).bind(*operands, *arguments, **options)
        operand_names = ("x", "weight", "bias")
        return name, {
            key: call.arguments[key] for key in call.arguments if key not in operand_names
        }

    def algorithm(self, layer, operands):
        """Return what `explain` names; it knows no gradients and no networks.

        Of separable kernels it sees the sizes alone; their values say whether the terms suffice.
        """
        if layer.op in WHOLE or layer.op in GRADIENTS:
            return None
        name, given = self.options(layer, operands)
        if name == "conv2d":
            passes = conv_plan(name, *operands, axes=2, **given).separable
            if passes and passes.factored(operands[1]):
                return "separable"
        return self.module.explain(name, *map(np.shape, operands), **given).algorithm

    def context(self, threads):
        return self.module.threads(threads)  # a network's calls cannot be told one by one

    def prepare(self, layer, operands, threads):
        if layer.op in WHOLE:
            return layer.prepare(operands)
        name, arguments, options = self.call(layer)
        options = {**options, "layout": self.layout, "threads": threads}
        planes, weights = operands[: layer.planes], operands[layer.planes :]
        if self.layout == "NHWC":
            planes = [np.ascontiguousarray(array.transpose(0, 2, 3, 1)) for array in planes]
        call = partial(getattr(self.module, name), *planes, *weights, *arguments, **options)
        if self.layout == "NHWC" and layer.gives_planes:
            return call, lambda result: layer.pick(result).transpose(0, 3, 1, 2)
        return call, layer.pick


class ConvcoreNHWC(Convcore):
    """The same on channels-last input, giving channels-last output."""

    name = "convcore-nhwc"
    about = "convcore, NHWC; no networks"
    ops = tuple(op for op in OPS if op not in WHOLE)
    layout = "NHWC"


class ConvcorePrepared(Convcore):
    """The same by a prepared layer: the weight was packed before, as sessions of peers do."""

    name = "convcore-prepared"
    about = "convcore, NCHW, weights packed before: convcore.prepare"
    ops = CONV2D

    def prepare(self, layer, operands, threads):
        x, weight = operands
        name, options = self.options(layer, operands)
        prepared = self.module.prepare(name, weight, **options)
        return partial(prepared, x, threads=threads), layer.pick


class ConvcoreDense(Convcore):
    """The same without the table of connections: zeros are multiplied like other weights."""

    name = "convcore-dense"
    about = "convcore, NCHW, zeros for the weights of channels that a table leaves out"
    ops = ("table",)

    def call(self, layer):
        name, arguments, _ = layer.call()
        return name, arguments, {}


class ConvcoreAll(Convcore):
    """All three gradients in one call, of which the row's is one: what `needs` saves."""

    name = "convcore-all"
    about = "convcore, NCHW, all three gradients in one call"
    ops = tuple(GRADIENTS)

    def call(self, layer):
        name, (_, *arguments), options = layer.call()
        bias = np.zeros(layer.base.bias_shape, np.float32)  # its values are not read
        return name, (bias, *arguments), {**options, "needs": (True, True, True)}


class ConvcoreStale(Convcore):
    """The same after a call that left small integers in the scratch, which are subnormal floats."""

    name = "convcore-stale"
    about = "convcore, NCHW, scratch full of subnormal numbers; if asked for"
    usual = False
    small_integers = 0x0000_0001_0000_0001

    def time_calls(self, call, count):
        core = importlib.import_module("convcore._core")
        core.watch_scratch(self.small_integers)
        call()
        core.watch_scratch(0)
        return super().time_calls(call, count)


class ConvcoreOld(Convcore):
    """An older build of the library, in the same process and the same rounds.

    ``CONVCORE_OLD`` names the folder of its unpacked wheel: it holds the folder ``convcore``.
    """

    name = "convcore-old"
    about = "an older convcore, NCHW, from the folder that CONVCORE_OLD names; if asked for"
    usual = False
    ops = tuple(op for op in OPS if op not in WHOLE)

    def __init__(self):
        self.module = import_beside("convcore", os.environ.get("CONVCORE_OLD", ""))


def import_beside(package, folder):
    """Import a package from a folder although another one of its name is loaded."""
    if not (Path(folder) / package).is_dir():
        raise ImportError(f"the folder {folder!r} holds no {package}")
    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if is_in(package, name)}
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(package)
    finally:
        sys.path.remove(folder)
        for name in [name for name in sys.modules if is_in(package, name)]:
            del sys.modules[name]
        sys.modules.update(ours)


def is_in(package, name):
    """Tell whether a module is a package or in it."""
    return name == package or name.startswith(package + ".")


class Torch(Peer):
    """PyTorch eager, NCHW. It reorders input, weight and result in most calls."""

    name = "torch"
    about = "PyTorch eager, NCHW, inference mode"
    package = "torch"
    ops = OPS
    most_taps = 250
    memory_format = "contiguous_format"

    @contextmanager
    def context(self, threads):
        self.module.set_num_threads(threads)
        with self.module.inference_mode():
            yield

    def prepare(self, layer, operands, threads):
        torch = self.module
        memory_format = getattr(torch, self.memory_format)
        if layer.op in WHOLE:
            return torch_network(torch, layer, operands, memory_format)
        if layer.base.op in TORCH_UNSHARED:
            return torch_unshared(torch, layer, operands, memory_format)
        operands = [
            torch.from_numpy(array).contiguous(memory_format=memory_format) for array in operands
        ]
        function, arguments = torch_call(torch, layer)
        call = partial(function, *operands, *arguments)
        return call, lambda result: layer.pick(result).numpy()


class TorchChannelsLast(Torch):
    """PyTorch eager with its operands already in channels_last, so the result is too."""

    name = "torch-cl"
    about = "PyTorch eager, channels_last, inference mode"
    ops = tuple(op for op in OPS if op != "local")  # unfold has no channels_last
    memory_format = "channels_last"

    def takes(self, layer):
        return super().takes(layer) and layer.base.op in self.ops


class Jax(Peer):
    """JAX on the CPU: XLA compiles a function, or the gradient that `vjp` makes of it."""

    name = "jax"
    about = "JAX, local layers and gradients (vjp), jit, CPU, NHWC"
    package = "jax"
    ops = ("local", *PASSES)

    def __init__(self):
        super().__init__()
        # It has as many threads as there are processors when it starts, and no call to change that;
        # a program compiled with `xla_cpu_multi_thread_eigen` off was still seen on two of them.
        self._device = self.module.devices("cpu")[0]

    def takes(self, layer):
        return super().takes(layer) and layer.base.op in JAX_FUNCTIONS

    def context(self, threads):
        return confined(threads)

    def prepare(self, layer, operands, threads):
        return jax_call(self.module, layer, operands, self._device)


class OnnxRuntime(Peer):
    """ONNX Runtime: constant weights, all graph optimisations, result bound to a fixed buffer."""

    name = "onnxruntime"
    about = "ONNX Runtime, CPU provider, constant weights, bound input and output"
    package = "onnxruntime"
    ops = (*Peer.ops, "table", "transposed", "network")

    def prepare(self, layer, operands, threads):
        ort = self.module
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        x, *weights = operands
        session = ort.InferenceSession(
            onnx_bytes(layer, weights), options, providers=["CPUExecutionProvider"]
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
    ops = (*Peer.ops, "table", "transposed")

    def prepare(self, layer, operands, threads):
        ov = self.module
        core = ov.Core()
        config = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
        }
        x, *weights = operands
        model = core.compile_model(core.read_model(onnx_bytes(layer, weights)), "CPU", config)
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
    ops = (*Peer.ops, "table")

    def refuses(self, layer):
        if layer.op == "l2":
            return "has no L2 pooling"
        return "has no batch axis" if layer.n > 1 else None

    def prepare(self, layer, operands, threads):
        ncnn = self.module
        net = ncnn.Net()
        net.opt.num_threads = threads
        for option in dir(net.opt):
            if option.startswith(("use_fp16", "use_bf16", "use_int8", "use_vulkan")):
                setattr(net.opt, option, False)
        x, *weights = operands
        kind, parameters = ncnn_layer(layer)
        text = " ".join(f"{key}={value}" for key, value in parameters.items())
        net.load_param_mem(f"7767517\n2 2\nInput x 0 1 x\n{kind} layer 1 1 x y {text}\n")
        with TemporaryDirectory() as folder:
            path = Path(folder) / "weights.bin"
            # A tag of zeros before each array: plain float32 follows.
            path.write_bytes(b"".join(b"\0\0\0\0" + weight.tobytes() for weight in weights))
            net.load_model(str(path))
        source = ncnn.Mat(x[0]).clone()

        def call():
            extractor = net.create_extractor()
            extractor.input("x", source)
            return extractor.extract("y")[1]

        return call, lambda y: np.array(y).reshape(layer.output_shape)


OURS = (
    Convcore, ConvcoreNHWC, ConvcorePrepared, ConvcoreDense, ConvcoreAll, ConvcoreStale,
    ConvcoreOld,
)  # fmt: skip
FRAMEWORKS = (Torch, TorchChannelsLast, Jax, OnnxRuntime, OpenVINO, Ncnn)
