"""Operators of graphs: small inputs, and the results by hand or by a formula in plain NumPy.

To add an operator, add a row: its name, its inputs (None: absent), its results, the opset if the
meaning depends on it, and its attributes.
"""

from math import erf, exp, log, pi, sqrt, tanh
from typing import Any, NamedTuple

import numpy as np

NEWEST = 26


class Case(NamedTuple):
    op: str
    inputs: list
    results: list
    opset: int
    attributes: dict[str, Any]

    def __str__(self):
        return "-".join([self.op, str(self.opset), *self.attributes])


def f(*values):
    """An array of float32."""
    return np.array(values[0] if len(values) == 1 else values, np.float32)


def i(*values):
    """An array of int64."""
    return np.array(values[0] if len(values) == 1 else values, np.int64)


def b(*values):
    """An array of bool."""
    return np.array(values[0] if len(values) == 1 else values, np.bool_)


def u(*values):
    """An array of uint8."""
    return np.array(values[0] if len(values) == 1 else values, np.uint8)


def case(op, inputs, *results, opset=NEWEST, **attributes):
    return Case(op, inputs, list(results), opset, attributes)


def each(function, *values):
    return f([function(value) for value in values])


def sigmoid(x):
    return 1 / (1 + exp(-x))


def gelu(x):
    return x / 2 * (1 + erf(x / sqrt(2)))


M = np.arange(6, dtype=np.float32).reshape(2, 3)  # 0 1 2; 3 4 5
IMAGE = np.arange(1, 5, dtype=np.float32).reshape(1, 1, 2, 2)  # 1 2; 3 4
CUBE = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
RNG = np.random.default_rng(0)
X4 = RNG.standard_normal((2, 4, 3, 3)).astype(np.float32)
SCALE, BIAS, MEAN, VAR = (RNG.random(4).astype(np.float32) + 0.5 for _ in range(4))


def channels(values):
    return values.reshape(-1, 1, 1)


def standard(x, axes, epsilon=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


ELEMENTWISE = [
    case("Add", [f(1, 2), f([[10], [20]])], f([[11, 12], [21, 22]])),
    case("Add", [CUBE, f(1, 2, 3)], CUBE + f([[1], [2], [3]]), opset=6, axis=1, broadcast=1),
    case("Sub", [f(1, 2), f(3)], f(-2, -1)),
    case("Mul", [i(2, 3), i(-4, 5)], i(-8, 15)),
    case("Div", [f(1, 9), f(4, -2)], f(0.25, -4.5)),
    case("Div", [i(7, -7, 7, -7, 6), i(2, 2, -2, -2, -3)], i(3, -3, -3, 3, -2)),
    case("Div", [u(255, 7), u(2, 8)], u(127, 0)),
    case("Pow", [f(2, 3), f(2)], f(4, 9)),
    case("Pow", [f(2, -3), f(3)], f(8, -27)),
    case("Pow", [f(4, 9), f(0.5)], f(2, 3)),
    case("Pow", [f(2, 4), i(3, -1)], f(8, 0.25)),
    case("Pow", [i(2, 3), f(3, 2)], i(8, 9)),
    case("Mod", [i(7, -7), i(3, 3)], i(1, 2)),
    case("Mod", [f(7, -7), f(3, 3)], f(1, -1), fmod=1),
    case("Neg", [f(1, -2)], f(-1, 2)),
    case("Abs", [i(-3, 4)], i(3, 4)),
    case("Sqrt", [f(4, 9)], f(2, 3)),
    case("Exp", [f(0, 1)], f(1, exp(1))),
    case("Log", [f(1, 10)], f(0, log(10))),
    case("Erf", [f(-0.3, 0, 1, 5)], each(erf, -0.3, 0, 1, 5)),
    case("Erf", [np.array([-0.3, 2.0])], np.array([erf(-0.3), erf(2.0)])),
    case("Reciprocal", [f(2, -4)], f(0.5, -0.25)),
    case("Floor", [f(1.5, -1.5)], f(1, -2)),
    case("Ceil", [f(1.5, -1.5)], f(2, -1)),
    case("Round", [f(0.5, 1.5, -2.5, 2.6)], f(0, 2, -2, 3)),
    case("Sign", [f(-2, 0, 3)], f(-1, 0, 1)),
    case("Sin", [f(pi / 2)], f(1)),
    case("Cos", [f(pi)], f(-1)),
    case("Tan", [f(pi / 4)], f(1)),
    case("Asin", [f(1)], f(pi / 2)),
    case("Acos", [f(-1)], f(pi)),
    case("Atan", [f(1)], f(pi / 4)),
    case("Sinh", [f(log(2))], f(0.75)),
    case("Cosh", [f(log(2))], f(1.25)),
    case("Asinh", [f(0.75)], f(log(2))),
    case("Acosh", [f(1.25)], f(log(2))),
    case("Atanh", [f(0.6)], f(log(2))),
    case("Min", [f(1, 5), f(4, 2), f(3)], f(1, 2)),
    case("Max", [f(1, 5), f(4, 2), f(3)], f(4, 5)),
    case("Sum", [f(1, 5), f(4, 2), f(3)], f(8, 10)),
    case("Mean", [f(1, 5), f(4, 2), f(4)], f(3, 11 / 3)),
    case("Clip", [f(-2, 0, 2), f(-1), f(1)], f(-1, 0, 1)),
    case("Clip", [f(-2, 0, 2), None, f(1)], f(-2, 0, 1)),
    case("Clip", [f(-2, 2), f(1), f(-1)], f(-1, -1)),  # the upper bound wins
    case("Clip", [f(-2, 0, 2)], f(-1, 0, 2), opset=10, min=-1.0),
    case("BitShift", [u(1, 255), u(3, 9)], u(8, 0), direction="LEFT"),
    case("BitShift", [u(9, 255), u(3, 9)], u(1, 0), direction="RIGHT"),
    case("BitwiseAnd", [u(12), u(10)], u(8)),
    case("BitwiseOr", [u(12), u(10)], u(14)),
    case("BitwiseXor", [u(12), u(10)], u(6)),
    case("BitwiseNot", [u(12)], u(243)),
]

ACTIVATIONS = [
    case("Relu", [f(-1, 0, 2)], f(0, 0, 2)),
    case("LeakyRelu", [f(-1, 2)], f(-0.1, 2), alpha=0.1),
    case("LeakyRelu", [f(-1, 2)], f(-3, 2), alpha=3.0),
    case("PRelu", [f([[-1, 2], [3, -4]]), f(2, 3)], f([[-2, 2], [3, -12]])),
    case("PRelu", [-IMAGE, f([4])], -4 * IMAGE, opset=6),
    case("PRelu", [-CUBE, f(1, 2, 3)], -CUBE * f([[1], [2], [3]]), opset=6),
    case("ThresholdedRelu", [f(1, 2, 3)], f(0, 0, 3), alpha=2.0),
    case("Elu", [f(-1, 2)], f(2 * (exp(-1) - 1), 2), alpha=2.0),
    case("Celu", [f(-1, 2)], f(2 * (exp(-0.5) - 1), 2), alpha=2.0),
    case("Selu", [f(-1, 2)], f(1.05070102 * 1.67326324 * (exp(-1) - 1), 2 * 1.05070102)),
    case("Selu", [f(-1, 2)], f(1.0507 * 1.6732 * (exp(-1) - 1), 2 * 1.0507), opset=1),
    case("Sigmoid", [f(-100, -20, 0, 1)], each(sigmoid, -100, -20, 0, 1)),
    case("HardSigmoid", [f(-9, 1, 9)], f(0, 0.7, 1)),
    case("HardSwish", [f(-4, 1, 9)], f(0, 2 / 3, 9)),
    case("Swish", [f(-1, 3)], f(-sigmoid(-2), 3 * sigmoid(6)), alpha=2.0),
    case("Softplus", [f(-200, 0, 1, 200)], f(0, log(2), log(1 + exp(1)), 200)),
    case("Mish", [f(-1, 2)], each(lambda x: x * tanh(log(1 + exp(x))), -1, 2)),
    case("Softsign", [f(-1, 3)], f(-0.5, 0.75)),
    case("Tanh", [f(-1, 3)], each(tanh, -1, 3)),
    case("Gelu", [f(-1, 0, 3)], each(gelu, -1, 0, 3)),
    case("Gelu", [f(-1, 3)], each(
        lambda x: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))), -1, 3
    ), approximate="tanh"),
    case("Softmax", [f([[0, log(3)], [5, 5]])], f([[0.25, 0.75], [0.5, 0.5]])),
    case("Softmax", [f([[0, 1000], [0, 1000]])], f([[0.5, 0.5], [0.5, 0.5]]), axis=0),
    case("Softmax", [np.zeros((2, 3, 4), np.float32)], np.full((2, 3, 4), 1 / 12, np.float32),
         opset=12),  # all elements from axis 1 on
    case("LogSoftmax", [f([[0, log(3)]])], f([[-log(4), log(0.75)]])),
    case("Hardmax", [f([[1, 3, 3], [2, 1, 0]])], f([[0, 1, 0], [1, 0, 0]])),
    case("Dropout", [M], M, np.ones((2, 3), np.bool_)),
    case("Dropout", [M, f(0.5), b(False)], M, np.ones((2, 3), np.bool_)),
    case("Dropout", [M], M, np.ones((2, 3), np.float32), opset=7, ratio=0.3),
]

LOGIC = [
    case("Equal", [i(1, 2), i(1, 3)], b(True, False)),
    case("Equal", [CUBE, CUBE[0, :, 0]], np.equal(CUBE, CUBE[0, :, :1]), opset=6, axis=1,
         broadcast=1),
    case("Greater", [f(1, 2, 3), f(2)], b(False, False, True)),
    case("GreaterOrEqual", [f(1, 2, 3), f(2)], b(False, True, True)),
    case("Less", [f(1, 2, 3), f(2)], b(True, False, False)),
    case("LessOrEqual", [f(1, 2, 3), f(2)], b(True, True, False)),
    case("And", [b(True, True, False), b(True, False, False)], b(True, False, False)),
    case("Or", [b(True, True, False), b(True, False, False)], b(True, True, False)),
    case("Xor", [b(True, True, False), b(True, False, False)], b(False, True, False)),
    case("Not", [b(True, False)], b(False, True)),
    case("IsNaN", [f(np.nan, 1)], b(True, False)),
    case("IsInf", [f(np.inf, -np.inf, 1)], b(True, True, False)),
    case("IsInf", [f(np.inf, -np.inf, 1)], b(True, False, False), detect_negative=0),
    case("IsInf", [f(np.inf, -np.inf, 1)], b(False, True, False), detect_positive=0),
    case("Where", [b(True, False), f(1, 2), f(7)], f(1, 7)),
]

SHAPES = [
    case("Shape", [CUBE], i(2, 3, 4)),
    case("Shape", [CUBE], i([3]), start=1, end=-1),
    case("Size", [CUBE], i(24)),
    case("Reshape", [CUBE, i(0, -1)], CUBE.reshape(2, 12)),
    case("Reshape", [CUBE[:0], i(0, 6)], np.zeros((0, 6), np.float32), allowzero=1),
    case("Reshape", [CUBE], CUBE.reshape(6, 4), opset=1, shape=[6, 4]),
    case("Flatten", [CUBE], CUBE.reshape(2, 12)),
    case("Flatten", [CUBE], CUBE.reshape(1, 24), axis=0),
    case("Flatten", [CUBE], CUBE.reshape(24, 1), axis=3),
    case("Squeeze", [IMAGE], IMAGE[0, 0]),
    case("Squeeze", [IMAGE, i([-3])], IMAGE[:, 0]),
    case("Squeeze", [IMAGE], IMAGE[0], opset=11, axes=[0]),
    case("Unsqueeze", [M, i(0, -1)], M[None, ..., None]),
    case("Unsqueeze", [M], M[:, None], opset=11, axes=[1]),
    case("Transpose", [CUBE], CUBE.T),
    case("Transpose", [CUBE], np.moveaxis(CUBE, 0, 1), perm=[1, 0, 2]),
    case("Expand", [f([[1], [2]]), i(2, 1, 3)], f([[[1] * 3, [2] * 3]] * 2)),
    case("Tile", [f([[1, 2]]), i(2, 2)], f([[1, 2, 1, 2]] * 2)),
    case("Tile", [f([[1, 2]]), f([2]), f([1])], f([[1, 2, 1, 2]]), opset=1),
    case("Cast", [f(1.9, -1.9)], i(1, -1), to=7),
    case("Cast", [f(0, 0.5)], b(False, True), to=9),
    case("Cast", [i(1, 2)], f(1, 2), opset=1, to="FLOAT"),
    case("CastLike", [f(1.9, -1.9), i(0)], i(1, -1)),
    case("Identity", [M], M),
    case("Constant", [], M, value=M),
    case("Constant", [], f(0.5), value_float=0.5),
    case("Constant", [], f(0.5, 2), value_floats=[0.5, 2.0]),
    case("Constant", [], i(5), value_int=5),
    case("Constant", [], i(5, 6), value_ints=[5, 6]),
    case("ConstantOfShape", [i(2, 3)], np.zeros((2, 3), np.float32)),
    case("ConstantOfShape", [i([2])], i(7, 7), value=i([7])),
    case("Range", [i(3), i(9), i(3)], i(3, 6)),
    case("Range", [i(9), i(2), i(-3)], i(9, 6, 3)),
    case("Range", [f(0), f(1), f(0.4)], f(0, 0.4, 0.8)),
    case("OneHot", [i(0, -1, 5), i(3), f(2, 9)], f([[9, 2, 2], [2, 2, 9], [2, 2, 2]])),
    case("OneHot", [i(0, 2), i(3), f(0, 1)], f([[1, 0], [0, 0], [0, 1]]), axis=0),
    case("EyeLike", [M], f([[0, 1, 0], [0, 0, 1]]), k=1),
    case("EyeLike", [M], i([[1, 0, 0], [0, 1, 0]]), dtype=7),
]

TIES = np.tile(f(3, 1, 3, 2), 256)  # 512 threes: those in front are chosen
INDEXING = [
    case("Gather", [M, i([[0, -1]])], M[[[0, 1]]]),
    case("Gather", [M, i(1)], f(1, 4), axis=1),
    case("GatherElements", [M, i([[2, 0], [-1, 1]])], f([[2, 0], [5, 4]]), axis=1),
    case("GatherND", [CUBE, i([[0, 1], [1, -1]])], CUBE[[0, 1], [1, 2]]),
    case("GatherND", [CUBE, i([[1], [0]])], CUBE[[0, 1], [1, 0]], batch_dims=1),
    case("ScatterElements", [M, i([[1], [-1]]), f([[8], [9]])], f([[0, 8, 2], [3, 4, 9]]), axis=1),
    case("ScatterElements", [f(1, 2), i(1, 1), f(3, 4)], f(1, 9), reduction="add"),
    case("ScatterElements", [f(1, 2), i(1, 1), f(3, 4)], f(1, 24), reduction="mul"),
    case("ScatterElements", [f(1, 2), i(1, 1), f(3, 4)], f(1, 4), reduction="max"),
    case("ScatterElements", [f(1, 2), i(1, 1), f(0, 4)], f(1, 0), reduction="min"),
    case("Scatter", [M, i([[1, 0, 1]]), f([[7, 8, 9]])], f([[0, 8, 2], [7, 4, 9]]), opset=9),
    case("ScatterND", [M, i([[1], [0]]), f([[1, 1, 1], [2, 2, 2]])], f([[2] * 3, [1] * 3])),
    case("ScatterND", [f(1, 2), i([[1], [1]]), f(3, 4)], f(1, 9), reduction="add"),
    case("NonZero", [f([[0, 1], [2, 0]])], i([[0, 1], [1, 0]])),
    case("Compress", [M, b(False, True)], M[1:], axis=0),
    case("Compress", [M, b(False, True, True)], f(1, 2)),
    case("TopK", [f([[1, 3, 2, 3]]), i([3])], f([[3, 3, 2]]), i([[1, 3, 2]])),
    case("TopK", [f([[1, 3, 2, 1]]), i([2])], f([[1, 1]]), i([[0, 3]]), largest=0),
    case("TopK", [M, i([1])], f([[3, 4, 5]]), i([[1, 1, 1]]), axis=0),
    case("TopK", [M], f([[2], [5]]), i([[2], [2]]), opset=9, k=1),
    case("TopK", [TIES, i([3])], f(3, 3, 3), i(0, 2, 4)),
    case("TopK", [np.stack([TIES, -TIES]), i([2])], f([[1, 1], [-3, -3]]), i([[1, 5], [0, 2]]),
         largest=0),
    case("Unique", [f(2, 1, 2, 3)], f(1, 2, 3), i(1, 0, 3), i(1, 0, 1, 2), i(1, 2, 1)),
    case("Unique", [f(2, 1, 2, 3)], f(2, 1, 3), i(0, 1, 3), i(0, 1, 0, 2), i(2, 1, 1), sorted=0),
    case("Unique", [f([[2, 2], [1, 1], [2, 2]])], f([[1, 1], [2, 2]]), i(1, 0), i(1, 0, 1), i(1, 2),
         axis=0),
]

ROW = np.arange(5, dtype=np.float32)
SLICING = [
    case("Slice", [CUBE, i(1, 0), i(9, -1), i(1, -1)], CUBE[:, 1:, :-1]),
    case("Slice", [ROW, i([-1]), i([-(2**63)]), i([0]), i([-2])], f(4, 2, 0)),
    case("Slice", [ROW, i([3]), i([0]), None, i([-1])], f(3, 2, 1)),
    case("Slice", [ROW, i([-9]), i([-9]), i([0]), i([-1])], f([0])),  # the start is cut to 0
    case("Slice", [CUBE], CUBE[1:, :2], opset=9, starts=[1, 0], ends=[2, 2]),
    case("Slice", [CUBE], CUBE[..., 2:], opset=9, axes=[-1], starts=[2], ends=[1000]),
    case("Split", [ROW, i(2, 3)], f(0, 1), f(2, 3, 4)),
    case("Split", [M], M[:, :1], M[:, 1:2], M[:, 2:], opset=11, axis=1),
    case("Split", [M], M[:, :1], M[:, 1:], opset=11, axis=1, split=[1, 2]),
    case("Split", [ROW], f(0, 1, 2), f(3, 4), num_outputs=2),
    case("Concat", [M, M[:, :1]], f([[0, 1, 2, 0], [3, 4, 5, 3]]), axis=-1),
    case("Concat", [M, M], np.hstack([M, M]), opset=1),
    case("Pad", [M, i(0, 1, 0, 0), f(9)], f([[9, 0, 1, 2], [9, 3, 4, 5]])),
    case("Pad", [M, i(0, -1, 1, 1)], f([[1, 2, 0], [4, 5, 0], [0, 0, 0]])),
    case("Pad", [M, i(2, 1), None, i([1])], f([[2, 1, 0, 1, 2, 1], [5, 4, 3, 4, 5, 4]]),
         mode="reflect"),
    case("Pad", [M, i(2, 1), None, i([-1])], f([[0, 0, 0, 1, 2, 2], [3, 3, 3, 4, 5, 5]]),
         mode="edge"),
    case("Pad", [M, i(2, 1), None, i([1])], f([[1, 2, 0, 1, 2, 0], [4, 5, 3, 4, 5, 3]]),
         mode="wrap"),
    case("Pad", [ROW], f(7, 0, 1, 2, 3, 4), opset=2, pads=[1, 0], value=7.0),
    case("Trilu", [M], f([[0, 1, 2], [0, 4, 5]])),
    case("Trilu", [M, i(1)], f([[0, 1, 0], [3, 4, 5]]), upper=0),
    case("ReverseSequence", [M, i(1, 2)], f([[0, 1, 2], [4, 3, 5]]), batch_axis=0, time_axis=1),
    case("DepthToSpace", [f([1, 2, 3, 4]).reshape(1, 4, 1, 1)], IMAGE, blocksize=2),
    case("DepthToSpace", [np.arange(8, dtype=np.float32).reshape(1, 8, 1, 1)],
         f([[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]), blocksize=2, mode="CRD"),
    case("DepthToSpace", [np.arange(8, dtype=np.float32).reshape(1, 8, 1, 1)],
         f([[[[0, 2], [4, 6]], [[1, 3], [5, 7]]]]), blocksize=2),
    case("SpaceToDepth", [IMAGE], f([1, 2, 3, 4]).reshape(1, 4, 1, 1), blocksize=2),
    case("CumSum", [f(1, 2, 3), i(0)], f(1, 3, 6)),
    case("CumSum", [f(1, 2, 3), i(0)], f(5, 3, 0), exclusive=1, reverse=1),
    case("CumProd", [f(2, 3, 4), i(0)], f(1, 2, 6), exclusive=1),
]

REDUCE = [
    case("ReduceSum", [M, i([1])], f([[3], [12]])),
    case("ReduceSum", [M], f(15), opset=11, keepdims=0),
    case("ReduceSum", [M, i([])], M, noop_with_empty_axes=1),
    case("ReduceSum", [M, i([])], f([[15]])),
    case("ReduceSum", [M], f(3, 5, 7), opset=11, axes=[0], keepdims=0),
    case("ReduceMean", [M, i([-1])], f(1, 4), keepdims=0),
    case("ReduceMean", [i(-3, 0), i([0])], i([-1])),  # -1.5, cut
    case("ReduceMax", [M, i([0])], f([[3, 4, 5]])),
    case("ReduceMax", [M[:0], i([0])], f([[-np.inf] * 3])),
    case("ReduceMax", [b([[True, False]]), i([1])], b([[True]])),
    case("ReduceMin", [M, i([1])], f([[0], [3]])),
    case("ReduceMin", [i([[4, 2]])[:0], i([0])], i([[2**63 - 1] * 2])),
    case("ReduceProd", [M, i([1])], f([[0], [60]])),
    case("ReduceL1", [-M, i([1])], f([[3], [12]])),
    case("ReduceL2", [f(3, 4), i([0])], f([5])),
    case("ReduceLogSum", [f(3, 4), i([0])], f([log(7)])),
    case("ReduceLogSumExp", [f(1000, 1000), i([0])], f([1000 + log(2)])),
    case("ReduceSumSquare", [f(3, 4), i([0])], f([25])),
    case("ArgMax", [f([[1, 3, 3]])], i([[1]]), axis=1),
    case("ArgMax", [f([[1, 3, 3]])], i([2]), axis=1, keepdims=0, select_last_index=1),
    case("ArgMax", [np.repeat(f([[1], [3], [3]]), 100, 1)], i([[1] * 100])),
    case("ArgMax", [np.repeat(f([[1], [3], [3]]), 100, 1)], i([2] * 100), keepdims=0,
         select_last_index=1),
    case("ArgMin", [f([[2, 3], [1, 3]])], i([[1, 0]])),
]

LINEAR = [
    case("MatMul", [M, f(1, 2, 3)], f(8, 26)),
    case("MatMul", [CUBE, f([[1], [0], [0], [2]])], CUBE[..., :1] + 2 * CUBE[..., 3:]),
    case("MatMul", [f([[1, 2]]).astype(np.float16), f([[3], [4]]).astype(np.float16)],
         f([[11]]).astype(np.float16)),
    case("Gemm", [M, M], f([[5, 14], [14, 50]]), transB=1),
    case("Gemm", [M, f([[2], [4]]), f(4)], f([[8], [11], [14]]), transA=1, alpha=0.5, beta=0.5),
    case("Einsum", [M, f(1, 2, 3)], f(8, 26), equation="ij, j -> i"),
    case("Einsum", [CUBE, CUBE], np.matmul(CUBE, CUBE.swapaxes(1, 2)), equation="bij,bkj->bik"),
    case("Einsum", [f([[1, 2], [3, 4]])], f(1, 4), equation="ii->i"),
    case("MatMulInteger", [u([[1, 2]]), u([[3], [4]]), u(1), u(2)],
         np.array([[2]], np.int32)),
    case("MatMulInteger", [u([[9, 9], [1, 2]]), u([[3], [4]]), u(9, 0)],
         np.array([[0], [11]], np.int32)),
]

QUANTIZATION = [
    case("QuantizeLinear", [f(-1, 0.5, 1.5, 900), f(1), u(10)], u(9, 10, 12, 255)),
    case("QuantizeLinear", [f([[2, 2]]), f(1, 2)], u([[2, 1]]), axis=1),
    case("QuantizeLinear", [f(-300, 3), f(1)], np.array([-128, 3], np.int8), output_dtype=3),
    case("QuantizeLinear", [f([[4, 4, 4, 4]]), f([[1, 2]])], u([[4, 4, 2, 2]]), axis=1,
         block_size=2),
    case("DequantizeLinear", [u(9, 12), f(0.5), u(10)], f(-0.5, 1)),
    case("DequantizeLinear", [u([[2, 4]]), f(1, 2), u(1, 0)], f([[1, 8]])),
    case("DynamicQuantizeLinear", [f(-1, 0, 4.1)], u(0, 50, 255), f(5.1 / 255), u(50)),
    case("QLinearMatMul", [u([[3, 4]]), f(0.5), u(2), u([[5], [7]]), f(2), u(4), f(1), u(100)],
         u([[107]])),
]

NORMALIZATION = [
    case("BatchNormalization", [X4, SCALE, BIAS, MEAN, VAR],
         (X4 - channels(MEAN)) / np.sqrt(channels(VAR) + 1e-3) * channels(SCALE) + channels(BIAS),
         epsilon=1e-3),
    case("BatchNormalization", [X4, SCALE, BIAS, MEAN, VAR],
         (X4 - channels(MEAN)) / np.sqrt(channels(VAR) + 1e-5) * channels(SCALE) + channels(BIAS),
         opset=9, momentum=0.8),
    case("BatchNormalization", [X4, SCALE, BIAS, MEAN, VAR],
         standard(X4, (0, 2, 3)) * channels(SCALE) + channels(BIAS),
         MEAN * 0.9 + X4.mean((0, 2, 3)) * 0.1, VAR * 0.9 + X4.var((0, 2, 3)) * 0.1,
         training_mode=1),
    case("InstanceNormalization", [X4, SCALE, BIAS],
         standard(X4, (2, 3)) * channels(SCALE) + channels(BIAS)),
    case("GroupNormalization", [X4, SCALE, BIAS],
         standard(X4.reshape(2, 2, 18), 2).reshape(X4.shape) * channels(SCALE) + channels(BIAS),
         num_groups=2),
    case("GroupNormalization", [X4, SCALE[:2], BIAS[:2]],
         standard(X4.reshape(2, 2, 18), 2).reshape(X4.shape) * channels(SCALE[[0, 0, 1, 1]])
         + channels(BIAS[[0, 0, 1, 1]]), opset=18, num_groups=2),
    case("LayerNormalization", [M, f(1, 2, 3), f(4)], standard(M, 1) * f(1, 2, 3) + 4,
         f([[1], [4]]), f([[1.2247357]] * 2)),
    case("LayerNormalization", [CUBE, f(2)], standard(CUBE, (1, 2)) * 2,
         f([[[5.5]], [[17.5]]]), f([[[1 / sqrt(143 / 12)]]] * 2), axis=1),
    case("RMSNormalization", [f([[3, 4]]), f(1, 2)], f([[3, 8]]) / sqrt(12.5), epsilon=0.0),
    case("LRN", [X4], X4 / (2 + 0.5 / 3 * f(np.stack([
        np.square(X4[:, max(k - 1, 0) : k + 2]).sum(1) for k in range(4)], 1))) ** 0.75,
         size=3, alpha=0.5, bias=2.0),
    case("LRN", [X4], X4 / (1 + 0.25 * f(np.stack([
        np.square(X4[:, k : k + 2]).sum(1) for k in range(4)], 1))) ** 0.5,
         size=2, alpha=0.5, beta=0.5),
    case("LpNormalization", [f([[3, 4], [0, 0]])], f([[0.6, 0.8], [0, 0]])),
    case("LpNormalization", [f([[3, -1]])], f([[0.75, -0.25]]), p=1),
    case("MeanVarianceNormalization", [X4], standard(X4, (0, 2, 3), 0)),
]

LINE = f([[[0, 10, 20, 30]]])
PLACES = f([[[[-1, -1], [1, -1]], [[0, 0], [3, 3]]]])  # of IMAGE: corners, the middle, outside
RESIZE = [
    case("Resize", [IMAGE, None, f(1, 1, 2, 2)], IMAGE.repeat(2, 2).repeat(2, 3)),
    case("Resize", [LINE, None, f(1, 1, 2)], f([[[0, 2.5, 7.5, 12.5, 17.5, 22.5, 27.5, 30]]]),
         mode="linear"),
    case("Resize", [LINE, None, None, i(1, 1, 7)], f([[[0, 5, 10, 15, 20, 25, 30]]]),
         mode="linear", coordinate_transformation_mode="align_corners"),
    case("Resize", [LINE, None, None, i([2])], f([[[0, 20]]]), axes=[2], mode="linear",
         coordinate_transformation_mode="asymmetric"),
    case("Resize", [LINE, None, f(1, 1, 0.5)], f([[[6.25, 23.75]]]), mode="linear",
         antialias=1),  # weights 1, 3, 3, 1 of 8; beyond the border the last element goes on
    case("Resize", [LINE, None, f(1, 1, 0.5)], f([[[5 - 0.9375, 25 + 0.9375]]]), mode="cubic"),
    case("Resize", [LINE, f(0, 0, 0, 1, 1, 2), None, i(1, 1, 4)], f([[[0, 20, -1, -1]]]),
         mode="linear", coordinate_transformation_mode="tf_crop_and_resize",
         extrapolation_value=-1.0),
    case("Resize", [IMAGE, None, None, i(4, 8)], IMAGE.repeat(2, 2).repeat(2, 3), axes=[2, 3],
         keep_aspect_ratio_policy="not_larger"),
    case("Resize", [u([[[0, 9]]]), None, f(1, 1, 2)], u([[[0, 2, 7, 9]]]), mode="linear"),
    case("Resize", [f([0] * 5), None, f([2.6])], f([0] * 13)),  # 12.999... in float64
    case("Resize", [LINE, f(1, 1, 0.6)], f([[[0, 20]]]), opset=10),
    case("Upsample", [IMAGE, f(1, 1, 1, 2)], IMAGE.repeat(2, 3), opset=9),
    case("Upsample", [LINE], f([[[0, 5, 10, 15, 20, 25, 30, 30]]]), opset=7, scales=[1, 1, 2],
         mode="linear"),
    case("Upsample", [IMAGE], IMAGE.repeat(2, 2), opset=1, height_scale=2.0),
    case("GridSample", [IMAGE, PLACES], f([[[[1, 2], [2.5, 0]]]]), mode="linear", align_corners=1),
    case("GridSample", [IMAGE, PLACES], f([[[[1, 2], [2.5, 4]]]]), opset=16, mode="bilinear",
         align_corners=1, padding_mode="border"),
    case("GridSample", [IMAGE, PLACES], f([[[[0.25, 0.5], [2.5, 0]]]])),
    case("GridSample", [IMAGE, PLACES], f([[[[1, 2], [1, 1]]]]), mode="nearest", align_corners=1,
         padding_mode="reflection"),
]

ALL = [
    *ELEMENTWISE, *ACTIVATIONS, *LOGIC, *SHAPES, *INDEXING, *SLICING, *REDUCE, *LINEAR,
    *QUANTIZATION, *NORMALIZATION, *RESIZE,
]

# Calls that are refused: operator, inputs, attributes, the error, and words of it.
REFUSED = [
    ("Gather", [M, i([2])], {}, ValueError, "indices must be from -2 to 1"),
    ("Gather", [M, i([0])], {"axis": 2}, ValueError, "axis must be from -2 to 1, got 2"),
    ("GatherElements", [M, i([[3]])], {"axis": 1}, ValueError, "indices"),
    ("GatherElements", [M, i([0])], {}, ValueError, "2 axes"),
    ("GatherElements", [M, i([[0, 0, 0, 0]])], {}, ValueError, "not be larger"),
    ("GatherND", [M, i([[0, 0, 0]])], {}, ValueError, "at most 2"),
    ("GatherND", [M, i([[5]])], {}, ValueError, "from -2 to 1"),
    ("GatherND", [CUBE, i([[0]])], {"batch_dims": 1}, ValueError, "first axes"),
    ("ScatterElements", [M, i([[0]]), f([[0, 1]])], {}, ValueError, "updates must have the shape"),
    ("ScatterElements", [M, i([[0]]), f([[0]])], {"reduction": "sub"}, ValueError, "reduction"),
    ("ScatterND", [M, i([[0]]), f([0])], {}, ValueError, "updates must have shape"),
    ("Compress", [M, b(True, True, True)], {"axis": 0}, ValueError, "condition"),
    ("TopK", [M, i([4])], {}, ValueError, "k must be from 0 to 3, got 4"),
    ("Slice", [M, i([0]), i([1, 1])], {}, ValueError, "one length"),
    ("Slice", [M, i([0]), i([1]), i([0]), i([0])], {}, ValueError, "steps must not be 0"),
    ("Split", [M, i([1, 1])], {"axis": 1}, ValueError, "sizes with the sum 3"),
    ("Concat", [M, f([1])], {"axis": 0}, ValueError, "agree in all axes but 0"),
    ("Concat", [], {"axis": 0}, ValueError, "at least one input"),
    ("Pad", [M, i([1, 1])], {}, ValueError, "pads must have 4 elements, got 2"),
    ("Pad", [M, i([-3, 0, 0, 0])], {}, ValueError, "at least 0 elements"),
    ("Pad", [M, i([0, 0, 0, 0])], {"mode": "mirror"}, ValueError, "mode must be one of"),
    ("Pad", [M[:0], i([1, 0, 0, 0])], {"mode": "edge"}, ValueError, "elements to repeat"),
    ("ReverseSequence", [M, i([1])], {}, ValueError, "sequence_lens"),
    ("DepthToSpace", [IMAGE], {"blocksize": 2}, ValueError, "multiple of 4"),
    ("SpaceToDepth", [IMAGE], {"blocksize": 3}, ValueError, "multiples of 3"),
    ("SpaceToDepth", [IMAGE], {"blocksize": 0}, ValueError, "at least 1"),
    ("Reshape", [M, i([4, -1])], {}, ValueError, "shape must be one of 6 elements"),
    ("Reshape", [M, i([-1, -1])], {}, ValueError, "shape"),
    ("Reshape", [M, i([2, 3, 0])], {}, ValueError, "no 0 beyond axis 2"),
    ("Squeeze", [M, i([0])], {}, ValueError, "size 1"),
    ("Unsqueeze", [M, i([0, 0])], {}, ValueError, "axes must differ"),
    ("Transpose", [M], {"perm": [0, 0]}, ValueError, "order of the 2 axes"),
    ("Expand", [M, i([4, 3])], {}, ValueError, "broadcasts"),
    ("Tile", [M, i([1])], {}, ValueError, "2 elements"),
    ("Cast", [M], {"to": 16}, TypeError, "bfloat16"),
    ("Cast", [M], {"to": 22}, TypeError, "int4"),
    ("Cast", [M], {"to": 8}, TypeError, "string"),
    ("Cast", [M], {"to": 99}, TypeError, "got 99"),
    ("Constant", [], {"value_string": "a"}, TypeError, "value"),
    ("Range", [i(0), i(1), i(0)], {}, ValueError, "delta must not be 0"),
    ("EyeLike", [CUBE], {}, ValueError, "matrix"),
    ("BitShift", [u(1), u(1)], {"direction": "UP"}, ValueError, "LEFT, RIGHT"),
    ("Max", [], {}, ValueError, "at least one input"),
    ("Gelu", [M], {"approximate": "erf"}, ValueError, "approximate"),
    ("Softmax", [M], {"axis": 2}, ValueError, "axis must be from -2 to 1, got 2"),
    ("Dropout", [M, f(1)], {}, ValueError, "less than 1"),
    ("ReduceSum", [M, i([2])], {}, ValueError, "axis must be from -2 to 1"),
    ("ReduceSum", [M, i([1, -1])], {}, ValueError, "axes must differ"),
    ("ArgMax", [M[:0]], {}, ValueError, "must have elements"),
    ("MatMul", [M, M], {}, ValueError, "(2, 3) and (2, 3)"),
    ("Gemm", [M, f([1, 2])], {}, ValueError, "matrices"),
    ("Einsum", [M], {"equation": "ijk->i"}, ValueError, "equation"),
    ("QuantizeLinear", [M, f(1, 2)], {}, ValueError, "scale"),
    ("QuantizeLinear", [M, f(1)], {"output_dtype": 22}, TypeError, "int4"),
    ("QLinearMatMul", [u([[1]]), f(1), u(0)], {}, ValueError, "8 inputs"),
    ("GroupNormalization", [X4, SCALE, BIAS], {"num_groups": 3}, ValueError, "divide the 4"),
    ("LRN", [X4], {"size": 0}, ValueError, "size"),
    ("LpNormalization", [M], {"p": 3}, ValueError, "1 or 2"),
    ("Resize", [M, None, f([2])], {}, ValueError, "2 elements, got 1"),
    ("Resize", [M, None, f(1, 0)], {}, ValueError, "positive"),
    ("Resize", [M, None, f(1, 2)], {"mode": "area"}, ValueError, "nearest, linear, cubic"),
    ("Resize", [M, None, f(1, 2)], {"coordinate_transformation_mode": "tf_crop_and_resize"},
     ValueError, "roi"),
    ("GridSample", [IMAGE, PLACES[..., :1]], {}, ValueError, "grid must have shape"),
    ("GridSample", [IMAGE, PLACES], {"padding_mode": "wrap"}, ValueError, "padding_mode"),
    ("LSTM", [CUBE, CUBE, CUBE], {"direction": "sideways"}, ValueError, "direction"),
    ("GRU", [CUBE, CUBE, CUBE], {"activations": ["Tanh"]}, ValueError, "2 words, got 1"),
    ("RNN", [CUBE, CUBE, CUBE], {"activations": ["Cosine"]}, ValueError, "activations"),
    ("If", [b(True, False)], {"then_branch": None, "else_branch": None}, ValueError, "one element"),
    ("Multinomial", [f([1, 2])], {}, ValueError, "matrix"),
    ("RandomNormal", [], {"shape": [2], "dtype": 17}, TypeError, "float8e4m3fn"),
]
