"""The block that results stand in: never seen by the caller, never shared, used again."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from convcore import nn
from convcore.graph.memory import ALIGNMENT, MOST_BLOCKS
from convcore.graph.network import Network
from tests.support.graphs import by_node, graph, node, value

pytestmark = pytest.mark.auto
W = np.random.default_rng(0).standard_normal((8, 8, 3, 3)).astype(np.float32) / 8


def images(n, size=24, seed=0):
    return np.random.default_rng(seed).standard_normal((n, 8, size, size)).astype(np.float32)


def conv(x, y):
    return node("Conv", f"{x} w", y, pads=[1] * 4)


def branched():
    """Layers, an operator without `out`, parts of results, and two outputs."""
    nodes = [
        conv("x", "a"), node("Relu", "a", "b"), conv("b", "c"), node("Add", "c b", "d"),
        node("Softmax", "d", "e"), node("Transpose", "e", "t", perm=[0, 1, 3, 2]),
        conv("t", "f"), node("Reshape", "f n", "g"), node("Reshape", "g m", "h"),
        node("Slice", "h s o i", "k"), conv("k", "l"), node("Concat", "l f", "p", axis=2),
        node("MaxPool", "p", "y", kernel_shape=[2, 2]), node("Identity", "h", "z"),
    ]  # fmt: skip
    return graph(
        nodes, outputs="y z", w=W, n=np.array([0, 0, -1]), m=np.array([0, 0, 24, -1]),
        s=np.array([0]), o=np.array([20]), i=np.array([2]),
    )  # fmt: skip


def test_runs_give_what_the_nodes_give():
    of = branched()
    network = Network(of)
    for n in (2, 3, 2, 1, 3, 2):
        x = images(n, seed=n)
        for found, wanted in zip(network.run(x).values(), by_node(of, {"x": x}), strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_shapes_may_alternate_without_end():
    network = Network(graph([conv("x", "a"), conv("a", "b"), node("Relu", "b", "y")], w=W))
    wanted = {}
    for round_ in range(3):
        for size in range(20, 20 + 2 * MOST_BLOCKS):
            x = images(1, size)
            y = next(iter(network.run(x).values()))
            assert wanted.setdefault(size, y.tobytes()) == y.tobytes(), (round_, size)
    assert network._program.memory.nbytes <= MOST_BLOCKS * (2 * 8 * 28 * 28 * 4 + 4 * ALIGNMENT)


def test_a_later_run_changes_no_result():
    network = Network(branched())
    x = images(2)
    kept = [(y, y.copy()) for _ in range(4) for y in network.run(x).values()]
    network.run(images(2, seed=9))
    for y, copy in kept:
        np.testing.assert_array_equal(y, copy)
        y[...] = np.nan  # and a caller who writes changes no later run
    for found, (_, copy) in zip(network.run(x).values(), kept, strict=False):
        np.testing.assert_array_equal(found, copy)


def test_inputs_and_outputs_are_in_no_block():
    network = Network(branched())
    x = images(2)
    x.flags.writeable = False
    for _ in range(3):
        results = list(network.run(x).values())
    blocks = [block.memory for _, block in network._program.memory._blocks]
    assert len(blocks) == 1
    for y in results:
        assert y.flags.writeable
        assert not np.may_share_memory(y, blocks[0])
        assert not np.may_share_memory(y, x)


def test_results_that_are_needed_at_once_stand_apart():
    nodes = [conv("x", "a"), *(conv(a, b) for a, b in zip("abcdef", "bcdefg", strict=True)),
             node("Add", "g a", "h"), node("Softmax", "h", "y")]  # fmt: skip
    network = Network(graph(nodes, w=W))
    x = images(2)
    network.run(x)
    network.run(x)
    ((_, block),) = network._program.memory._blocks
    memory = network._program.memory
    (layout,) = memory._layouts.values()
    parts = [part[1] for part in block.steps if part is not None]
    assert len(parts) == 7
    assert all(part.ctypes.data % ALIGNMENT == 0 for part in parts)
    # the first is needed to the end; the others take turns, each beside the one before it
    assert layout.nbytes == 3 * parts[0].nbytes
    assert not any(np.shares_memory(parts[0], part) for part in parts[1:])
    assert not any(np.shares_memory(a, b) for a, b in pairwise(parts))


def test_threads_at_once():
    network = Network(branched())
    given = [images(1 + i % 3, seed=i) for i in range(8)]
    wanted = [[y.tobytes() for y in network.run(x, threads=1).values()] for x in given]

    def work(i):
        return [[y.tobytes() for y in network.run(given[i], threads=1).values()] for _ in range(12)]

    with ThreadPoolExecutor(8) as pool:
        for i, results in enumerate(pool.map(work, range(8))):
            assert all(result == wanted[i] for result in results)
    assert len(network._program.memory._blocks) <= MOST_BLOCKS


def test_the_first_runs_of_threads():
    """Nothing is known yet, and all find it out at once."""
    network = Network(branched())
    x = images(2)
    with ThreadPoolExecutor(8) as pool:
        results = [[y.tobytes() for y in each.values()] for each in pool.map(network.run, [x] * 8)]
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("swap", [False, True])
def test_a_loop_that_ends_at_once_hands_on_what_it_got(swap):
    """What shows which memory depends on elements here, and not on shapes alone."""
    names = "b a" if swap else "a b"
    ins = [value("i", (), int), value("go", (), bool), value("a"), value("b")]
    body = graph([node("Identity", "go", "on"), node("Neg", names.split()[0], "p"),
                  node("Identity", names.split()[1], "q")], ins, "on p q")  # fmt: skip
    if swap:
        body = graph([node("Identity", "go", "on"), node("Identity", "b", "p"),
                      node("Identity", "a", "q")], ins, "on p q")  # fmt: skip
    nodes = [
        conv("x", "a"), conv("a", "b"), node("Loop", "n t a b", "c d", body=body),
        conv("x", "e"), conv("e", "f"), conv("f", "g"), conv("g", "h"),
        node("Add", "h c", "k"), conv("k", "l"), node("Sub", "l d", "y"),
    ]  # fmt: skip
    of = graph(nodes, [value("x"), value("n", (), int)], "y c", w=W, t=np.array(True))
    network, x = Network(of), images(2)
    for n in (1, 1, 0, 2, 0, 1, 3, 0):
        given = {"x": x, "n": np.array(n)}
        results = list(network.run(given).values())
        for found, wanted in zip(results, by_node(of, given), strict=True):
            np.testing.assert_array_equal(found, wanted, err_msg=str(n))
        kept = [y.copy() for y in results]
        network.run({"x": -x, "n": np.array(n)})
        assert all((y == copy).all() for y, copy in zip(results, kept, strict=True))


def test_a_loop_of_which_the_first_run_did_nothing():
    ins = [value("i", (), int), value("go", (), bool), value("a")]
    body = graph([node("Identity", "go", "on"), node("Neg", "a", "p")], ins, "on p")
    nodes = [conv("x", "a"), node("Loop", "n t a", "c", body=body), conv("x", "e"),
             conv("e", "f"), node("Mul", "f c", "y")]  # fmt: skip
    of = graph(nodes, [value("x"), value("n", (), int)], w=W, t=np.array(True))
    network = Network(of)
    for n in (0, 0, 1, 0, 2):
        given = {"x": images(2), "n": np.array(n)}
        np.testing.assert_array_equal(
            next(iter(network.run(given).values())), by_node(of, given)[0]
        )


def test_an_error_gives_the_block_back():
    of = graph([conv("x", "a"), conv("a", "b"), node("Reshape", "b n", "y")],
               [value("x"), value("n", None, np.int64)], w=W)  # fmt: skip
    network, x = Network(of), images(1)
    good = {"x": x, "n": np.array([-1])}
    network.run(good)
    wanted = next(iter(network.run(good).values()))
    for _ in range(5):
        with pytest.raises(ValueError, match="Reshape"):
            network.run({"x": x, "n": np.array([7])})
    assert (next(iter(network.run(good).values())) == wanted).all()
    assert len(network._program.memory._blocks) == 1


def peak_of(function):
    """Bytes that a call holds at most beside what there was before it."""
    tracemalloc.start()
    try:
        y = function()
        return tracemalloc.get_traced_memory()[1], y
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("batch", [1, 3])
def test_a_later_run_allocates_its_result_alone(batch):
    layers = nn.Sequential(
        nn.Conv2d(8, 16, 3, padding="same", rng=0), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Residual(nn.Conv2d(16, 16, 3, padding="same", rng=1)), nn.ReLU6(),
        nn.Conv2d(16, 16, 1, rng=2), nn.LeakyReLU(), nn.MaxPool2d(2), nn.Tanh(),
        nn.Conv2d(16, 8, 3, padding="same", rng=3), nn.Hardswish(), nn.AvgPool2d(2),
    )  # fmt: skip
    layers.freeze()
    x = images(batch, 96)
    layers(x)
    layers(x)
    peak, y = peak_of(lambda: layers(x))
    activations = batch * 16 * 96 * 96 * 4
    assert y.nbytes < activations / 20
    # Tanh, as other operators of NumPy, has a result of its own
    own = batch * 16 * 48 * 48 * 4
    assert peak < y.nbytes + own + (64 << 10)


def test_layers_and_poolings_allocate_nothing():
    layers = nn.Sequential(
        nn.Conv2d(8, 16, 3, padding="same", rng=0), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Residual(nn.Conv2d(16, 16, 3, padding="same", rng=1)), nn.ReLU6(), nn.MaxPool2d(2),
        nn.Conv2d(16, 8, 3, padding="same", rng=3), nn.Hardswish(), nn.AvgPool2d(2),
    )  # fmt: skip
    layers.freeze()
    x = images(2, 96)
    layers(x)
    layers(x)
    peak, y = peak_of(lambda: layers(x))
    assert peak < y.nbytes + (64 << 10)
