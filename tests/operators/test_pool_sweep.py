"""All windows there are, up to a size: n <= 7 cells, kernels <= 4, strides <= 3, dilations <= 2,
paddings (before, after) <= 2 each, with and without a partial last window.

One axis at a time, so that what the windows of a plane are made of is known to be right.
"""

from itertools import product

import numpy as np
import pytest

import convcore
from convcore import geometry, reference
from convcore._core import Pool
from convcore.geometry import Window
from tests.support.pool_oracle import fault

SIZES = range(1, 8)
AXES = [
    (k, s, pair, d, ceil_mode)
    for k, s, d, pair, ceil_mode in product(
        range(1, 5), range(1, 4), range(1, 3), product(range(3), repeat=2), (False, True)
    )
]

every_size = pytest.mark.parametrize("n", SIZES)


def rows(n):
    """Four channels of n small integers: rising, falling, equal, mixed."""
    mixed = np.random.default_rng(n).integers(-9, 10, n)
    return np.stack([np.arange(n), -np.arange(n), np.full(n, -3), mixed]).astype(np.float32)


def by_hand(n, k, s, pair, d, ceil_mode):
    """Each window's real cells, and how many of its cells lie in the input or its padding.

    None where there is no window, or one without a real cell. Found by walking over the padded
    cells; with `ceil_mode` one more window holds what cells are left over, but a last one that
    starts in the padding after the input does not count.
    """
    before, after = pair
    span = (k - 1) * d + 1
    starts = [start for start in range(-before, n + after, s) if start + span <= n + after]
    if ceil_mode and starts:
        if starts[-1] + span < n + after:
            starts.append(starts[-1] + s)
        if starts[-1] >= n:
            starts.pop()
    found = [[start + t * d for t in range(k)] for start in starts]
    real = [[cell for cell in cells if 0 <= cell < n] for cells in found]
    if not found or not all(real):
        return None
    return [
        (mine, sum(cell < n + after for cell in cells))
        for mine, cells in zip(real, found, strict=True)
    ]


def refused(call, *arguments, **options):
    """The result, or None where the call is refused."""
    try:
        return call(*arguments, **options)
    except ValueError:
        return None


@pytest.mark.item("f12")
@pytest.mark.parametrize(
    "more", [{}, {"count_include_pad": True}, {"return_indices": True}], ids=str
)
@every_size
def test_sweep(n, more):
    x = rows(n)
    name = "max_pool1d" if "return_indices" in more else "avg_pool1d"
    ours, theirs = (getattr(place, name) for place in (convcore, reference))
    counted = 0
    for k, s, pair, d, ceil_mode in AXES:
        arguments = (x, k, s, (pair,), d)
        want = refused(theirs, *arguments, ceil_mode=ceil_mode, **more)
        got = refused(ours, *arguments, ceil_mode=ceil_mode, **more)
        here = (n, k, s, pair, d, ceil_mode)
        assert (got is None) == (want is None), here
        assert (want is None) == (by_hand(*here) is None), here
        if got is None:
            continue
        counted += 1
        if "return_indices" in more:
            values = ours(*arguments, ceil_mode=ceil_mode)
            assert fault(values, want[0]) is None, here
            assert fault(got[0], want[0]) is None, here
            assert fault(got[1], want[1]) is None, here
        else:
            assert fault(got, want) is None, here
    assert counted > (10 if n == 1 else 50)


@pytest.mark.item("f18")
@every_size
def test_sweep_of_adaptive_sizes(n):
    x = rows(n)
    for m in range(1, 15):
        want = reference.adaptive_avg_pool1d(x, m)
        assert fault(convcore.adaptive_avg_pool1d(x, m), want) is None, (n, m)
        got = convcore.adaptive_max_pool1d(x, m, return_indices=True)
        want = reference.adaptive_max_pool1d(x, m, return_indices=True)
        assert all(fault(a, b) is None for a, b in zip(got, want, strict=True)), (n, m)


# The windows themselves: those of the kernels, those of `geometry`, and those found by walking.


def core_windows(n, k, s, pair, d, out, count_padding, adaptive=False, adjoint=False):
    """The table of the compiled windows: first cell, cells, step, divisor."""
    one = (1, 1, 1, 1, 0, 1)
    core = Pool(
        [one, one, (n, k, s, d, pair[0], out)],
        kind="mean",
        p=0.0,
        n=1,
        channels=1,
        after=[0, 0, pair[1]],
        adaptive=[False, False, adaptive],
        adjoint=adjoint,
        count_padding=count_padding,
        channels_last=False,
    )
    table = np.empty((n if adjoint else out, 4), np.int64)
    core.windows(2, table)
    return table.tolist()


@pytest.mark.item("f25")
@pytest.mark.parametrize("include", [False, True])
@every_size
def test_windows(n, include):
    for k, s, pair, d, ceil_mode in AXES:
        walked = by_hand(n, k, s, pair, d, ceil_mode)
        arguments = (n, k, s, pair, d, ceil_mode)
        found = refused(geometry.windows, *arguments, include)
        if walked is None:
            assert found is None, arguments
            continue
        assert found == [
            Window(cells[0], cells[-1], len(cells), inside if include else len(cells))
            for cells, inside in walked
        ], arguments
        compiled = core_windows(n, k, s, pair, d, len(found), include)
        assert [
            (first, first + (cells - 1) * step, cells, divisor)
            for first, cells, step, divisor in compiled
        ] == found, arguments
        assert all(step == d for _, cells, step, _ in compiled if cells > 1), arguments


@every_size
def test_input_usage(n):
    for k, s, pair, d, ceil_mode in AXES:
        walked = by_hand(n, k, s, pair, d, ceil_mode)
        arguments = (n, k, s, pair, d, ceil_mode)
        if walked is None:
            continue
        seen = [[o for o, (cells, _) in enumerate(walked) if cell in cells] for cell in range(n)]
        assert geometry.input_usage(*arguments) == list(map(len, seen)), arguments
        # the windows of the adjoint hold the outputs that see each cell
        compiled = core_windows(n, k, s, pair, d, len(walked), False, adjoint=True)
        assert [
            [first + i * step for i in range(count)] for first, count, step, _ in compiled
        ] == seen, arguments


@pytest.mark.parametrize("n", range(1, 40))
def test_adaptive_windows(n):
    for m in range(1, 45):
        cells = [range(o * n // m, -(-(o + 1) * n // m)) for o in range(m)]
        assert geometry.adaptive_windows(n, m) == [
            Window(mine[0], mine[-1], len(mine), len(mine)) for mine in cells
        ]
        compiled = core_windows(n, 1, 1, (0, 0), 1, m, False, adaptive=True)
        assert compiled == [[mine[0], len(mine), 1, len(mine)] for mine in cells]
        seen = [[o for o, mine in enumerate(cells) if cell in mine] for cell in range(n)]
        compiled = core_windows(n, 1, 1, (0, 0), 1, m, False, adaptive=True, adjoint=True)
        assert [
            [first + i * step for i in range(count)] for first, count, step, _ in compiled
        ] == seen, (n, m)


def test_adaptive_windows_of_large_sizes_are_exact():
    # Where floats round: 5877 to 2855 cells, and products beyond 2**53 and 2**63.
    got = geometry.adaptive_windows(5877, 2855)
    assert got[2854] == Window(2854 * 5877 // 2855, 5876, 3, 3)
    for n, m in [(2**40 + 1, 3), (2**61 + 1, 5), (2**62 - 1, 7)]:
        edges = [(o * n // m, -(-(o + 1) * n // m)) for o in range(m)]
        assert geometry.adaptive_windows(n, m) == [Window(a, b - 1, b - a, b - a) for a, b in edges]
        assert core_windows(n, 1, 1, (0, 0), 1, m, False, adaptive=True) == [
            [a, b - a, 1, b - a] for a, b in edges
        ]


@pytest.mark.parametrize("word", ["valid", "same", "same_lower", "full"])
def test_words_for_padding(word):
    for n, k, s, d in product(range(1, 9), range(1, 5), range(1, 4), range(1, 3)):
        got = refused(geometry.windows, n, k, s, word, d)
        x = np.arange(1.0, n + 1)[None]
        want = refused(reference.max_pool1d, x, k, s, word, d, return_indices=True)
        assert (got is None) == (want is None), (n, k, s, d)
        if got:
            assert [window.last for window in got] == want[1][0].tolist(), (n, k, s, d)
            ones = reference.avg_pool1d(np.ones((1, n)), k, s, word, d, count_include_pad=True)
            divisors = [w.divisor for w in geometry.windows(n, k, s, word, d, False, True)]
            assert [w.cells / by for w, by in zip(got, divisors, strict=True)] == ones[0].tolist()


def test_several_axes_at_once():
    one, other = geometry.windows(9, 3, 2, 1), geometry.windows(10, 4, 3, (0, 2), 2, True)
    assert geometry.windows((9, 10), (3, 4), (2, 3), (1, (0, 2)), (1, 2)) == (
        one,
        geometry.windows(10, 4, 3, (0, 2), 2),
    )
    assert geometry.windows((10, 10), 4, 3, ((0, 2), (0, 2)), 2, True) == (other, other)
    assert geometry.adaptive_windows((7, 9), (3, 2)) == (
        geometry.adaptive_windows(7, 3),
        geometry.adaptive_windows(9, 2),
    )
    assert geometry.input_usage((9, 10), 3, 2) == (
        geometry.input_usage(9, 3, 2),
        geometry.input_usage(10, 3, 2),
    )


@pytest.mark.item("f22", "f23")
def test_borders_are_used_less():
    # f22 of the notes: with "valid" the first and last cells are in one window, those inside in
    # as many as the kernel has cells; "full" uses every cell equally often.
    assert geometry.input_usage(7, 3) == [1, 2, 3, 3, 3, 2, 1]
    assert geometry.input_usage(7, 3, padding="full") == [3] * 7
    assert geometry.input_usage(7, 3, padding="same") == [2, 3, 3, 3, 3, 3, 2]
    assert geometry.input_usage(6, 3, 2, ceil_mode=True) == [1, 1, 2, 1, 2, 1]  # figure 9.10


@pytest.mark.parametrize(
    ("name", "arguments", "word"),
    [
        ("windows", (5, 3, 0), "stride"),
        ("windows", (5, 0), "kernel"),
        ("windows", (-1, 1), "n"),
        ("windows", (5, 3, 1, -1), "padding"),
        ("windows", (5, 3, 1, "Same"), "padding"),
        ("windows", (5, 3, 1, 0, 0), "dilation"),
        ("windows", (5, 9), "kernel"),
        ("windows", (5, 3, 1, 0, 1, 1), "ceil_mode"),
        ("windows", (5, 3, 1, 4), "padding"),
        ("windows", (5, 3, 1, 0, 1, False, "yes"), "count_include_pad"),
        ("windows", ((5, 5), (3, 3, 3)), "kernel"),
        ("windows", (5, 2.0), "kernel"),
        ("input_usage", (5, 3, -1), "stride"),
        ("input_usage", (5, 3, 1, 0, 1.5), "dilation"),
        ("input_usage", (5, 9), "kernel"),
        ("input_usage", (5, 3, 1, 0, 1, "no"), "ceil_mode"),
        ("adaptive_windows", (5, 0), "size"),
        ("adaptive_windows", (5, -2), "size"),
        ("adaptive_windows", (5, 1.5), "size"),
        ("adaptive_windows", (0, 2), "n"),
        ("adaptive_windows", ((5, 5), (2, 2, 2)), "size"),
        ("adaptive_windows", (5, "2"), "size"),
    ],
)
def test_bad_arguments(name, arguments, word):
    with pytest.raises((ValueError, TypeError), match=rf"(?s){name}.*\b{word}\b"):
        getattr(geometry, name)(*arguments)
