"""Each pass on small graphs: what it leaves, what it must leave alone, and the same numbers."""

import copy
import pickle

import numpy as np
import pytest

from convcore.graph.network import Network
from convcore.graph.node import Value
from convcore.graph.passes import optimize
from tests.support.graphs import by_node, graph, node, value

pytestmark = pytest.mark.auto


def normal(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


W = normal(6, 3, 3, 3)  # of a convolution, (outputs, inputs, rows, columns)
X = normal(2, 3, 8, 9, seed=1)
Y = (2, 6, 6, 7)  # the shape of X through W
CONV = node("Conv", "x w", "a")
LAYER = "convcore.Layer"


def keys(of):
    return [each.key for each in optimize(of).nodes]


def check(of, wanted, exact=True, **inputs):
    """Optimise, compare the nodes that are left and all results; run thrice, for the block."""
    inputs = inputs or {"x": X}
    assert keys(of) == wanted.split()
    given = {name: np.array(array) for name, array in inputs.items()}
    for array in given.values():
        array.flags.writeable = False
    results = by_node(of, given)
    network = Network(of)
    for _ in range(3):
        for found, result in zip(network.run(given).values(), results, strict=True):
            assert (found.shape, found.dtype) == (result.shape, result.dtype)
            if exact:
                np.testing.assert_array_equal(found, result)
            else:
                scale = np.abs(result).max()
                np.testing.assert_allclose(found, result, rtol=1e-6, atol=1e-6 * scale)
    return network


# --- prune ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "wanted"),
    [
        ([node("Identity", "x", "a"), node("Relu", "a", "y")], "Relu"),
        ([node("Dropout", "x r", "a m"), node("Relu", "a", "y")], "Relu"),
        ([node("Dropout", "x r f", "a"), node("Relu", "a", "y")], "Relu"),
        ([node("Relu", "x", "y"), node("Exp", "x", "z")], "Relu"),
        ([node("Relu", "x", "z"), node("Identity", "z", "y")], "Relu Identity"),
        ([node("Identity", "x", "a"), node("Identity", "a", "b"), node("Neg", "b", "y")], "Neg"),
        ([node("Split", "x", "y z", axis=1, split=[1, 2])], "Split"),
    ],
)
def test_nodes_that_do_nothing_are_left_out(nodes, wanted):
    of = graph(nodes, r=np.float32(0.5), f=np.array(False))
    if wanted == "Split":
        of.opset = 11
    check(of, wanted)


def test_a_dropout_that_trains_or_whose_mask_is_used_stays():
    for given in ("x r t", "x r q"):
        of = graph([node("Dropout", given, "a"), node("Relu", "a", "y")],
                   "x q", r=np.float32(0.5), t=np.array(True))  # fmt: skip
        assert keys(of) == ["Dropout", "Relu"]
    of = graph([node("Dropout", "x r", "a m"), node("Not", "m", "n"), node("Relu", "a", "y")],
               outputs="y n", r=np.float32(0.5))  # fmt: skip
    check(of, "Dropout Not Relu")


def test_a_captured_value_keeps_its_name():
    """The graph inside knows what Identity gives by that name alone."""
    inner = graph([node("Neg", "a", "z")], "", "z")
    nodes = [node("Identity", "x", "a"), node("If", "c", "y", then_branch=inner, else_branch=inner)]
    check(graph(nodes, c=np.array(True)), "Identity If")


# --- constants ------------------------------------------------------------------------------------


def test_constants_are_computed_once():
    nodes = [node("Shape", "w", "s"), node("Gather", "s i", "n"), node("Cast", "n", "f", to=1),
             node("Mul", "w f", "v"), node("Conv", "x v", "y")]  # fmt: skip
    check(graph(nodes, w=W, i=np.array(1)), LAYER)


def test_random_numbers_are_no_constants():
    nodes = [node("RandomNormal", "", "r", shape=[2, 3, 8, 9]), node("Add", "x r", "y")]
    of = graph(nodes)
    assert keys(of) == ["RandomNormal", "Add"]
    network = Network(of)
    assert (next(iter(network.run(X).values())) != next(iter(network.run(X).values()))).any()


def test_what_cannot_be_computed_is_told_in_the_run():
    nodes = [node("MatMul", "w w", "v", "bad"), node("Add", "x v", "y")]
    network = Network(graph(nodes, w=np.ones((2, 3), np.float32)))
    with pytest.raises(ValueError, match="MatMul: inputs must be matrices"):
        network.run(np.ones((2, 3), np.float32))


# --- layers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("op", "weight", "attributes"),
    [
        ("Conv", (6, 3, 3, 3), {}),
        ("Conv", (6, 1, 3, 2), {"group": 3, "strides": [2, 1], "pads": [1, 0, 2, 1]}),
        ("Conv", (6, 3, 3, 3), {"auto_pad": "SAME_LOWER", "dilations": [2, 1]}),
        ("ConvTranspose", (3, 4, 3, 3), {"strides": [2, 2], "output_padding": [1, 0]}),
        ("ConvTranspose", (3, 2, 3, 3), {"group": 3, "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ("ConvTranspose", (3, 2, 3, 3), {"output_shape": [15, 14], "strides": [2, 2]}),
    ],
)
def test_convolutions_become_layers(op, weight, attributes, dtype):
    constants = {"w": normal(*weight, dtype=dtype)}
    outputs = weight[0] if op == "Conv" else weight[1] * attributes.get("group", 1)
    for bias in ("", " b"):
        constants["b"] = normal(outputs, dtype=dtype)
        of = graph([node(op, f"x w{bias}", "y", **attributes)],
                   [value("x", None, dtype)], **constants)  # fmt: skip
        check(of, LAYER, x=X.astype(dtype))
        check(of, LAYER, x=X[:, :, :7, :7].astype(dtype))


def test_products_become_layers():
    x, w = normal(2, 5, 4), normal(4, 3)
    for a in (x, x[0], x[None]):
        check(graph([node("MatMul", "x w", "y")], w=w), LAYER, exact=False, x=a)
    for attributes in ({}, {"transB": 1}, {"alpha": 0.5, "beta": 2.0}):
        b = w.T if "transB" in attributes else w
        for c in (normal(3), normal(1), normal(1, 3), np.float32(2)):
            of = graph([node("Gemm", "x w c", "y", **attributes)], w=b, c=c)
            check(of, LAYER, exact=False, x=x[0])


def test_products_that_are_no_layers():
    x, w = normal(5, 4), normal(4, 3)
    check(graph([node("Gemm", "x w c", "y")], w=w, c=normal(5, 3)), "Gemm", x=x)
    check(graph([node("Gemm", "x w c", "y")], w=w, c=normal(5, 1)), "Gemm", x=x)
    check(graph([node("Gemm", "x w", "y", transA=1)], w=w), "Gemm", x=x.T)
    check(graph([node("MatMul", "w x", "y")], w=w.T), "MatMul", x=x.T)
    check(graph([node("MatMul", "x w", "y")], w=normal(2, 4, 3)), "MatMul", x=x)
    check(graph([node("MatMul", "x w", "y")], w=normal(4)), "MatMul", x=x)
    ints = {"x": np.arange(20).reshape(5, 4)}
    of = graph([node("MatMul", "x w", "y")], [value("x", None, int)], w=np.ones((4, 3), int))
    check(of, "MatMul", **ints)


def test_a_product_with_a_vector():
    of = graph([node("MatMul", "x w", "a"), node("Relu", "a", "y")], w=normal(4, 3))
    check(of, LAYER, exact=False, x=normal(4))


def test_dynamic_weights_are_no_layers():
    check(graph([node("Conv", "x v", "y")], "x v"), "Conv", x=X, v=W)
    check(graph([node("Conv", "x w b", "y")], "x b", w=W), "Conv", x=X, b=normal(6))
    check(graph([node("Conv", "w v", "y")], "v", w=X), "Conv", v=W)
    of = graph([node("Conv", "x w", "y")], [value("x", None, np.float16)], w=W.astype(np.float16))
    check(of, "Conv", x=X.astype(np.float16))


# --- linear ---------------------------------------------------------------------------------------


def norm(inputs="a", output="y", **attributes):
    return node("BatchNormalization", f"{inputs} s b m v", output, **attributes)


def numbers(channels, dtype=np.float32):
    return {name: np.random.default_rng(i).uniform(0.5, 2, channels).astype(dtype)
            for i, name in enumerate("sbmv")}  # fmt: skip


@pytest.mark.parametrize("group", [1, 2, 3, 6])
@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
def test_normalizations_are_folded(op, group):
    inputs, outputs = 6, 12
    shape = (outputs, inputs // group) if op == "Conv" else (inputs, outputs // group)
    w, x = normal(*shape, 3, 3), normal(2, inputs, 8, 9)
    nodes = [node(op, "x w", "a", group=group), norm(output="n"), node("Relu", "n", "y")]
    check(graph(nodes, w=w, **numbers(outputs)), LAYER, exact=False, x=x)
    of = graph(nodes, [value("x", None, np.float64)], w=w.astype(float), **numbers(outputs, float))
    network, result = Network(of), by_node(of, {"x": x.astype(float)})[0]
    np.testing.assert_allclose(
        next(iter(network.run(x.astype(float)).values())), result, rtol=1e-13, atol=1e-13
    )


def test_normalizations_that_are_not_folded():
    more = numbers(6) | {"w": W}
    train = node("BatchNormalization", "a s b m v", "y mo vo", training_mode=1)
    check(graph([CONV, train], **more), f"{LAYER} BatchNormalization")
    with_means = graph([CONV, train], outputs="y mo", **more)
    assert keys(with_means) == [LAYER, "BatchNormalization"]
    # a layer of its own: what comes before is needed as it is
    check(graph([CONV, norm()], outputs="y a", **more), f"{LAYER} {LAYER}", exact=False)
    twice = [CONV, norm(output="n"), node("Add", "n a", "y")]
    check(graph(twice, **more), f"{LAYER} {LAYER}", exact=False)
    given = {name: array for name, array in more.items() if name != "m"}
    check(graph([CONV, norm()], "x m", **given), f"{LAYER} BatchNormalization", exact=False,
          x=X, m=more["m"])  # fmt: skip
    flat = numbers(6) | {"w": normal(3, 6)}
    check(graph([node("MatMul", "x w", "a"), norm()], **flat), f"{LAYER} BatchNormalization",
          exact=False, x=normal(5, 3))  # fmt: skip
    zero = {**more, "v": np.full(6, -1e-5, np.float32)}  # its root is 0
    assert keys(graph([CONV, norm(epsilon=float(np.float32(1e-5)))], **zero))[-1] != LAYER


def test_normalizations_alone_become_layers():
    inputs = [value("x", ("N", 3, None, None))]
    check(graph([norm("x")], inputs, **numbers(3)), LAYER, exact=False)
    nodes = [norm("x", "n"), node("Relu", "n", "y")]
    check(graph(nodes, inputs, **numbers(3)), LAYER, exact=False)
    check(graph([norm("x")], **numbers(3)), "BatchNormalization")  # nobody knows its axes
    flat = graph([norm("x")], [value("x", ("N", 3))], **numbers(3))
    check(flat, "BatchNormalization", x=normal(2, 3))


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("shape", [(), (1,), (6, 1, 1), (1, 6, 1, 1), (1, 1, 1, 1)])
def test_numbers_of_channels_are_folded(op, shape):
    c = np.random.default_rng(0).uniform(0.5, 2, shape).astype(np.float32)
    check(graph([CONV, node(op, "a c", "y")], w=W, c=c), LAYER, exact=False)
    if op in ("Add", "Mul"):
        check(graph([CONV, node(op, "c a", "y")], w=W, c=c), LAYER, exact=False)
    else:
        check(graph([CONV, node(op, "c a", "y")], w=W, c=c), f"{LAYER} {op}")


@pytest.mark.parametrize(
    "shape", [(7,), (6, 1), (6, 7), (1, 6, 1, 7), (2, 6, 1, 1), (1, 1, 6, 1, 1)]
)
def test_constants_of_another_rank_are_not_folded(shape):
    for op in ("Add", "Mul"):
        check(graph([CONV, node(op, "a c", "y")], w=W, c=normal(*shape)), f"{LAYER} {op}")


def test_constants_that_are_not_folded():
    zero = np.zeros((6, 1, 1), np.float32)
    check(graph([CONV, node("Div", "a c", "y")], w=W, c=zero), f"{LAYER} Div")
    check(graph([CONV, node("Mul", "a c", "y")], "x c", w=W), f"{LAYER} Mul", x=X, c=zero)
    check(graph([CONV, node("Mul", "a a", "y")], w=W), f"{LAYER} Mul")
    matrix = [node("MatMul", "x w", "a"), node("Mul", "a c", "y")]
    wide = graph(matrix, w=normal(4, 3), c=normal(2, 1))
    check(wide, f"{LAYER} Mul", exact=False, x=normal(2, 4))
    check(graph(matrix, w=normal(4, 3), c=normal(3)), LAYER, exact=False, x=normal(5, 4))


def test_a_matrix_s_bias():
    nodes = [node("MatMul", "x w", "a"), node("Add", "b a", "c"), node("Gelu", "c", "y")]
    check(graph(nodes, w=normal(4, 3), b=normal(3)), LAYER, exact=False, x=normal(2, 7, 4))


# --- epilogues ------------------------------------------------------------------------------------

EXACT = {
    "relu": [node("Relu", "a", "y")],
    "leaky": [node("LeakyRelu", "a", "y", alpha=0.2)],
    "clip": [node("Clip", "a l h", "y")],
    "low": [node("Clip", "a l", "y")],
    "high": [node("Clip", "a - h", "y")],
    "prelu": [node("PRelu", "a p", "y")],
    "one slope": [node("PRelu", "a q", "y")],
}
CLOSE = {
    "hardswish": [node("HardSwish", "a", "y")],
    "hardswish by gates": [node("HardSigmoid", "a", "g", alpha=1 / 6), node("Mul", "a g", "y")],
    "hardsigmoid": [node("HardSigmoid", "a", "y", alpha=1 / 6)],
    "sigmoid": [node("Sigmoid", "a", "y")],
    "tanh": [node("Tanh", "a", "y")],
    "elu": [node("Elu", "a", "y", alpha=0.7)],
    "gelu": [node("Gelu", "a", "y")],
    "silu": [node("Sigmoid", "a", "g"), node("Mul", "g a", "y")],
}
SLOPES = {
    "l": np.float32(-0.5), "h": np.float32(0.7), "p": normal(6, 1, 1), "q": normal(1, 1, 1),
    "w": W,
}  # fmt: skip


@pytest.mark.parametrize("name", [*EXACT, *CLOSE])
@pytest.mark.parametrize("residual", [False, True])
def test_activations_are_fused(name, residual):
    nodes, exact = (EXACT | CLOSE)[name], name in EXACT
    inputs, first = {"x": X}, [CONV]
    if residual:
        first = [node("Conv", "x w", "c"), node("Add", "c r", "a")]
        inputs["r"] = normal(*Y, seed=5)
    check(graph([*first, *nodes], " ".join(inputs), **SLOPES), LAYER, exact=exact, **inputs)


@pytest.mark.parametrize(
    "nodes",
    [
        [node("HardSigmoid", "a", "y")],
        [node("HardSigmoid", "a", "g"), node("Mul", "a g", "y")],
        [node("Gelu", "a", "y", approximate="tanh")],
        [node("PRelu", "a w1", "y")],
        [node("Clip", "a k", "y")],
        [node("Clip", "a nan", "y")],
        [node("Relu", "a", "r"), node("Mul", "a r", "y")],
        [node("Relu", "a", "r"), node("Relu", "a", "s"), node("Add", "r s", "y")],
        [node("Sigmoid", "a", "g"), node("Mul", "a g", "m"), node("Add", "m g", "y")],
        [node("Softplus", "a", "y")],
    ],
)
def test_activations_that_are_not_fused(nodes):
    inputs = {"x": X, "k": np.float32(-0.1)}
    of = graph([CONV, *nodes], "x k", w=W, w1=normal(6, 6, 1), nan=np.float32(np.nan))
    left = [each.key for each in nodes]
    check(of, " ".join([LAYER, *left]), **inputs)


def test_a_result_that_is_an_output_is_not_fused():
    rows = (EXACT["relu"], "Relu"), ([node("Add", "a r", "y")], "Add"), (CLOSE["silu"], "Swish")
    for nodes, left in rows:
        of = graph([CONV, *nodes], "x r", "y a", w=W)
        check(of, f"{LAYER} {left}", exact=left != "Swish", x=X, r=normal(*Y))
    of = graph([CONV, *CLOSE["silu"]], outputs="y g", w=W)
    check(of, f"{LAYER} Sigmoid Mul")


@pytest.mark.parametrize("op", ["Add", "Sum"])
@pytest.mark.parametrize("order", ["a r", "r a"])
def test_residuals_are_fused(op, order):
    of = graph([CONV, node(op, order, "y")], "x r", w=W)
    check(of, LAYER, x=X, r=normal(*Y))


@pytest.mark.parametrize(
    "shape", [(), (1,), (6, 1, 1), (6, 6, 7), (2, 6, 1, 7), (4, 2, 6, 6, 7), (3, 1, 1, 1, 1)]
)
@pytest.mark.parametrize("after", [[], EXACT["relu"], EXACT["prelu"]])
def test_residuals_of_another_shape(shape, after):
    """Which may be smaller, or larger, than the layer's result."""
    output = "a" if after else "y"
    nodes = [node("Conv", "x w", "c"), node("Add", "c r", output), *after]
    check(graph(nodes, "x r", **SLOPES), LAYER, x=X, r=normal(*shape))


def test_a_larger_result_from_a_small_one():
    x, w = normal(1, 3, 3, 3), W
    of = graph([node("Conv", "x w", "a"), node("Add", "a r", "y")], "x r", w=w)
    check(of, LAYER, x=x, r=normal(2, 6, 5, 4))


def test_the_residual_is_the_layer_s_own_input():
    w = normal(3, 3, 3, 3)
    nodes = [
        node("Conv", "x w", "a", pads=[1] * 4),
        node("Add", "a x", "b"),
        node("Relu", "b", "y"),
    ]
    network = check(graph(nodes, w=w), LAYER)
    assert next(iter(network.run(X).values())).shape == X.shape
    again = [*nodes[:2], node("Conv", "b w", "c", pads=[1] * 4), node("Add", "b c", "y")]
    check(graph(again, w=w), f"{LAYER} {LAYER}")


def test_both_parts_of_a_sum_are_layers():
    nodes = [CONV, node("Conv", "x v", "b"), node("Add", "a b", "s"), node("Relu", "s", "y")]
    check(graph(nodes, w=W, v=normal(6, 3, 3, 3, seed=7)), f"{LAYER} {LAYER}")


def test_sums_that_are_not_fused():
    check(graph([CONV, node("Add", "a a", "y")], w=W), f"{LAYER} Add")
    check(graph([CONV, node("Sum", "a r s", "y")], "x r s", w=W), f"{LAYER} Sum",
          x=X, r=normal(*Y), s=normal(*Y))  # fmt: skip
    check(graph([CONV, node("Sub", "a r", "y")], "x r", w=W), f"{LAYER} Sub", x=X, r=normal(*Y))
    check(graph([CONV, node("Add", "a c", "y")], w=W, c=normal(*Y)), f"{LAYER} Add")


def test_a_sum_after_an_activation_is_not_fused_before_it():
    nodes = [CONV, node("Relu", "a", "b"), node("Add", "b r", "y")]
    check(graph(nodes, "x r", w=W), f"{LAYER} Add", x=X, r=normal(*Y))


@pytest.mark.parametrize("truth", [True, False])
def test_a_branch_that_captures_a_value(truth):
    """What an If knows of a layer is its result before the activation."""
    then = graph([node("Neg", "a", "z")], "", "z")
    other = graph([node("Abs", "r", "z")], "", "z")
    choose = node("If", "c", "i", then_branch=then, else_branch=other)
    nodes = [CONV, node("Relu", "a", "r"), choose, node("Add", "r i", "y")]
    of = graph(nodes, [value("x"), value("c", None, bool)], w=W)
    check(of, f"{LAYER} Relu If Add", x=X, c=np.array(truth))


def test_graphs_inside_are_run_as_they_are():
    body = graph([node("Conv", "v w", "a", pads=[1] * 4), node("Relu", "a", "o"),
                  node("Identity", "k", "l")], [value("n", (), int), value("k", (), bool),
                 value("v")], "l o")  # fmt: skip
    of = graph([node("Loop", "n t x", "y", body=body)], w=normal(3, 3, 3, 3) / 8,
               n=np.array(3), t=np.array(True))  # fmt: skip
    check(of, "Loop")


def test_an_empty_batch():
    nodes = [CONV, *EXACT["relu"]]
    check(graph(nodes, w=W), LAYER, x=X[:0])
    of = graph([node("MatMul", "x w", "a"), *EXACT["relu"]], w=normal(4, 3))
    check(of, LAYER, x=normal(0, 4))


def test_nan_and_infinity_pass():
    x = X.copy()
    x[0, 0, 0, :3] = np.nan, np.inf, -np.inf
    for name in ("relu", "clip", "leaky", "prelu"):
        check(graph([CONV, *EXACT[name]], **SLOPES), LAYER, x=x)


GELU = [
    node("Div", "a r2", "d"), node("Erf", "d", "e"), node("Add", "e one", "f"),
    node("Mul", "a f", "m"), node("Mul", "m half", "y"),
]  # fmt: skip
SPELLED = {
    "gelu": GELU,
    "gelu, half before": [
        node("Mul", "a half", "b"), node("Mul", "a s2", "d"), node("Erf", "d", "e"),
        node("Add", "one e", "f"), node("Mul", "f b", "y"),
    ],
    "hardswish": [
        node("Add", "a three", "b"), node("Clip", "b zero six", "c2"), node("Mul", "a c2", "m"),
        node("Div", "m six", "y"),
    ],
    "hardswish, a sixth": [
        node("Add", "three a", "b"), node("Clip", "b zero six", "c2"), node("Mul", "c2 a", "m"),
        node("Mul", "m sixth", "y"),
    ],
}  # fmt: skip
NUMBERS = {
    "r2": 2**0.5, "s2": 0.5**0.5, "one": 1, "half": 0.5, "three": 3, "zero": 0, "six": 6,
    "sixth": 1 / 6,
}  # fmt: skip
NUMBERS = {name: np.float32(number) for name, number in NUMBERS.items()}


@pytest.mark.parametrize("name", SPELLED)
def test_activations_that_are_spelled_out_are_fused(name):
    check(graph([CONV, *SPELLED[name]], w=W, **NUMBERS), LAYER, exact=False)


@pytest.mark.parametrize("name", SPELLED)
def test_other_numbers_are_no_activation(name):
    for changed in ("half", "three", "sixth", "one", "six"):
        used = any(changed in each.inputs for each in SPELLED[name])
        numbers = NUMBERS | {changed: np.float32(0.3)}
        fused = keys(graph([CONV, *SPELLED[name]], w=W, **numbers)) == [LAYER]
        assert fused is not used


def one_cell_network(layers):
    """1x1 and 3x3 convolutions in turn, a sum, a pooling, a concatenation."""
    nodes, constants = [node("Conv", "x first", "v0")], {"first": normal(8, 3, 1, 1)}
    for i in range(layers):
        constants[f"w{i}"] = normal(8, 8, 1, 1) if i % 8 else normal(8, 8, 3, 3) / 3
        pads = {} if i % 8 else {"pads": [1, 1, 1, 1]}
        nodes.append(node("Conv", f"v{i} w{i}", f"c{i}", **pads))
        nodes.append(node("Relu", f"c{i}", f"v{i + 1}"))
    end = f"v{layers}"
    nodes += [
        node("Add", f"{end} v1", "s"),
        node("MaxPool", "s", "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Mul", "p each", "m"),
        node("Concat", "m p", "k", axis=1),
        node("GlobalAveragePool", "k", "g"),
        node("Flatten", "g", "y"),
    ]
    return graph(nodes, w=W, each=normal(8, 1, 1), **constants)


def test_channels_come_last_in_a_network_of_cells():
    of = one_cell_network(24)
    left = [each for each in optimize(of).nodes if each.key == "convcore.Layer"]
    assert all(each.attributes["layer"].attributes["layout"] == "NHWC" for each in left)
    assert keys(of).count("Transpose") == 2
    check(of, " ".join(keys(of)), exact=False)


def test_channels_stay_first_where_it_would_not_pay():
    assert "Transpose" not in keys(one_cell_network(8))


def test_graphs_inside_are_optimised_with_the_constants_around_them():
    branches = {
        name: graph([node("Conv", "x w", "a"), node(op, "a", "y")], inputs="")
        for name, op in (("then_branch", "Relu"), ("else_branch", "Neg"))
    }
    inputs = [value("x"), Value("c", np.dtype(bool), ())]
    of = graph([node("If", "c", "y", **branches)], inputs, w=W)
    (found,) = optimize(of).nodes
    left = {name: [each.key for each in inner.nodes] for name, inner in found.attributes.items()}
    assert left == {"then_branch": [LAYER], "else_branch": [LAYER, "Neg"]}
    for flag in (True, False):
        check(of, "If", x=X, c=np.array(flag))


def test_numbers_that_would_overflow_are_not_folded():
    large = np.float32(3e38)
    for nodes, arrays in (
        ([node("Mul", "a c", "y")], {"c": large}),
        ([norm()], numbers(6) | {"s": np.full(6, large), "v": np.full(6, np.float32(1e-12))}),
    ):
        of = graph([CONV, *nodes], w=W, **arrays)
        assert keys(of) != [LAYER]


def test_float16_stays_float16_through_a_normalisation():
    inputs = [Value("x", np.dtype(np.float16), ("N", 3, 4, 4))]
    network = Network(graph([norm("x")], inputs, **numbers(3)))
    assert next(iter(network.run(np.ones((1, 3, 4, 4), np.float16)).values())).dtype == np.float16


def test_copies_and_pickles_of_a_network():
    network = Network(graph([CONV, node("Relu", "a", "y")], w=W))
    for again in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
        np.testing.assert_array_equal(
            next(iter(again.run(X).values())), next(iter(network.run(X).values()))
        )
