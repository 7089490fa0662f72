"""A backend of the onnx package: its tests, and what is built on them, can run on this library.

The module itself is one (``prepare``, ``run_model``, ``run_node``, ``supports_device``), and so is
its ``Backend``, a subclass of ``onnx.backend.base.Backend``. What takes onnx's objects needs the
package: ``pip install convcore[onnx]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcore.graph.network import Network
from convcore.onnx import load
from convcore.onnx.reference import require_onnx
from convcore.spec.operands import Array

__all__ = ["Representation", "is_compatible", "prepare", "run_model", "run_node", "supports_device"]

Inputs = Mapping[str, Array] | Sequence[Array]


class Representation:
    """A model that has been prepared.

    Attributes
    ----------
    network : Network
    """

    def __init__(self, network: Network) -> None:
        self.network = network

    def run(self, inputs: Inputs, **options: Any) -> tuple[Array, ...]:
        """Run it on arrays in the order of its inputs, or on a mapping of names to arrays."""
        if not isinstance(inputs, Mapping):
            names = [value.name for value in self.network.inputs]
            inputs = dict(zip(names, inputs, strict=False))
        return tuple(self.network.run(inputs).values())


def supports_device(device: str) -> bool:
    """Whether it runs on a device: on the processor alone."""
    return device.split(":")[0] == "CPU"


def is_compatible(model: Any, device: str = "CPU", **options: Any) -> bool:
    """Whether a model, an onnx.ModelProto, can be prepared."""
    try:
        load(model)
    except ValueError:
        return False
    return supports_device(device)


def prepare(model: Any, device: str = "CPU", **options: Any) -> Representation:
    """Prepare a model, an onnx.ModelProto, for many runs."""
    return Representation(load(model))


def run_model(model: Any, inputs: Inputs, device: str = "CPU", **options: Any) -> tuple[Array, ...]:
    """Prepare a model, an onnx.ModelProto, and run it once."""
    return prepare(model, device).run(inputs)


def run_node(
    node: Any,
    inputs: Sequence[Array],
    device: str = "CPU",
    outputs_info: Any = None,
    **options: Any,
) -> tuple[Array, ...]:
    """Run one node, an onnx.NodeProto; ``opset_version`` says which meaning it has."""
    onnx = require_onnx("onnx.backend.run_node")
    helper = onnx.helper
    arrays = dict(zip([name for name in node.input if name], inputs, strict=True))
    values = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
        )
        for name, array in arrays.items()
    ]
    results = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    graph = helper.make_graph([node], "node", values, results)
    opset = options.get("opset_version", onnx.defs.onnx_opset_version())
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    return run_model(model, arrays)


def __getattr__(name: str) -> Any:
    """``Backend``, whose base class is the onnx package's."""
    if name != "Backend":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_onnx("onnx.backend.Backend")
    from onnx.backend.base import Backend as Base

    functions = (is_compatible, prepare, run_model, run_node, supports_device)
    own = {each.__name__: staticmethod(each) for each in functions}
    return type("Backend", (Base,), {"__doc__": "This library as a backend of onnx.", **own})
