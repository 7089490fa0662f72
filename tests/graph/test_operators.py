"""Operators of graphs against results by hand, and what they refuse."""

import inspect

import numpy as np
import pytest

from convcore.graph import operators
from convcore.graph.node import Graph, Node, Value
from convcore.graph.operators import Call, find
from convcore.graph.types import DTYPES, NAMES, dtype_of
from tests.tables.operator_cases import ALL, CUBE, NEWEST, REFUSED, M, b, f, i

ROWS = [row for rows in operators.names().values() for row in rows]
# Windows have tests of their own, and so have the operators that only convcore has.
HERE = [
    row
    for row in ROWS
    if "." not in row.name and not row.function.__module__.endswith((".conv", ".pool"))
]


def call(op, inputs, *, opset=NEWEST, wanted=1, run=None, **attributes):
    """The results of an operator, whose inputs cannot be written to."""
    row = operators.find(op, opset)
    inputs = [None if x is None else x.view() for x in inputs]
    for x in inputs:
        if x is not None:
            x.flags.writeable = False
    first = [operators.Call(opset, (True,) * wanted, run)] if row.wants_call else []
    with np.errstate(all="ignore"):
        found = row.function(*first, *inputs, **attributes)
    return list(found) if isinstance(found, tuple) else [found]


def assert_close(found, wanted):
    assert type(found) is np.ndarray
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(found, wanted, rtol=3e-6, atol=3e-6)


@pytest.mark.parametrize("case", ALL, ids=[f"{case}-{k}" for k, case in enumerate(ALL)])
def test_results(case):
    results = call(
        case.op, case.inputs, opset=case.opset, wanted=len(case.results), **case.attributes
    )
    for found, wanted in zip(results, case.results, strict=False):
        assert_close(found, wanted)
    assert len(results) >= len(case.results)


@pytest.mark.parametrize(("op", "inputs", "attributes", "error", "words"), REFUSED)
def test_refused(op, inputs, attributes, error, words):
    with pytest.raises(error) as caught:
        call(op, inputs, wanted=2, **attributes)
    assert str(caught.value).startswith(f"{op}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}-{row.since}")
def test_every_function_says_what_it_does(row):
    assert row.function.__doc__


@pytest.mark.parametrize("row", HERE, ids=lambda row: f"{row.name}-{row.since}")
def test_attributes_are_keywords(row):
    parameters = inspect.signature(row.function).parameters.values()
    assert all(p.kind not in (p.VAR_KEYWORD, p.POSITIONAL_ONLY) for p in parameters)
    keywords = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    assert row.wants_call == ("call" in inspect.signature(row.function).parameters)
    assert all(p.default is not p.empty or p.name in REQUIRED for p in keywords)


# Attributes without a default, as ONNX has them.
REQUIRED = {
    "axes", "axis", "blocksize", "body", "direction", "else_branch", "ends", "equation", "k",
    "num_groups", "num_scan_inputs", "perm", "shape", "size", "starts", "then_branch", "to",
}  # fmt: skip
# Operators with tests of their own below, or elsewhere.
ELSEWHERE = {
    "Bernoulli", "GRU", "If", "LSTM", "Loop", "Multinomial", "RNN", "RandomNormal",
    "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Scan",
}  # fmt: skip


def test_every_operator_has_a_case():
    assert {row.name for row in HERE} - {case.op for case in ALL} == ELSEWHERE


ELEMENTWISE = [
    name
    for name, rows in operators.names().items()
    if rows[-1].function.__module__.endswith(("elementwise", "activations", "logic"))
    and name not in ("Softmax", "LogSoftmax", "Hardmax", "BitShift")
]


@pytest.mark.parametrize("op", ELEMENTWISE)
def test_arrays_without_axes_stay_arrays(op):
    row = operators.find(op, NEWEST)
    dtype = np.uint8 if op.startswith("Bit") else np.bool_ if op in "And Or Xor Not" else np.float32
    one = np.array(1, dtype)
    parameters = inspect.signature(row.function).parameters.values()
    many = sum(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in parameters)
    number = max(many - row.wants_call, 1)
    for found in call(op, [one] * number):
        assert type(found) is np.ndarray
        assert found.shape == ()


def test_softmax_of_a_float16():
    (y,) = call("Softmax", [f(0, 0).astype(np.float16)])
    assert_close(y, f(0.5, 0.5).astype(np.float16))


def test_dtypes():
    assert dtype_of(1) is np.dtype(np.float32) is dtype_of("FLOAT")
    assert dtype_of("INT64") == np.int64
    assert dtype_of("DOUBLE") == np.float64
    assert all(np.dtype(NAMES[number]) == dtype for number, dtype in DTYPES.items())
    with pytest.raises(ValueError, match=r"16 \(bfloat16\) has no NumPy dtype"):
        dtype_of(16)
    with pytest.raises(ValueError, match="got 'FLOAT99'"):
        dtype_of("FLOAT99")


# Recurrent layers, against loops that are written out.


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def random(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


STEPS, BATCH, SIZE, HIDDEN = 4, 3, 2, 5


def weights(gates, ways=1):
    return random(
        (STEPS, BATCH, SIZE), (ways, gates * HIDDEN, SIZE), (ways, gates * HIDDEN, HIDDEN),
        (ways, 2 * gates * HIDDEN), (ways, BATCH, HIDDEN), (ways, BATCH, HIDDEN),
        (ways, 3 * HIDDEN),
    )  # fmt: skip


def test_rnn():
    x, w, r, bias, h, *_ = weights(1)
    y, last = call("RNN", [x, w, r, bias, None, h], wanted=2)
    state = h[0]
    for step in range(STEPS):
        state = np.tanh(x[step] @ w[0].T + state @ r[0].T + bias[0, :HIDDEN] + bias[0, HIDDEN:])
        assert_close(y[step, 0], state)
    assert_close(last[0], state)


@pytest.mark.parametrize("late", [0, 1])
def test_gru(late):
    x, w, r, bias, h, *_ = weights(3)
    y, last = call("GRU", [x, w, r, bias, None, h], wanted=2, linear_before_reset=late)
    wz, wr, wn, rz, rr, rn = (m for both in (w[0], r[0]) for m in np.split(both, 3))
    bz, br, bn, cz, cr, cn = np.split(bias[0], 6)
    state = h[0]
    for step in range(STEPS):
        z = sigmoid(x[step] @ wz.T + state @ rz.T + bz + cz)
        reset = sigmoid(x[step] @ wr.T + state @ rr.T + br + cr)
        inner = reset * (state @ rn.T + cn) if late else (reset * state) @ rn.T + cn
        state = (1 - z) * np.tanh(x[step] @ wn.T + bn + inner) + z * state
        assert_close(y[step, 0], state)
    assert_close(last[0], state)


@pytest.mark.parametrize("forget", [0, 1])
def test_lstm(forget):
    x, w, r, bias, h, c, p = weights(4)
    y, last, last_cell = call(
        "LSTM", [x, w, r, bias, None, h, c, p], wanted=3, input_forget=forget, clip=1.5
    )
    pi, po, pf = np.split(p[0], 3)
    state, cell = h[0], c[0]
    for step in range(STEPS):
        gates = x[step] @ w[0].T + state @ r[0].T + bias[0, : 4 * HIDDEN] + bias[0, 4 * HIDDEN :]
        gi, go, gf, gn = np.split(gates, 4, 1)
        enter = sigmoid(np.clip(gi + pi * cell, -1.5, 1.5))
        stay = 1 - enter if forget else sigmoid(np.clip(gf + pf * cell, -1.5, 1.5))
        cell = stay * cell + enter * np.tanh(np.clip(gn, -1.5, 1.5))
        state = sigmoid(np.clip(go + po * cell, -1.5, 1.5)) * np.tanh(cell)
        assert_close(y[step, 0], state)
    assert_close(last[0], state)
    assert_close(last_cell[0], cell)


@pytest.mark.parametrize(("op", "gates"), [("RNN", 1), ("GRU", 3), ("LSTM", 4)])
def test_directions_and_ends(op, gates):
    x, w, r, bias, *_ = weights(gates, ways=2)
    lengths = np.array([4, 1, 3], np.int32)
    wanted = 3 if op == "LSTM" else 2
    y, *last = call(op, [x, w, r, bias, lengths], wanted=wanted, direction="bidirectional")
    for example, end in enumerate(lengths):
        one = x[:end, example : example + 1]
        ahead = call(op, [one, w[:1], r[:1], bias[:1]], wanted=wanted)
        # The reverse direction is the forward one of the reversed sequence.
        back = call(op, [one[::-1], w[1:], r[1:], bias[1:]], wanted=wanted)
        assert_close(y[:end, 0, example], ahead[0][:, 0, 0])
        assert_close(y[:end, 1, example], back[0][::-1, 0, 0])
        assert not y[end:, :, example].any()
        for both, first, second in zip(last, ahead[1:], back[1:], strict=True):
            assert_close(both[:, example], np.stack([first[0, 0], second[0, 0]]))
    inputs = [np.ascontiguousarray(x.swapaxes(0, 1)), w, r, bias, lengths]
    other = call(op, inputs, wanted=wanted, direction="bidirectional", layout=1)
    assert_close(other[0], y.transpose(2, 0, 1, 3))
    for one, same in zip(other[1:], last, strict=True):
        assert_close(one, same.swapaxes(0, 1))


def test_activations_take_their_numbers_in_order():
    x, w, r, *_ = weights(3)
    plain = call("GRU", [x, w, r], wanted=2, activations=["HardSigmoid", "ScaledTanh"])
    same = call(
        "GRU", [x, w, r], wanted=2, activations=["hardsigmoid", "ScaledTanh"],
        activation_alpha=[0.2, 1.0], activation_beta=[0.5, 1.0],
    )  # fmt: skip
    assert_close(plain[0], same[0])
    (y,) = call("RNN", [x, w[:, :HIDDEN], r[:, :HIDDEN] * 0], activations=["Affine"],
                activation_alpha=[2.0], activation_beta=[3.0])[:1]  # fmt: skip
    assert_close(y[:, 0], 2 * (x @ w[0, :HIDDEN].T) + 3)


# Graphs inside of graphs. The body of each test is a Python function, which `run` calls.


def graph(inputs, outputs, function):
    """A graph that says its inputs and outputs; its one node holds the function."""
    values = [[Value(name) for name in names] for names in (inputs, outputs)]
    node = Node("Call", tuple(inputs), tuple(outputs), {"function": function})
    return Graph([node], {}, *values, NEWEST)


def run(body, inputs):
    return list(body.nodes[0].attributes["function"](*inputs))


def test_if():
    branches = {
        "then_branch": graph([], ["y"], lambda: [M]),
        "else_branch": graph([], ["y"], lambda: [CUBE]),
    }
    assert call("If", [b(True)], run=run, **branches)[0] is M
    assert call("If", [b([False])], run=run, **branches)[0] is CUBE


def test_loop():
    def body(k, condition, total):
        assert condition
        return [np.array(total + k < 10), np.array(total + k), total]

    inside = graph(["k", "c", "t"], ["c", "t", "scan"], body)
    total, scans = call("Loop", [i(9), b(True), i(1)], run=run, body=inside)
    assert_close(total, i(11))  # 1 + 0 + 1 + 2 + 3 + 4, where the condition ends it
    assert_close(scans, i(1, 1, 2, 4, 7))
    total, scans = call("Loop", [i(2), None, i(1)], run=run, body=inside)
    assert_close(total, i(2))
    inside.outputs[2] = Value("scan", np.dtype(np.int64), ("n", 3))
    total, scans = call("Loop", [i(0), None, i(1)], run=run, body=inside)
    assert (scans.shape, scans.dtype) == ((0, 0, 3), np.int64)


def test_scan():
    body = graph(["s", "x"], ["s", "y"], lambda s, x: [s + x, s * 10 + x])
    state, y = call("Scan", [f(0, 0), M], run=run, body=body, num_scan_inputs=1, opset=11,
                    scan_input_axes=[1], scan_output_axes=[-1])  # fmt: skip
    assert_close(state, f(3, 12))
    assert_close(y, f([[0, 1, 12], [3, 34, 75]]))
    state, y = call("Scan", [f(0, 0), M], run=run, body=body, num_scan_inputs=1, opset=11,
                    scan_input_axes=[1], scan_input_directions=[1],
                    scan_output_directions=[1])  # fmt: skip
    assert_close(y, f([[30, 93], [21, 54], [2, 5]]))
    state, y = call("Scan", [i(1, 3), f([[0], [0]]), CUBE[:, :, :1]], run=run, body=body,
                    num_scan_inputs=1, opset=8)  # fmt: skip
    assert_close(state, f([[0], [12 + 16 + 20]]))
    assert_close(y, f([[[0], [0], [0]], [[12], [136], [300]]]))


# Random numbers: the seed, the type, and what the distribution promises.


@pytest.mark.parametrize(
    ("op", "inputs", "attributes"),
    [
        ("RandomNormal", [], {"shape": [100, 100], "mean": 3.0, "scale": 0.5}),
        ("RandomUniform", [], {"shape": [100, 100], "low": 2.0, "high": 4.0}),
        ("RandomNormalLike", [np.zeros((100, 100), np.float32)], {"mean": 3.0, "scale": 0.5}),
        ("RandomUniformLike", [np.zeros((100, 100), np.float32)], {"low": 2.0, "high": 4.0}),
        ("Bernoulli", [np.full((100, 100), 0.25, np.float32)], {}),
        ("Multinomial", [np.log(f([[1, 3]])).repeat(5, 0)], {"sample_size": 2000, "dtype": 7}),
    ],
)
def test_random_numbers(op, inputs, attributes):
    (x,), (same,) = (call(op, inputs, seed=-1.5, **attributes) for _ in range(2))
    assert x.tobytes() == same.tobytes()
    assert x.dtype == (np.int64 if op == "Multinomial" else np.float32)
    mean = {"Bernoulli": 0.25, "Multinomial": 0.75}.get(op, 3)
    assert abs(x.mean() - mean) < 0.03
    if "Normal" in op:
        assert abs(x.std() - 0.5) < 0.02
    elif "Uniform" in op:
        assert 2 <= x.min() < 2.01
        assert 3.99 < x.max() < 4
    (other,), (another,) = (call(op, inputs, **attributes) for _ in range(2))
    assert (other != another).any()


def test_dropout_in_training():
    x = np.ones((100, 100), np.float32)
    y, kept = call("Dropout", [x, f(0.25), b(True)], wanted=2, seed=3)
    assert set(np.unique(y)) == {0, np.float32(4 / 3)}
    assert kept.dtype == np.bool_
    assert ((y != 0) == kept).all()
    assert abs(kept.mean() - 0.75) < 0.02


def test_a_transposed_layer_of_a_given_size_cuts_before_first():
    """The odd cell goes before, unless SAME_UPPER asks for the other side."""
    x, w = np.arange(1.0, 4).reshape(1, 1, 3), np.array([[[1.0, 10, 100]]])
    whole = [1, 10, 102, 20, 203, 30, 300]
    transposed = find("ConvTranspose", 17).function
    call = Call(17, (True,), lambda graph, given: given)
    given = {"strides": [2], "output_shape": [6]}
    assert transposed(call, x, w, **given).ravel().tolist() == whole[1:]
    assert transposed(call, x, w, auto_pad="SAME_UPPER", **given).ravel().tolist() == whole[:6]
    assert transposed(call, x, w, auto_pad="SAME_LOWER", **given).ravel().tolist() == whole[1:]


@pytest.mark.parametrize("scale", [np.nan, np.inf, -1.0, 0.0, 1e30])
def test_scales_that_give_no_size_are_refused(scale):
    scales = np.array([1, 1, scale, 1], np.float32)
    with pytest.raises(ValueError, match="Resize: scales must be positive"):
        find("Resize", 13).function(np.ones((1, 1, 2, 2), np.float32), None, scales)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", range(3))
def test_a_range_without_end_is_refused(bad, place):
    given = [np.float32(n) for n in (0, 3, 1)]
    given[place] = np.float32(bad)
    with pytest.raises(ValueError, match=r"Range: (start|limit|delta) must be finite"):
        find("Range", 11).function(*map(np.asarray, given))
