"""Inputs that broke other libraries, given to the gradients: as test_bad_inputs.py does it.

What the forward function refuses its gradient refuses with the same words and its own name.
"""

import re
from itertools import product

import pytest

from tests.operators import test_bad_inputs as convolutions
from tests.operators import test_bad_inputs_layers as layers
from tests.tables.bad_inputs import BASE, TOO_LARGE, WRONG_KIND, assert_refused, evaluate, row

PRELUDE = layers.PRELUDE + """
X1, W1, X3, W3, B = ones(1, 2, 7), ones(3, 2, 3), ones(1, 2, 5, 6, 7), ones(3, 2, 3, 3, 3), ones(3)
G1, G2, G3 = ones(1, 3, 5), ones(1, 3, 5, 6), ones(1, 3, 3, 4, 5)      # of their results
H1, H2, H3 = ones(1, 3, 9), ones(1, 3, 9, 10), ones(1, 3, 7, 8, 9)     # of transposed ones


def three(got, *want):
    return len(got) == 3 and all(
        g is None if w is None else same(g, w) for g, w in zip(got, want))
"""

CALL = re.compile(r"((?:conv|local_conv|tiled_conv|conv_transpose)([123])d)\(")


def backward_of(expression):
    """The same call of the gradient, with a grad that suits the usual arrays."""
    name, nd = CALL.match(expression).groups()
    grad = ("H" if "transpose" in name else "G") + nd
    return f"{name}_backward({grad}, {expression[len(name) + 1:]}"


FORWARD = [param.values[0] for param in [*convolutions.ROWS, *layers.ROWS]
           if CALL.match(param.values[0]) and "out=" not in param.values[0]]

KINDS = {"conv2d": ("X", "W", "G2", (1, 3, 5, 6)), "local_conv2d": ("X", "L", "G2", (1, 3, 5, 6)),
         "tiled_conv2d": ("X", "P", "G2", (1, 3, 5, 6)),
         "conv_transpose2d": ("X", "U", "H2", (1, 3, 9, 10))}


def each(number, call, *words, error=("ValueError",)):
    """A row for each kind of layer: in `call` stand f for the function, x, w, g for its arrays."""
    rows = []
    for name, (x, weight, grad, _) in KINDS.items():
        words_of = {"f": f"{name}_backward", "x": x, "w": weight, "g": grad}
        expression = re.sub(r"\b[fxwg]\b", lambda match, of=words_of: of[match[0]], call)
        rows.append(row(number, expression, f"{name}_backward", *words, error=error))
    return rows


def shapes(name, wanted):
    """Rows for gradients whose shape is not that of the result."""
    n, k, h, w = wanted
    x, weight, *_ = KINDS[name]
    for shape in [(), (1,), (0,), (k, h, w), (1, *wanted), (n, 1, 1, 1), (1, k, 1, 1), (n, k, h, 1),
                  (n, k, w, h), (n, h, w, k), (k, n, h, w), (n + 1, k, h, w), (n, k + 1, h, w),
                  (n, k - 1, h, w), (n, k, h + 1, w), (n, k, h, w - 1), (0, k, h, w), (n, k, h, 0),
                  (n, k, h * w), (n * k * h * w,), (n, k, h, w, 1), (1, 2, 7, 8)]:
        yield row(23, f"{name}_backward(ones{shape}, {x}, {weight})", f"{name}_backward", "grad",
                  str(shape), str(wanted), "(1, 2, 7, 8)")
    yield row(23, f"{name}_backward(ones{wanted}, {x}[0], {weight})", f"{name}_backward", "grad",
              str(wanted), str(wanted[1:]), "(2, 7, 8)")
    yield row(23, f"{name}_backward(many(2**40, 3, {h}, {w}), {x}, {weight})", f"{name}_backward",
              "grad", str(2**40), str(wanted))
    yield row(23, f"{name}_backward(1.0, {x}, {weight})", f"{name}_backward", "grad", "()")


ROWS = [
    *(one for name, (*_, wanted) in KINDS.items() for one in shapes(name, wanted)),
    row(23, "conv2d_backward(ones(1, 5, 6, 3), X, W, layout='NHWC')", "conv2d_backward"),
    row(23, "conv2d_backward(G2, ones(1, 7, 8, 2), W, layout='NHWC')", "conv2d_backward", "grad",
        "(1, 3, 5, 6)", "(1, 5, 6, 3)", "(1, 7, 8, 2)"),
    row(23, "conv1d_backward(G2, X1, W1)", "conv1d_backward", "grad", "(1, 3, 5, 6)", "(1, 3, 5)"),
    row(23, "conv3d_backward(G2, X3, W3)", "conv3d_backward", "grad", "(1, 3, 3, 4, 5)"),
    row(23, "conv2d_backward(G2, X, W, stride=2)", "conv2d_backward", "grad", "(1, 3, 3, 3)"),
    row(23, "conv2d_backward(G2, X, W, padding='same')", "conv2d_backward", "grad", "(1, 3, 7, 8)"),
    row(23, "conv_transpose2d_backward(H2, X, U, stride=2, output_padding=1)",
        "conv_transpose2d_backward", "grad", "(1, 3, 9, 10)", "(1, 3, 16, 18)"),
    row(23, "conv2d_backward(ones(0, 3, 5, 6), X, W, needs=(False, False, False))",
        "conv2d_backward", "grad", "(0, 3, 5, 6)"),
    # There is no saved shape: what could be negative is an argument.
    row(24, "conv2d_backward(G2, X, W, padding=-1)", "conv2d_backward", "padding", "-1"),
    row(24, "conv_transpose2d_backward(H2, X, U, padding=6)", "conv_transpose2d_backward", "-3"),
    row(24, "local_conv2d_backward(G2, X, ones(3, 0, 6, 2, 3, 3))", "local_conv2d_backward",
        "weight", "(0, 6)"),
    row(27, "conv2d_backward(ones(0), ones(0), ones(0))", "conv2d_backward", "x", "(0,)"),
    row(27, "conv2d_backward([], X, W)", "conv2d_backward", "grad", "(0,)", "(1, 3, 5, 6)"),
    # What is not an array of real numbers.
    *each(39, "f(g + 1j, x, w)", "grad", "complex64", error=("TypeError",)),
    *each(39, "f(g.astype(object), x, w)", "grad", "object", error=("TypeError",)),
    *each(39, "f(g.astype('U3'), x, w)", "grad", "<U3", error=("TypeError",)),
    *each(39, "f(g.astype('M8[s]'), x, w)", "grad", "datetime64", error=("TypeError",)),
    *each(39, "f(np.ma.masked_array(g), x, w)", "grad", "masked", error=("TypeError",)),
    *each(39, "f(None, x, w)", "grad", error=WRONG_KIND),
    *each(39, "f('grad', x, w)", "grad", error=WRONG_KIND),
    *each(39, "f([[1.0], [1.0, 2.0]], x, w)", "grad", error=WRONG_KIND),
    *each(39, "f(g, x, w, needs=(True, True, False), bias=1j * B)", "bias", error=WRONG_KIND),
    # Which are needed, and where they go. There is more of it in test_gradients_out.py.
    *each("needs", "f(g, x, w, needs=(True, True))", "needs", "(True, True)", error=WRONG_KIND),
    *each("needs", "f(g, x, w, needs=(1, 0, 1))", "needs", error=WRONG_KIND),
    *each("needs", "f(g, x, w, needs=None)", "needs", "None", error=WRONG_KIND),
    *each("needs", "f(g, x, w, needs='yes')", "needs", "yes", error=WRONG_KIND),
    *each("needs", "f(g, x, w, needs=10**5000)", "needs", error=WRONG_KIND),
    *each("out", "f(g, x, w, out=g)", "out", error=WRONG_KIND),
    *each("out", "f(g, x, w, out=(None, None))", "out", error=WRONG_KIND),
    *each("out", "f(g, x, w, out=(x[:, :1], None, None))", "out", "(1, 1, 7, 8)", "(1, 2, 7, 8)"),
    *each("out", "f(g, x, w, out=(None, x, None))", "out", "(1, 2, 7, 8)"),
    *each("out", "f(g, x, w, out=(x.astype(float), None, None))", "out", "float64", "float32",
          error=WRONG_KIND),
    *each("out", "f(g, x, w, out=(x.tolist(), None, None))", "out", "list", error=("TypeError",)),
    *each("out", "f(g, x, w, out=(many(1, 2, 7, 8), None, None))", "out"),
    *each("out", "f(g, x, w, out=(None, None, B))", "out"),
    *each("out", "f(g, x, w, needs=(False, True, True), out=(x, None, None))", "out"),
    *each("out", "f(g, x, w, out=(np.lib.stride_tricks.as_strided(np.zeros(1, x.dtype), x.shape, "
          "(0,) * 4), None, None))", "out", "strides"),
    # Gradients that no memory holds, of operands that take none.
    row(14, "conv1d_backward(many(2**44, 1, 1), many(2**44, 1, 3), ones(1, 1, 3))",
        "conv1d_backward", str(2**44), error=TOO_LARGE),
    row(14, "conv1d_backward(many(1, 2**44, 1), ones(1, 1, 3), many(2**44, 1, 3))",
        "conv1d_backward", str(2**44), error=TOO_LARGE),
    row(14, "tiled_conv1d_backward(ones(1, 1, 1), ones(1, 1, 3), many(1, 2**44, 1, 3))",
        "tiled_conv1d_backward", str(2**44), error=TOO_LARGE),
    row(14, "conv_transpose1d_backward(many(1, 1, 2**44), many(1, 1, 2**44), ones(1, 1, 1))",
        "conv_transpose1d_backward", str(2**44), error=TOO_LARGE),
]

RESULTS = [
    # No images, no channels, nothing seen: zeros and empty arrays.
    (8, "three(conv2d_backward(ones(0, 3, 5, 6), ones(0, 2, 7, 8), W, B), ones(0, 2, 7, 8), 0 * W,"
        " 0 * B)"),
    (8, "three(conv_transpose2d_backward(ones(0, 3, 9, 10), ones(0, 2, 7, 8), U), ones(0, 2, 7, 8),"
        " 0 * U, None)"),
    (8, "three(local_conv2d_backward(ones(0, 5, 6, 3), ones(0, 7, 8, 2), L, ones(3, 5, 6),"
        " layout='NHWC'), ones(0, 7, 8, 2), 0 * L, 0 * ones(3, 5, 6))"),
    (8, "three(tiled_conv2d_backward(ones(0, 3, 5, 6), ones(0, 2, 7, 8), P, ones(3, 2, 4)),"
        " ones(0, 2, 7, 8), 0 * P, 0 * ones(3, 2, 4))"),
    (8, "three(conv2d_backward(ones(0, 3, 5, 6), ones(0, 2, 7, 8, dtype=int), W), ones(0, 2, 7, 8,"
        " dtype=float), 0 * W.astype(float), None)"),
    (7, "three(conv2d_backward(ones(1, 3, 3, 3), ones(1, 0, 5, 5), ones(3, 0, 3, 3), B),"
        " ones(1, 0, 5, 5), ones(3, 0, 3, 3), 9 * B)"),
    (7, "three(local_conv1d_backward(ones(2, 1, 5), ones(2, 0, 6), ones(1, 5, 0, 2), ones(1, 5)),"
        " ones(2, 0, 6), ones(1, 5, 0, 2), 2 * ones(1, 5))"),
    (7, "three(tiled_conv1d_backward(ones(2, 1, 5), ones(2, 0, 6), ones(1, 2, 0, 2), [[5, 7]]),"
        " ones(2, 0, 6), ones(1, 2, 0, 2), np.float32([[6, 4]]))"),
    (7, "three(conv_transpose1d_backward(ones(2, 2, 3), ones(2, 0, 2), ones(0, 2, 2), [1, 1]),"
        " ones(2, 0, 2), ones(0, 2, 2), np.float32([6, 6]))"),
    ("8k", "three(conv2d_backward(ones(1, 0, 5, 6), X, ones(0, 2, 3, 3), ones(0)), 0 * X,"
           " ones(0, 2, 3, 3), ones(0))"),
    ("8k", "three(tiled_conv2d_backward(ones(1, 0, 5, 6), X, ones(0, 2, 2, 2, 3, 3)), 0 * X,"
           " ones(0, 2, 2, 2, 3, 3), None)"),
    ("8k", "three(local_conv2d_backward(ones(1, 0, 5, 6), X, ones(0, 5, 6, 2, 3, 3)), 0 * X,"
           " ones(0, 5, 6, 2, 3, 3), None)"),
    ("8k", "three(conv_transpose2d_backward(ones(1, 0, 9, 10), X, ones(2, 0, 3, 3)), 0 * X,"
           " ones(2, 0, 3, 3), None)"),
    (9, "three(conv2d_backward(ones(1, 3, 2, 7), ones(1, 2, 0, 5), W, B, padding=2),"
        " ones(1, 2, 0, 5), 0 * W, 14 * B)"),
    (9, "three(tiled_conv2d_backward(ones(1, 3, 2, 7), ones(1, 2, 0, 5), ones(3, 1, 1, 2, 3, 3),"
        " padding=2), ones(1, 2, 0, 5), 0 * ones(3, 1, 1, 2, 3, 3), None)"),
    (27, "three(conv2d_backward(ones(0, 3, 5, 6), ones(0, 2, 7, 8), W, needs=(False,) * 3), None,"
         " None, None)"),
    (27, "three(conv2d_backward(ones(0, 0, 5, 6), ones(0, 0, 7, 8), ones(0, 0, 3, 3), ones(0)),"
         " ones(0, 0, 7, 8), ones(0, 0, 3, 3), ones(0))"),
    # Steps that are never taken, kernels whose turn never comes, tables without a pair.
    (12, "three(conv2d_backward(ones(1, 3, 1, 1), X, W, stride=2**31 - 1), np.pad(3 * ones(1, 2, 3,"
         " 3), ((0, 0), (0, 0), (0, 4), (0, 5))), W, None)"),
    (12, "three(conv_transpose2d_backward(ones(1, 3, 3, 3), ones(1, 2, 1, 1), U, stride=2**40),"
         " 27 * ones(1, 2, 1, 1), U, None)"),
    (13, "three(conv1d_backward(ones(1, 3, 7), X1, ones(3, 2, 1), dilation=2**40), 3 * X1,"
         " 7 * ones(3, 2, 1), None)"),
    (13, "three(conv2d_backward(ones(1, 1, 7, 8), X, ones(1, 2, 3, 1), dilation=(2**40, 1),"
         " padding='same'), X, 56 * ones(1, 2, 3, 1) * np.float32([[0], [1], [0]]), None)"),
    ("period", "three(tiled_conv1d_backward(ones(1, 1, 5), X1, many(1, 2**20, 2, 3),"
               " needs=(True, False, False)), np.float32([[[1, 2, 3, 3, 3, 2, 1]] * 2]), None,"
               " None)"),
    (35, "three(conv2d_backward(G2 * np.nan, X * np.nan, W * np.inf, connections=~T,"
         " needs=(True, True, False)), 0 * X, 0 * W, None)"),
    (35, "three(conv1d_backward(G1, X1, W1, B, connections=np.eye(3, 2, dtype=bool)),"
         " np.float32([[[1, 2, 3, 3, 3, 2, 1]] * 2]), 5 * np.eye(3, 2, dtype='f4')[:, :, None]"
         " * ones(3, 2, 3), 5 * B)"),
    # Any strides, any address, any dtype.
    (37, "conv1d_backward(ones(1, 18), [[1., 2., 3.]], ones(1, 1, 1), padding=((7, 8),),"
         " border='wrap')[0].tolist() == [[6, 6, 6]]"),
    (37, "conv1d_backward(np.arange(18.)[None], [[1., 2., 3.]], ones(1, 1, 1), padding=((7, 8),),"
         " border='symmetric')[0].tolist() == [[39, 57, 57]]"),
    (38, "three(conv2d_backward(many(1, 3, 5, 6), many(1, 2, 7, 8), many(3, 2, 3, 3), many(3)),"
         " *conv2d_backward(G2, X, W, B))"),
    (38, "three(conv2d_backward(G2.astype('>f4'), X.astype('>f8'), W.astype('>f2')),"
         " *conv2d_backward(G2, X.astype(float), W))"),
    (39, "three(conv2d_backward(G2 > 0, X > 0, W > 0, B > 0), *conv2d_backward(G2, X, W, B))"),
    (42, "three(conv2d_backward(G2.astype(np.int64), X, W), *conv2d_backward(G2.astype(float), X,"
         " W))"),
    (42, "three(conv2d_backward(G2.astype(np.float16), X, W), *conv2d_backward(G2, X, W))"),
]


@pytest.fixture(scope="module")
def answers(run_python):
    """What every expression has come to."""
    return evaluate(run_python, PRELUDE, [
        *FORWARD, *map(backward_of, FORWARD), *(param.values[0] for param in ROWS),
        *(expression for _, expression in RESULTS)])


def same_words(expression, answers):
    """Whether the gradient is refused as the forward function is; if not, by what words."""
    (kinds, text), answer = answers[expression], answers[backward_of(expression)]
    name = CALL.match(expression)[1]
    expected = re.sub(rf"^{name}\b", f"{name}_backward", text)
    return answer == [kinds, expected], answer


@pytest.mark.parametrize("expression", dict.fromkeys(FORWARD))
def test_what_the_forward_function_refuses(expression, answers):
    equal, (kinds, text) = same_words(expression, answers)
    if equal:
        return
    # Where grad can't be right either, that may be said instead.
    name = CALL.match(expression)[1]
    assert text.startswith((f"{name}_backward: grad must have", f"{name}_backward: no memory"))
    assert {"ValueError", "MemoryError"} & set(kinds)


def test_nearly_all_of_it_in_the_same_words(answers):
    equal = [expression for expression in FORWARD if same_words(expression, answers)[0]]
    assert len(equal) > 400
    assert len(equal) > 0.94 * len(FORWARD)


@pytest.mark.parametrize(("expression", "words", "error"), ROWS)
def test_refused(expression, words, error, answers):
    assert_refused(answers[expression], words, error)


@pytest.mark.parametrize("expression", [
    pytest.param(expression, id=f"{number}-{expression}") for number, expression in RESULTS])
def test_computed(expression, answers):
    assert answers[expression] == [[], "True"]


# The oracle refuses the same, in plain words.


SMALL = """
from convcore.reference import *
X, W, L, P, U = (np.ones(shape) for shape in (
    (1, 2, 7, 8), (3, 2, 3, 3), (3, 5, 6, 2, 3, 3), (3, 2, 4, 2, 3, 3), (2, 3, 3, 3)))
G2, H2, B = np.ones((1, 3, 5, 6)), np.ones((1, 3, 9, 10)), np.ones(3)
"""


def test_the_oracle_refuses_the_same(run_python):
    expressions = [param.values[0] for param in ROWS
                   if "many" not in param.values[0] and "2d" in param.values[0]
                   and not re.search("masked|strided|float|'grad'", param.values[0])]
    found = evaluate(run_python, BASE + SMALL, expressions)
    let_through = [e for e in expressions if not set(found[e][0]) & set(WRONG_KIND)]
    assert not let_through
    assert len(expressions) > 100


def test_every_kind_has_rows():
    for name, word in product(KINDS, ("grad", "needs", "out")):
        assert any(f"{name}_backward" in param.values[1] and word in param.values[1]
                   for param in ROWS)
