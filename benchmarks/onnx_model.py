"""A chain of ONNX nodes as bytes, written without the `onnx` package.

ONNX Runtime, OpenVINO and OpenCV all read ONNX, but none of them brings a writer. The file is a
protocol buffer: a message is a row of fields, each a key (field number * 8 + wire type) and a
value. Only two wire types are needed: 0, a varint, and 2, a length and that many bytes. The field
numbers below are those of `onnx.proto`; each is named beside its use.
"""

import numpy as np

from .calls import onnx_nodes

FLOAT = 1  # TensorProto.FLOAT
INT, INTS = 2, 7  # AttributeProto.INT, AttributeProto.INTS


def _varint(value):
    """Seven bits a byte, lowest first; the top bit says that more follow."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number, value):
    """One field: an int as a varint, text or bytes with their length in front."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _attribute(name, value):
    """AttributeProto: name = 1, i = 3, ints = 8, type = 20."""
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, INT)
    return _field(1, name) + b"".join(_field(8, v) for v in value) + _field(20, INTS)


def _tensor(name, array):
    """TensorProto: dims = 1, data_type = 2, name = 8, raw_data = 9."""
    dims = b"".join(_field(1, size) for size in array.shape)
    raw = np.ascontiguousarray(array, "<f4").tobytes()
    return dims + _field(2, FLOAT) + _field(8, name) + _field(9, raw)


def _value_info(name, shape):
    """ValueInfoProto: name = 1, type = 2 { tensor_type = 1 { elem_type = 1, shape = 2 } }."""
    dims = b"".join(_field(1, _field(1, size)) for size in shape)  # dim = 1 { dim_value = 1 }
    tensor = _field(1, FLOAT) + _field(2, dims)
    return _field(1, name) + _field(2, _field(1, tensor))


def _node(operator, inputs, output, attributes):
    """NodeProto: input = 1, output = 2, op_type = 4, attribute = 5."""
    node = b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(4, operator)
    return node + b"".join(_field(5, _attribute(*item)) for item in attributes.items())


def onnx_bytes(layer, constants):
    """Return the model of `layer`, opset 13: `y = operator(x, *constants)`, or several of these."""
    nodes = onnx_nodes(layer, constants)
    values = ["x", *(f"value{number}" for number in range(1, len(nodes))), "y"]
    # GraphProto: node = 1, name = 2, initializer = 5, input = 11, output = 12
    parts = [_field(2, layer.name)]
    for number, (operator, arrays, attributes) in enumerate(nodes):
        names = [f"constant{number}.{place}" for place in range(len(arrays))]
        inputs = [values[number], *names]
        parts.append(_field(1, _node(operator, inputs, values[number + 1], attributes)))
        parts += [_field(5, _tensor(*item)) for item in zip(names, arrays, strict=True)]
    parts.append(_field(11, _value_info("x", layer.input_shape)))
    parts.append(_field(12, _value_info("y", layer.output_shape)))
    # ModelProto: ir_version = 1, graph = 7, opset_import = 8 { version = 2 }
    return _field(1, 8) + _field(7, b"".join(parts)) + _field(8, _field(2, 13))
