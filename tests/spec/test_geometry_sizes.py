"""Geometry of sizes that no list holds: counted by formulas, or refused, in no time."""

from itertools import product

import pytest

from convcore.geometry import Layer, adaptive_windows, count, input_usage, windows
from convcore.geometry._windows import MAX_LISTED
from convcore.spec.axis import Axis, axis_size
from convcore.spec.windows import cells_seen, first_without_cells, floor_sum

SMALL = [
    (n, k, s, d, before, after)
    for n, k, s, d in product(range(8), range(1, 5), range(1, 5), range(1, 6))
    for before, after in [(0, 0), (1, 0), (0, 2), (3, 3), (7, 5)]
]


def taps(n, k, s, d, before, o):
    return [cell for cell in range(o * s - before, o * s - before + k * d, d) if 0 <= cell < n]


def test_formulas():
    counted = 0
    for n, k, s, d, before, after in SMALL:
        outputs = axis_size(n, k, s, (before, after), d)
        axis = Axis(n, k, s, d, (before, after), outputs)
        if outputs < 1:
            continue
        seen = [taps(n, k, s, d, before, o) for o in range(outputs)]
        assert cells_seen(axis) == sum(map(len, seen))
        empty = next((o for o, cells in enumerate(seen) if not cells), None)
        assert first_without_cells(axis) == empty
        usage = input_usage(n, k, s, (before, after), d) if n else []
        assert usage == [sum(cell in cells for cells in seen) for cell in range(n)]
        if empty is None:
            got = windows(n, k, s, (before, after), d, count_include_pad=True)
            assert [w[:3] for w in got] == [(c[0], c[-1], len(c)) for c in seen]
            assert [w.divisor for w in got] == [
                sum(cell < n + after for cell in range(o * s - before, o * s - before + k * d, d))
                for o in range(outputs)
            ]
        counted += 1
    assert counted > 1000


def test_floor_sum():
    for count_, divisor, step, first in product(range(6), range(1, 6), range(8), range(7)):
        want = sum((first + i * step) // divisor for i in range(count_))
        assert floor_sum(count_, divisor, step, first) == want


@pytest.mark.parametrize(
    "call",
    [
        lambda: windows(2**59, 3),
        lambda: windows((5, 2**40), 3, (1, 2)),
        lambda: windows(MAX_LISTED + 3, 3),
        lambda: adaptive_windows(5, 2**59),
        lambda: adaptive_windows((5, 5), (1, MAX_LISTED + 1)),
        lambda: input_usage(2**59, 3),
        lambda: input_usage(5, 1, padding=2**59),
    ],
    ids=[
        "windows",
        "windows of two axes",
        "one more",
        "adaptive",
        "adaptive, one more",
        "usage",
        "usage by padding",
    ],
)
def test_lists_without_end(call):
    with pytest.raises(
        ValueError, match=rf"(windows|usage): .* must be at most {MAX_LISTED} .* got \d+"
    ):
        call()


def test_lists_of_large_sizes():
    assert [w.cells for w in windows(2**40, 2**40, padding=1)] == [2**40 - 1, 2**40, 2**40 - 1]
    assert windows(2**62, 2**60, 2**59, dilation=2)[1].first == 2**59
    assert input_usage(5, 2**40, 2**39, padding=2**40) == [2, 2, 2, 2, 2]
    assert input_usage(5, 2, 2**40, dilation=2**40, padding=2**40) == [2, 0, 0, 0, 0]
    assert len(windows(MAX_LISTED, 1)) == MAX_LISTED


def test_counts_of_large_sizes():
    n, k = 2**40, 2**30
    conv = count(Layer("conv1d", weight=(1, 1, k)), (1, n))
    assert (conv.weights, conv.connections) == (k, k * (n - k + 1))
    same = count(Layer("conv1d", weight=(1, 1, 3), padding="same"), (1, n))
    assert same.connections == 3 * n - 2
    pool = count(Layer("avg_pool1d", kernel_size=3, stride=2), (1, n))
    assert pool.connections == 3 * ((n - 3) // 2 + 1)
    adaptive = count(Layer("adaptive_avg_pool1d", output_size=2**39), (1, n))
    assert adaptive.connections == n
    adaptive = count(Layer("adaptive_max_pool1d", output_size=3), (1, n))
    assert adaptive.connections == n + 2  # 3 does not divide it
    local = count(Layer("local_conv1d", weight=(1, n - 2, 1, 3)), (1, n))
    assert local.connections == 3 * (n - 2)
    up = count(Layer("conv_transpose1d", weight=(1, 1, k), stride=k), (1, 2**9))
    assert up.connections == k * 2**9


def test_windows_without_cells_of_large_sizes():
    n = 2**40
    for options in (
        {"kernel_size": 2, "dilation": n + 5, "padding": n},
        {"kernel_size": 1, "padding": 1},
        {"kernel_size": 2, "dilation": n + 2, "padding": n + 1},
    ):
        with pytest.raises(ValueError, match="each window must hold an input cell"):
            count(Layer("max_pool1d", **options), (1, n))


def test_borders_of_large_sizes():
    assert (
        count(Layer("conv1d", weight=(1, 1, 3), padding=1, border="wrap"), (1, 1000)).connections
        == 3000
    )
    with pytest.raises(ValueError, match=r"conv1d: outputs times taps .* border 'wrap', got"):
        count(Layer("conv1d", weight=(1, 1, 3), padding=1, border="wrap"), (1, 2**40))
