"""Every matrix against its operator and that one's plain twin, and against the forms that textbooks
draw.

The numbers are integers in float64, so that all sums are exact and compare with `==`; means alone
are rounded.
"""

import sys
from math import prod

import numpy as np
import pytest

import convcore
from convcore import reference
from convcore.matrix import (
    avg_pool_matrix,
    conv_matrix,
    conv_transpose_matrix,
    local_conv_matrix,
    tiled_conv_matrix,
    weighted_pool_matrix,
)
from tests.support.sweeps import each
from tests.tables import layer_cases
from tests.tables.cases import CASES
from tests.tables.cases import integer_arrays as conv_arrays
from tests.tables.layer_cases import LAYERS
from tests.tables.pool_cases import POOLINGS, integer_x

sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
linalg = pytest.importorskip("scipy.linalg", reason="SciPy is not installed")

MATRICES = {
    "conv": conv_matrix,
    "conv_transpose": conv_transpose_matrix,
    "local_conv": local_conv_matrix,
    "tiled_conv": tiled_conv_matrix,
}


def assert_is_operator(matrix, x, want, dtype=np.float64):
    """`matrix @ x` has the shape, the dtype and the numbers of the operator's result."""
    assert isinstance(matrix, sparse.csr_array)
    assert matrix.shape == (want.size, x.size)
    assert matrix.dtype == dtype
    assert matrix.has_canonical_format  # sorted, no place twice
    assert (matrix @ x.ravel() == want.ravel()).all()


def linear(call, x):
    """The operator's result without what constants in the padding add."""
    return call(x) - call(np.zeros_like(x))


def small(x, weight):
    return prod(x) * prod(weight) < 400_000


SMALL = [case for case in CASES if small(case.x, case.weight)]


@each(SMALL)
def test_convolutions(case):
    x, weight, _ = conv_arrays(case, np.float64)
    matrix = conv_matrix(weight, case.x, **case.options)
    for operators in (reference, convcore):
        want = linear(lambda v, of=operators: case.call(of, (v, weight, None)), x)
        assert_is_operator(matrix, x, want)


@each([c for c in LAYERS if small(c.x, c.weight)])
def test_layers(case):
    x, weight, _ = layer_cases.integer_arrays(case, np.float64)
    matrix = MATRICES[case.kind](weight, case.x, **case.arguments())
    for operators in (reference, convcore):
        want = linear(lambda v, of=operators: case.call(of, (v, weight, None)), x)
        assert_is_operator(matrix, x, want)


def test_most_cases_are_small():
    assert len(SMALL) > 600
    assert {case.op for case in SMALL} == {"conv1d", "conv2d", "conv3d"}


def pools(kind):
    return each(
        [case for case in POOLINGS if case.kind == kind and prod(case.x) * case.cells < 100_000]
    )


@pools("avg_pool")
def test_averages(case):
    x = integer_x(case, np.float64)
    options = {"layout": layer_cases.LAYOUTS[case.axes][0], **case.options}
    kernel = options.pop("kernel_size")
    matrix = avg_pool_matrix(kernel, case.x, **options)
    want = linear(lambda v: case.call(reference, v), x)
    assert matrix.shape == (want.size, x.size)
    for operators in (reference, convcore):
        got = linear(lambda v, of=operators: case.call(of, v), x)
        np.testing.assert_allclose(matrix @ x.ravel(), got.ravel(), rtol=0, atol=1e-13)
    if want.size == 0 or "border" in case.options:  # whose entries are sums of several cells'
        return
    # once more as sums, which are exact
    divisors = np.rint(1 / np.maximum(matrix.max(axis=1).toarray().ravel(), 1e-9))
    matrix.data[:] = 1
    np.testing.assert_allclose(matrix @ x.ravel(), want.ravel() * divisors, rtol=0, atol=1e-11)


@pools("weighted_pool")
def test_weighted(case):
    x = integer_x(case, np.float64)
    options = case.arguments()
    window = options.pop("window")
    matrix = weighted_pool_matrix(window, case.x, **options)
    assert matrix.shape == (case.call(reference, x).size, x.size)
    sums = weighted_pool_matrix(window, case.x, **{**options, "normalize": False})
    for operators in (reference, convcore):
        got = linear(lambda v, of=operators: case.call(of, v), x)
        np.testing.assert_allclose(matrix @ x.ravel(), got.ravel(), rtol=0, atol=1e-13)
        got = linear(lambda v, of=operators: case.call(of, v, normalize=False), x)
        assert_is_operator(sums, x, got)


# The forms that textbooks draw


@pytest.mark.item("f04")
def test_one_dimension_is_toeplitz():
    kernel = np.array([2.0, 3.0, 5.0])
    want = linalg.toeplitz([2, 0, 0, 0], [2, 3, 5, 0, 0, 0])
    assert (conv_matrix(kernel[None, None], (1, 6)).toarray() == want).all()
    for mode, padding in (("full", "full"), ("valid", "valid"), ("same", "same_lower")):
        # mathematicians flip the kernel
        want = linalg.convolution_matrix(kernel, 6, mode)
        got = conv_matrix(kernel[None, None], (1, 6), padding=padding, flip=True)
        assert (got.toarray() == want).all(), mode


@pytest.mark.item("f04")
def test_two_dimensions_are_doubly_block_toeplitz():
    weight = np.arange(1.0, 7.0).reshape(1, 1, 2, 3)
    blocks = conv_matrix(weight, (1, 4, 5)).toarray().reshape(3, 3, 4, 5).swapaxes(1, 2)
    rows = [linalg.toeplitz([row[0], 0, 0], [*row, 0, 0]) for row in weight[0, 0]]
    for j, y in np.ndindex(3, 4):
        want = rows[y - j] if y - j in (0, 1) else np.zeros((3, 5))
        assert (blocks[j, y] == want).all()


@pytest.mark.item("f04")
def test_wrapped_is_doubly_block_circulant():
    weight = np.arange(1.0, 5.0).reshape(1, 1, 2, 2)
    matrix = conv_matrix(weight, (1, 3, 4), padding=((0, 1), (0, 1)), border="wrap").toarray()
    blocks = matrix.reshape(3, 4, 3, 4).swapaxes(1, 2)
    rows = [linalg.circulant([row[0], 0, 0, row[1]]) for row in weight[0, 0]]
    for j, y in np.ndindex(3, 3):
        want = rows[(y - j) % 3] if (y - j) % 3 < 2 else np.zeros((4, 4))
        assert (blocks[j, y] == want).all()
    spectrum = np.fft.fft2(matrix[0].reshape(3, 4))  # a DFT makes circulants diagonal
    waves = np.kron(np.fft.fft(np.eye(3)), np.fft.fft(np.eye(4)))
    diagonal = waves.conj() @ matrix @ waves / 12
    np.testing.assert_allclose(diagonal, np.diag(spectrum.ravel()), atol=1e-12)


@pytest.mark.item("f04", "f06", "f16")
def test_entries_are_tied_and_few():
    # f04, f06, f08: 9 different numbers in all, at most 9 in a row of 784
    weight = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    matrix = conv_matrix(weight, (1, 28, 28), padding="same")
    assert set(matrix.data.tolist()) == set(range(1, 10))
    assert np.diff(matrix.indptr).max() == 9
    assert np.diff(matrix.indptr).min() == 4
    local = np.arange(1.0, 1 + 9 * 26 * 26).reshape(1, 26, 26, 1, 3, 3)
    untied = local_conv_matrix(local, (1, 28, 28))
    assert len(set(untied.data.tolist())) == untied.nnz == 9 * 26 * 26
    assert (conv_matrix(weight, (1, 28, 28)).indices == untied.indices).all()


@pytest.mark.item("f10")
def test_the_edge_detector_of_the_notes():
    # f10: 280 rows of 320 columns, each pixel minus its left neighbour
    matrix = conv_matrix([[[[-1.0, 1.0]]]], (1, 280, 320))
    assert matrix.shape == (280 * 319, 280 * 320)
    assert matrix.shape[0] * matrix.shape[1] == 8_003_072_000
    assert matrix.nnz == 2 * 280 * 319


def test_absent_pairs_and_padding_have_no_entries():
    weight = np.zeros((3, 2, 3, 3))  # weights of 0 are entries
    table = np.array([[True, False], [True, True], [False, False]])
    assert conv_matrix(weight, (2, 5, 5)).nnz == 3 * 2 * 9 * 9
    assert conv_matrix(weight, (2, 5, 5), connections=table).nnz == 3 * 9 * 9
    assert conv_matrix(weight, (2, 5, 5), padding=1).nnz == 6 * (3 * 5 - 2) ** 2
    spoilt = np.full((3, 2, 3, 3), np.nan)
    spoilt[table] = 1
    got = conv_matrix(spoilt, (2, 5, 5), connections=table) @ np.ones(50)
    assert (got == np.repeat([9, 18, 0], 9)).all()


def test_cells_of_a_border_are_summed():
    got = conv_matrix([[[1.0, 10.0, 100.0]]], (1, 3), padding=1, border="edge").toarray()
    assert got.tolist() == [[11, 100, 0], [1, 10, 100], [0, 1, 110]]
    got = conv_matrix([[[1.0, 10.0, 100.0]]], (1, 1), padding=1, border="reflect").toarray()
    assert got.tolist() == [[111]]


def test_transposed_is_transposed():
    weight = np.arange(36.0).reshape(4, 1, 3, 3)
    down = conv_matrix(weight, (2, 8, 9), 2, 1, groups=2)
    up = conv_transpose_matrix(weight, (4, 4, 5), 2, 1, groups=2, output_padding=(1, 0))
    assert (up != down.T).nnz == 0


def test_averages_sum_to_one():
    for options in ({}, {"padding": 1}, {"ceil_mode": True}):
        matrix = avg_pool_matrix((3, 2), (2, 7, 8), (2, 3), **options)
        np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-15)
    included = avg_pool_matrix((3, 3), (1, 5, 5), 1, 1, count_include_pad=True).sum(axis=1)
    np.testing.assert_allclose(included[[0, 1, 6]], [4 / 9, 6 / 9, 1])


def test_the_axes_of_an_average():
    assert avg_pool_matrix(2, (3, 8)).shape == (12, 24)
    assert avg_pool_matrix(2, (1, 3, 8, 8, 8)).shape == (192, 1536)
    assert avg_pool_matrix(2, (3, 8, 8), layout="NCW").shape == (96, 192)
    assert avg_pool_matrix(2, (3, 8, 8), layout="NCHW").shape == (48, 192)
    assert avg_pool_matrix((2, 2), (3, 8, 8)).shape == (48, 192)
    assert avg_pool_matrix([2], (3, 8, 8)).shape == (96, 192)
    for shape in ((3, 8, 8), (2, 3, 8, 8)):
        with pytest.raises(ValueError, match=r"kernel_size.*layout"):
            avg_pool_matrix(2, shape)


@pytest.mark.parametrize(
    ("dtype", "result"),
    [
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.float16, np.float32),
        (np.int8, np.float32),
        (np.int32, np.float64),
        (bool, np.float32),
        (">f8", np.float64),
    ],
)
def test_dtypes(dtype, result):
    x = np.arange(10.0).reshape(2, 5)
    weight = np.array([[[1, 0], [1, 1]]], dtype)
    want = reference.conv1d(x, weight)
    assert_is_operator(conv_matrix(weight, x.shape), x, want, result)
    assert avg_pool_matrix((2,), x.shape).dtype == np.float64
    assert weighted_pool_matrix(weight[0, 1], x.shape).dtype == np.float64


# Arguments


W, L, T = np.ones((3, 2, 3, 3)), np.ones((3, 5, 6, 2, 3, 3)), np.ones((3, 2, 2, 2, 3, 3))
U, S, TABLE = np.ones((2, 3, 3, 3)), (2, 7, 8), np.ones((3, 2), bool)
HUGE = 2**63 - 1


def many(*shape):
    """An array of any size that takes eight bytes."""
    return np.broadcast_to(1.0, shape)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("conv_matrix(W, (2, 7))", "input_shape"),
        ("conv_matrix(W, (1, 1, 2, 7, 8))", "input_shape"),
        ("conv_matrix(W, ())", "input_shape"),
        ("conv_matrix(W, (2, 7, -8))", "input_shape.*-8"),
        ("conv_matrix(W, (3, 7, 8))", "weight.*2.*3"),
        ("conv_matrix(W, (2, 2, 8))", "kernel.*2"),
        ("conv_matrix(W[0, 0], S)", "weight.*(3, 3)"),
        ("conv_matrix(W[..., :0], S)", "weight"),
        ("conv_matrix(W, S, 0)", "stride.*0"),
        ("conv_matrix(W, S, dilation=-1)", "dilation.*-1"),
        ("conv_matrix(W, S, padding='Same')", "padding.*Same"),
        ("conv_matrix(W, S, padding=(1, 2, 3))", "padding"),
        ("conv_matrix(W, S, groups=0)", "groups.*0"),
        ("conv_matrix(W, S, groups=2)", "groups.*2"),
        ("conv_matrix(W, S, border='constant')", "border.*constant"),
        ("conv_matrix(W, (2, 0, 8), padding=3, border='wrap')", "border.*wrap"),
        ("conv_matrix(W, S, layout='NWC')", "layout.*NWC"),
        ("conv_matrix(W, S, layout='NHWC')", "weight.*8"),
        ("conv_matrix(W, S, connections=TABLE.T)", r"connections.*\(3, 2\), got \(2, 3\)"),
        ("conv_matrix(W[:0], S, connections=TABLE[:0])", "connections"),
        (
            "conv_matrix(np.ones((4, 1, 3, 3)), S, groups=2, connections=np.ones((4, 1), bool))",
            "connections.*groups",
        ),
        ("conv_matrix(W, S, dilation=HUGE)", "dilation"),
        ("conv_matrix(W, S, padding=HUGE)", "padding"),
        ("conv_matrix(W, S, stride=2**64)", "stride"),
        ("conv_matrix(W, (2**60, 2, 7, 8))", r"result must have fewer than 2\*\*60"),
        (
            "conv_transpose_matrix(U, S, output_padding=1)",
            r"output_padding.*less than stride \(1\)",
        ),
        ("conv_transpose_matrix(U, S, 2, output_padding=(0, -1))", "output_padding.*-1"),
        ("conv_transpose_matrix(U, S, padding=5)", r"\(7 - 1\) \* 1 .* - 5 - 5"),
        ("conv_transpose_matrix(U, (2, 0, 8))", "at least 1 cell on each axis, got 0"),
        ("conv_transpose_matrix(U, (3, 7, 8))", "weight"),
        ("conv_transpose_matrix(U, S, groups=3)", "groups.*3"),
        ("conv_transpose_matrix(U, S, padding=HUGE)", "padding|output"),
        ("local_conv_matrix(L, (2, 8, 8))", r"\(6, 6\).*\(5, 6\)"),
        ("local_conv_matrix(W, S)", "weight"),
        ("local_conv_matrix(W[0], S)", "weight.*axes"),
        ("local_conv_matrix(L, S, layout='NHWC')", "weight"),
        ("local_conv_matrix(L[:, :, :0], S)", "weight"),
        ("tiled_conv_matrix(T[:, :0], S)", "weight"),
        ("tiled_conv_matrix(T, (1, 7, 8))", "weight"),
        ("tiled_conv_matrix(T, S, stride=(1, 0))", "stride"),
        ("avg_pool_matrix((2, 0), S)", "kernel_size.*0"),
        ("avg_pool_matrix((), S)", "kernel_size"),
        ("avg_pool_matrix((9, 9), S)", "kernel.*9"),
        ("avg_pool_matrix((2, 2), S, 0)", "stride"),
        ("avg_pool_matrix((2, 2), S, padding=3)", "hold an input cell"),
        ("avg_pool_matrix(2, S, layout='NHCW')", "layout"),
        ("avg_pool_matrix((2, 2, 2), S)", "input_shape"),
        ("weighted_pool_matrix(np.ones((0, 2)), S)", "window"),
        ("weighted_pool_matrix(np.array(1.0), S)", "window"),
        ("weighted_pool_matrix([1.0, -1.0], (1, 4))", "window.*not sum to 0"),
        ("weighted_pool_matrix(np.ones((2, 2)), S, padding=3)", "hold an input cell"),
    ],
)
def test_bad_values(call, words):
    name = call.partition("(")[0]
    with pytest.raises(ValueError, match=rf"(?s){name}.*({words})"):
        eval(call)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("conv_matrix(W, 7)", "input_shape"),
        ("conv_matrix(W, (2, 7.0, 8))", "input_shape.*7.0"),
        ("conv_matrix(W, None)", "input_shape"),
        ("conv_matrix(W.astype(complex), S)", "weight.*complex"),
        ("conv_matrix(W.astype(object), S)", "weight.*object"),
        ("conv_matrix(W, S, 1.5)", "stride"),
        ("conv_matrix(W, S, flip=1)", "flip"),
        ("conv_matrix(W, S, border=True)", "border"),
        ("conv_matrix(W, S, connections=np.ones((3, 2)))", "connections.*float64"),
        ("conv_matrix(W, S, connections=False)", ""),
        ("conv_matrix(W, S, layout=2)", "layout"),
        ("conv_transpose_matrix(U, S, output_padding=0.5)", "output_padding"),
        ("avg_pool_matrix(2.0, (3, 8))", "kernel_size"),
        ("avg_pool_matrix((2, 2), S, ceil_mode='no')", "ceil_mode"),
        ("avg_pool_matrix((2, 2), S, count_include_pad=1)", "count_include_pad"),
        ("weighted_pool_matrix(['a'], (1, 4))", "window"),
        ("weighted_pool_matrix([1.0], (1, 4), normalize=None)", "normalize"),
    ],
)
def test_bad_types(call, words):
    name = call.partition("(")[0]
    with pytest.raises((TypeError, ValueError), match=rf"(?s){name}.*({words})"):
        eval(call)


@pytest.mark.parametrize(
    "call",
    [
        "conv_matrix(W, S, padding=2**40)",
        "conv_matrix(W, (2, 2**40, 2**20))",
        "conv_matrix(W, (2**40, 2, 2**20, 2**20))",
        "conv_transpose_matrix(U, (2, 2**14, 2**15))",
        "conv_matrix(many(2**20, 2**20, 1, 1), (2**20, 2**9, 2**9))",
        "avg_pool_matrix((2,), (2**50, 2**10))",
    ],
)
def test_what_no_memory_holds(call, run_python):
    pytest.importorskip("resource")  # in a process that may not take much
    done = run_python(
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "from tests.operators.test_matrix import *\n"
        f"try: eval({call!r})\n"
        "except (MemoryError, ValueError) as error: print(error)"
    )
    assert done.stdout.startswith(call.partition("(")[0] + ": "), done.stdout


def test_without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(ImportError, match=r"conv_matrix.*SciPy.*convcore\[matrix\]"):
        conv_matrix(W, S)
