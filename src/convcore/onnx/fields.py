"""Numbers of the fields of ONNX's messages, from onnx.proto. Reader and writer share them."""

from enum import IntEnum


class ModelField(IntEnum):
    """ModelProto."""

    IR_VERSION = 1
    PRODUCER = 2
    GRAPH = 7
    OPSETS = 8
    FUNCTIONS = 25


class OpsetField(IntEnum):
    """OperatorSetIdProto."""

    DOMAIN = 1
    VERSION = 2


class GraphField(IntEnum):
    """GraphProto."""

    NODES = 1
    NAME = 2
    CONSTANTS = 5
    INPUTS = 11
    OUTPUTS = 12
    SPARSE_CONSTANTS = 15


class FunctionField(IntEnum):
    """FunctionProto."""

    NAME = 1
    INPUTS = 4
    OUTPUTS = 5
    NODES = 7
    OPSETS = 9
    DOMAIN = 10
    DEFAULTS = 11


class NodeField(IntEnum):
    """NodeProto."""

    INPUTS = 1
    OUTPUTS = 2
    NAME = 3
    OP = 4
    ATTRIBUTES = 5
    DOMAIN = 7


class AttributeField(IntEnum):
    """AttributeProto."""

    NAME = 1
    FLOAT = 2
    INT = 3
    STRING = 4
    TENSOR = 5
    GRAPH = 6
    FLOATS = 7
    INTS = 8
    STRINGS = 9
    TENSORS = 10
    GRAPHS = 11
    TYPE = 20
    REFERENCE = 21


class AttributeType(IntEnum):
    """AttributeProto.AttributeType: which field counts."""

    FLOAT = 1
    INT = 2
    STRING = 3
    TENSOR = 4
    GRAPH = 5
    FLOATS = 6
    INTS = 7
    STRINGS = 8
    TENSORS = 9
    GRAPHS = 10


class TensorField(IntEnum):
    """TensorProto."""

    DIMS = 1
    TYPE = 2
    SEGMENT = 3
    FLOATS = 4
    INT32S = 5
    STRINGS = 6
    INT64S = 7
    NAME = 8
    RAW = 9
    DOUBLES = 10
    UINT64S = 11
    EXTERNAL = 13
    LOCATION = 14


class EntryField(IntEnum):
    """StringStringEntryProto."""

    KEY = 1
    VALUE = 2


class ValueField(IntEnum):
    """ValueInfoProto."""

    NAME = 1
    TYPE = 2


class TypeField(IntEnum):
    """TypeProto."""

    TENSOR = 1


class TensorTypeField(IntEnum):
    """TypeProto.Tensor."""

    ELEMENT = 1
    SHAPE = 2


class ShapeField(IntEnum):
    """TensorShapeProto."""

    DIMS = 1


class DimensionField(IntEnum):
    """TensorShapeProto.Dimension."""

    SIZE = 1
    NAME = 2
