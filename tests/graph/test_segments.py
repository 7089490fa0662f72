"""Segments: steps that the core runs in one call give what they give one by one."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import convcore
from convcore import _core, nn
from convcore.graph.network import Network
from convcore.nn.layers.tree import network_of

pytestmark = pytest.mark.auto
SIZE = 4  # of a float32


def lenet():
    """A network, images for it, and what its steps give one by one."""
    model = nn.models.lenet5(rng=0)
    x = np.random.default_rng(0).standard_normal((3, 1, 32, 32)).astype(np.float32)
    network = network_of(model, x.dtype)
    (wanted,) = network.run(x).values()  # the first run is recorded
    assert not network._program.memory._blocks
    np.testing.assert_allclose(wanted, model.forward(x), rtol=1e-5, atol=1e-6)
    return network, x, wanted.tobytes()


def segments_of(network: Network):
    ((_, block),) = network._program.memory._blocks
    return block.segments


def test_lenet_is_one_call():
    network, x, wanted = lenet()
    for _ in range(3):
        (y,) = network.run(x).values()
        assert y.tobytes() == wanted
    ((first, segment),) = segments_of(network).items()
    assert (first, segment.end) == (0, len(network._program.steps))


def test_a_residual_and_a_view_in_the_middle():
    inside = nn.Residual(nn.Conv2d(4, 4, 3, padding="same", rng=1))
    layers = [nn.Conv2d(4, 4, 1, rng=0), inside, nn.MaxPool2d(2), nn.Flatten(),
              nn.Linear(36, 5, rng=2), nn.Softmax(), nn.Linear(5, 3, rng=3)]  # fmt: skip
    model = nn.Sequential(*layers)
    x = np.random.default_rng(0).standard_normal((2, 4, 6, 6)).astype(np.float32)
    network = network_of(model, x.dtype)
    wanted = model.forward(x)
    for _ in range(3):
        (y,) = network.run(x).values()
        assert y.tobytes() == wanted.tobytes()
    assert len(segments_of(network)) == 2  # softmax is NumPy's


@pytest.mark.parametrize("last", [nn.Flatten(), nn.AvgPool2d(2), nn.Identity()])
def test_results_are_the_callers_own(last):
    model = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(2, 2, 1, rng=0), last)
    x = np.random.default_rng(0).standard_normal((2, 2, 8, 8)).astype(np.float32)
    network = network_of(model, x.dtype)
    wanted = model.forward(x)
    kept = [y for _ in range(4) for y in network.run(x).values()]
    for y in kept:
        assert y.tobytes() == wanted.tobytes()
        y[...] = np.nan
    (y,) = network.run(x).values()
    assert y.tobytes() == wanted.tobytes()


def test_what_the_program_asks_for_is_obeyed():
    model = nn.Sequential(nn.Conv2d(64, 64, 3, padding=1, rng=0), nn.ReLU(), nn.MaxPool2d(2))
    x = np.random.default_rng(0).standard_normal((2, 64, 56, 56)).astype(np.float32)
    network = network_of(model, x.dtype)
    for _ in range(2):
        (fast,) = network.run(x).values()
    with convcore.set_algorithm("direct"):
        wanted = model.forward(x)
        (direct,) = network.run(x).values()
    assert direct.tobytes() == wanted.tobytes() != fast.tobytes()
    assert network.run(x).popitem()[1].tobytes() == fast.tobytes()


def test_inputs_of_other_kinds():
    network, x, wanted = lenet()
    columns = np.asfortranarray(x)
    memory = np.zeros(x.nbytes + 1, np.uint8)
    shifted = memory[1:].view(np.float32).reshape(x.shape)
    shifted[...] = x
    for other in (columns, shifted, x[::-1][::-1]):
        assert network.run(other).popitem()[1].tobytes() == wanted
    one = [network.run(x[:1]).popitem()[1].tobytes() for _ in range(3)]
    assert set(one) == {wanted[: len(one[0])]}


def test_errors_name_the_step():
    network, x, _ = lenet()
    for threads, kind in ((0, ValueError), ("2", TypeError), (10**9, ValueError)):
        with pytest.raises(kind, match=r"^conv2d: threads must be") as error:
            network.run(x, threads=threads)
        assert "C1" in error.value.__notes__[0]


def test_threads():
    network, x, wanted = lenet()
    for threads in (1, 2, 3, 7):
        for _ in range(2):
            assert network.run(x, threads=threads).popitem()[1].tobytes() == wanted
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda _: network.run(x).popitem()[1].tobytes(), range(64))
    assert set(found) == {wanted}


def test_nothing_but_the_result_is_allocated():
    """As far as NumPy and Python allocate: scratch of kernels is the core's."""
    model = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1, rng=0), nn.Tanh(), nn.MaxPool2d(2),
                          nn.Conv2d(32, 8, 3, rng=1), nn.ReLU())  # fmt: skip
    x = np.zeros((4, 3, 64, 64), np.float32)
    model.freeze(x.shape)
    tracemalloc.start()
    try:
        y = model.forward(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < y.nbytes + 20_000 < 4 * 32 * 64 * 64 * SIZE


def pool(cells=4):
    return _core.Pool(
        [(1, 1, 1, 1, 0, 1), (1, 1, 1, 1, 0, 1), (cells, 2, 2, 1, 0, cells // 2)],
        kind="max", p=0.0, n=1, channels=1, after=[0, 0, 0], adaptive=[False] * 3, adjoint=False,
        count_padding=False, channels_last=False,
    )  # fmt: skip


def test_what_the_core_guards():
    sequence = _core.Sequence(3)
    with pytest.raises(ValueError, match="place must be from 0 to 2, got 3"):
        sequence.add_pool(pool(), SIZE, (0, 3))
    with pytest.raises(ValueError, match="itemsize"):
        sequence.add_pool(pool(), 2, (0, 1))
    sequence = _core.Sequence(3)
    sequence.add_pool(pool(8), SIZE, (0, 1))
    with pytest.raises(ValueError, match="different arrays in place 1"):
        sequence.add_pool(pool(8), SIZE, (1, 2))
    sequence = _core.Sequence(3)
    sequence.add_pool(pool(8), SIZE, (0, 1))
    sequence.add_pool(pool(4), SIZE, (1, 2))
    x, y, z = (np.arange(n, dtype=np.float32) for n in (8, 4, 2))
    sequence.run([x, y, z], 1)
    assert z.tolist() == [3, 7]
    frozen = z.copy()
    frozen.flags.writeable = False
    for arrays, kind in (
        ([x, y], ValueError),
        ([x, y, z, z], ValueError),
        ([x, y, z.astype(float)], TypeError),
        ([x[:6], y, z], ValueError),
        ([x, y, np.zeros(4, np.float32)[::2]], ValueError),
        ([x, y, frozen], ValueError),
        ([x, y, None], TypeError),
    ):
        with pytest.raises((kind, BufferError)):
            sequence.run(arrays, 1)
