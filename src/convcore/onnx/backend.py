"""A backend of the onnx package: its tests, and what is built on them, can run on this library.

Importing it needs the package: ``pip install convcore[onnx]``.
"""

from __future__ import annotations

from typing import Any

import onnx
from onnx.backend.base import Backend as Base
from onnx.backend.base import BackendRep

from convcore.graph.network import Network
from convcore.onnx import load


class Representation(BackendRep):  # type: ignore[misc]
    """A model that has been prepared."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def run(self, inputs: Any, **options: Any) -> tuple[Any, ...]:
        """Run it on a list of arrays in the order of its inputs, or on a mapping."""
        if not isinstance(inputs, dict):
            names = [value.name for value in self.network.inputs]
            inputs = dict(zip(names, inputs, strict=False))
        return tuple(self.network.run(inputs))


class Backend(Base):  # type: ignore[misc]
    """The backend."""

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **options: Any) -> Representation:
        """Prepare a model for many runs."""
        return Representation(load(model))

    @classmethod
    def run_model(
        cls, model: onnx.ModelProto, inputs: Any, device: str = "CPU", **options: Any
    ) -> tuple[Any, ...]:
        """Prepare a model and run it once."""
        return cls.prepare(model, device).run(inputs)

    @classmethod
    def run_node(
        cls, node: onnx.NodeProto, inputs: Any, device: str = "CPU", **options: Any
    ) -> tuple[Any, ...]:
        """Run one node."""
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
        return cls.run_model(model, arrays)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether it runs on a device: on the processor alone."""
        return device.split(":")[0] == "CPU"


prepare = Backend.prepare
run_model = Backend.run_model
run_node = Backend.run_node
supports_device = Backend.supports_device
