"""`out` in the memory of what is read: every public function, every operand, every kind of overlap.

The result has to be that of the call without `out`, to the bit.
"""

from itertools import combinations

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import convcore
from convcore import _core
from convcore.engine.buffers import overlaps_itself
from tests.tables.overlap_calls import OVERLAPS, calls, overlapping, with_out

CALLS = list(calls())
every = pytest.mark.parametrize("call", CALLS, ids=str)
dtypes = pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])


def cast(call, dtype):
    """The call's arrays in a dtype, but for indices."""
    return {
        name: array if name == "indices" else array.astype(dtype)
        for name, array in call.arrays.items()
    }


def test_every_function_is_called():
    assert {call.name for call in CALLS} == with_out()


@dtypes
@every
def test_out_in_an_operand(call, dtype):
    arrays = cast(call, dtype)
    plain = call(**arrays)
    results = plain if call.gradients else (plain,)
    for name, how in ((name, how) for name in arrays for how in OVERLAPS):
        for i, want in enumerate(results):
            operand, out = overlapping(arrays[name], want, how)
            outs = [None] * len(results)
            outs[i] = out
            got = call(outs if call.gradients else out, **{**arrays, name: operand})
            got = got if call.gradients else (got,)
            assert got[i] is out
            for one, other in zip(got, results, strict=True):
                np.testing.assert_array_equal(one, other, err_msg=f"{name} {how} {i}")


@every
def test_every_out_in_an_operand(call):
    if not call.gradients:
        return
    arrays = cast(call, "float32")
    results = call(**arrays)
    for how in OVERLAPS:
        replaced, outs = {}, []
        for name, want in zip(("x", "grad", "weight"), results, strict=True):
            replaced[name], out = overlapping(arrays[name], want, how)
            outs.append(out)
        for got, want in zip(call(outs, **{**arrays, **replaced}), results, strict=True):
            np.testing.assert_array_equal(got, want, err_msg=how)


@every
def test_outs_that_overlap_each_other(call):
    if not call.gradients:
        return
    arrays = cast(call, "float64")
    results = call(**arrays)
    for i, j in combinations(range(3), 2):
        memory = np.zeros(results[i].size + results[j].size - 1)
        outs = [None] * 3
        outs[i] = memory[: results[i].size].reshape(results[i].shape)
        outs[j] = memory[results[i].size - 1 :].reshape(results[j].shape)
        with pytest.raises(
            ValueError, match=f"{call.name}: out must be arrays that do not share memory"
        ):
            call(outs, **arrays)
    # beside each other, element by element, they share nothing
    large = max(result.size for result in results)
    memory = np.zeros((large, 3))
    outs = [memory[: result.size, i].reshape(result.shape) for i, result in enumerate(results)]
    for got, want in zip(call(outs, **arrays), results, strict=True):
        np.testing.assert_array_equal(got, want)


@every
def test_out_in_its_own_memory(call):
    arrays = cast(call, "float64")
    plain = call(**arrays)
    results = plain if call.gradients else (plain,)
    for i, want in enumerate(results):
        if want.ndim < 2:
            continue
        steps = [8] * want.ndim  # as windows of a signal overlap
        out = as_strided(np.zeros(want.size), want.shape, steps)
        outs = [None] * len(results)
        outs[i] = out
        with pytest.raises(ValueError, match=f"{call.name}: out.* in the same memory"):
            call(outs if call.gradients else out, **arrays)


@pytest.mark.parametrize(
    ("shape", "steps", "itself"),
    [
        ((3, 4), (32, 8), False),
        ((3, 4), (8, 24), False),
        ((3, 4), (-32, -8), False),
        ((3, 4), (0, 8), True),
        ((3, 4), (8, 8), True),
        ((3, 4), (24, 8), True),
        ((3, 4), (32, 4), True),  # half an element further
        ((2, 2), (16, 24), False),  # 0, 2, 3, 5: none inside another
        ((2, 3), (24, 16), False),  # 0, 2, 3, 4, 5, 7
        ((3, 4), (24, 16), True),  # 6 twice
        ((1, 4), (0, 8), False),
        ((0, 4), (0, 0), False),
        ((10**6, 10**6), (8, 8), True),  # found without a list of 10**12
    ],
)
def test_arrays_that_overlap_themselves(shape, steps, itself):
    memory = np.zeros(64)
    array = as_strided(memory[32:], shape, steps)
    assert overlaps_itself(array) is itself


def test_a_masked_array_is_no_out():
    with pytest.raises(TypeError, match="conv1d: out must be a plain array"):
        convcore.conv1d(np.ones((1, 4)), np.ones((1, 1, 2)), out=np.ma.zeros((1, 3)))


@pytest.mark.parametrize("name", ["max_pool1d_backward", "adaptive_max_pool1d_backward"])
def test_indices_anywhere_in_memory(name):
    # Kernels read them where they are only if they are aligned.
    x, grad = np.array([[1.0, 3.0, 2.0, 0.0]]), np.array([[5.0, 7.0]])
    want = getattr(convcore, name)(grad, x, 2)
    memory = np.zeros(17, np.uint8)
    indices = memory[1:].view(np.int64).reshape(1, 2)
    indices[...] = [[1, 2]]
    assert not indices.flags.aligned
    np.testing.assert_array_equal(getattr(convcore, name)(grad, x, 2, indices=indices), want)
    pool = _core.Pool(
        [(1, 1, 1, 1, 0, 1)] * 2 + [(4, 2, 2, 1, 0, 2)],
        kind="max",
        p=0.0,
        n=1,
        channels=1,
        after=[0] * 3,
        adaptive=[False] * 3,
        adjoint=False,
        count_padding=False,
        channels_last=False,
    )
    with pytest.raises(ValueError, match="aligned"):  # the binding takes no others
        pool.max_backward(grad, indices, np.zeros_like(x), 1)
