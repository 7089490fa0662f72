"""What calls keep for calls like them: bounded by bytes, and found again."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import convcore
from convcore.engine import adjoint, cache, plan
from convcore.spec.connections import Connections
from convcore.spec.problem import transposed_spec


@pytest.fixture
def store(monkeypatch):
    """A small store of the test's own."""
    own = cache.PlanCache(1000, 10)
    monkeypatch.setattr(plan, "plans", own)
    return own


@pytest.fixture
def allocated():
    """How many bytes were allocated since the test began, and are still."""
    tracemalloc.start()
    begin = tracemalloc.get_traced_memory()[0]
    yield lambda: tracemalloc.get_traced_memory()[0] - begin
    tracemalloc.stop()


def most_kept():
    return cache.MAX_BYTES * 5 // 4


def test_tables_of_connections(allocated):
    rng = np.random.default_rng(0)
    x, weight = np.ones((512, 2, 2), np.float32), np.ones((512, 512, 1, 1), np.float32)
    for _ in range(40):
        table = rng.random((512, 512)) < 0.5
        y = convcore.conv2d(x, weight, connections=table)
        convcore.conv2d_backward(y, x, weight, connections=table, needs=(True, False, False))
    assert allocated() < most_kept()
    assert cache.plans.bytes <= cache.MAX_BYTES


def test_large_kernels(store, allocated):
    store.max_bytes, store.max_entries = 2**20, 1000
    for n in range(5000, 5100):  # planned only, for their arithmetic would take long
        layer = transposed_spec(
            "conv_transpose1d", (1, 1, n), (1, 1, 4000), axes=1, stride=2, layout="NCW"
        )
        plan.plan_for(layer)
    assert allocated() < 2 * 2**20
    assert store.bytes <= 2**20


def test_what_phases_hold():
    layer = transposed_spec(
        "conv_transpose2d", (1, 1, 9, 9), (1, 1, 20, 30), axes=2, stride=(4, 5), layout="NCHW"
    )
    found = adjoint.make_plan(layer)
    assert len(found.phases) == 20
    assert found.nbytes >= 20 * 1000 + 8 * 20 * 30


def test_calls_alike_share_the_work(monkeypatch):
    made = []
    lists = Connections.lists.fget
    monkeypatch.setattr(Connections, "lists", property(lambda self: made.append(1) or lists(self)))
    table = np.random.default_rng(7).random((6, 5)) < 0.5
    x, weight = np.ones((5, 7, 7)), np.ones((6, 5, 3, 3))
    want = convcore.conv2d(x, weight, connections=table)
    for _ in range(3):
        np.testing.assert_array_equal(convcore.conv2d(x, weight, connections=table.copy()), want)
    assert len(made) == 1


def test_forward_and_backward_share_a_plan():
    x, weight = np.ones((5, 7, 7)), np.ones((6, 5, 3, 3))
    cache.plans.clear()
    y = convcore.conv2d(x, weight, padding=1)
    kept = cache.plans.bytes
    convcore.conv2d_backward(y, x, weight, padding=1, needs=(False, True, False))
    assert cache.plans.bytes == kept


def keep(store, function, size):
    """The function, whose results are kept."""

    def with_store(n):
        found = store.get(n)
        if found is None:
            found = function(n)
            store.put(n, found, size(n))
        return found

    return with_store


def test_the_oldest_goes_first(store):
    calls = []
    double = keep(store, lambda n: calls.append(n) or 2 * n, lambda n: n)
    store.max_bytes = 3 * (cache.ENTRY_BYTES + 100)
    assert [double(n) for n in (1, 2, 3)] == [2, 4, 6]
    assert [double(n) for n in (1, 1, 3)] == [2, 2, 6]
    assert double(4) == 8  # 2, which nobody has asked for again
    assert [double(n) for n in (1, 3, 4)] == [2, 6, 8]
    assert calls == [1, 2, 3, 4]
    assert double(2) == 4
    assert calls == [1, 2, 3, 4, 2]
    assert store.bytes <= store.max_bytes


def test_what_is_too_large_is_not_kept(store):
    made = []
    wide = keep(store, lambda n: made.append(n) or n, lambda n: n)
    store.max_bytes = 2 * (cache.ENTRY_BYTES + 100)
    for _ in range(2):
        wide(101)
        wide(100)
    assert made == [101, 100, 101]


def test_entries_are_bounded_too(store):
    store.max_bytes = 10**9
    tiny = keep(store, lambda n: n + 1, lambda n: 0)
    for n in range(100):
        assert tiny(n) == n + 1
    assert store.bytes == store.max_entries * cache.ENTRY_BYTES


def test_errors_are_not_kept():
    for _ in range(2):
        with pytest.raises(ValueError, match="kernel must span"):
            convcore.conv1d(np.ones((1, 3)), np.ones((1, 1, 5)))


def test_threads(store):
    store.max_bytes = 20 * cache.ENTRY_BYTES
    square = keep(store, lambda n: n * n + 1, lambda n: n)

    def work(seed):
        numbers = np.random.default_rng(seed).integers(0, 40, 2000).tolist()
        return all(square(n) == n * n + 1 for n in numbers)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
