"""How the same numbers can lie in memory, and what `out` may and may not be."""

import numpy as np

import convcore
from convcore import reference

FLOATS = ["float16", "float32", "float64"]
INTEGERS = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


def assert_same(got, want):
    """The same numbers in a plain array of the same shape and dtype, native."""
    assert isinstance(got, np.ndarray)
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, want)


def check(case, arrays, **more):
    """The case's call gives what the oracle gives, and leaves its inputs alone."""
    kept = [a if a is None else a.copy() for a in arrays]
    got = case.call(convcore, arrays, **more)
    assert_same(got, case.call(reference, kept))
    for array, copy in zip(arrays, kept, strict=True):
        if array is not None:
            np.testing.assert_array_equal(array, copy)
    return got


def result_dtype(x, weight):
    """The dtype of what has operands of these dtypes, by name."""
    if x in FLOATS and weight in FLOATS:
        return np.result_type(x, weight)
    return np.result_type(x, weight, np.float32)


# Memory layouts. Each makes an array of the same values that lies differently in memory.


def _unaligned(a):
    buffer = bytearray(a.nbytes + 1)
    b = np.frombuffer(buffer, a.dtype, a.size, offset=1).reshape(a.shape)
    b[...] = a
    return b


def _wide(shape, dtype):
    """Numbers that nobody may read: where a result has them, it has read too much."""
    return np.full(shape, np.nan if dtype.kind == "f" else True, dtype)


def _every_other(a):
    wide = _wide([2 * size + 1 for size in a.shape], a.dtype)
    b = wide[tuple(slice(1, None, 2) for _ in a.shape)]
    b[...] = a
    return b


def _reversed(a):
    return np.ascontiguousarray(np.flip(a))[tuple(slice(None, None, -1) for _ in a.shape)]


def _last_axis_reversed(a):
    return np.ascontiguousarray(a[..., ::-1])[..., ::-1]


def _row_of_a_wider_array(a):
    wide = _wide((*a.shape[:-1], a.shape[-1] + 3), a.dtype)
    wide[..., 2:-1] = a
    return wide[..., 2:-1]


def _read_only(a):
    b = a.copy()
    b.flags.writeable = False
    return b


def _fields_of_records(a):
    records = np.zeros(a.shape, [("skipped", "i1"), ("value", a.dtype)])
    records["value"] = a
    return records["value"]


LAYOUTS = {
    "fortran": np.asfortranarray,
    "transposed": lambda a: np.ascontiguousarray(np.moveaxis(a, 0, -1)).transpose(
        a.ndim - 1, *range(a.ndim - 1)
    ),
    "every_other": _every_other,
    "reversed": _reversed,
    "last_axis_reversed": _last_axis_reversed,
    "part_of_rows": _row_of_a_wider_array,
    "read_only": _read_only,
    "unaligned": _unaligned,
    "fields": _fields_of_records,
    "byte_swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "byte_swapped_and_reversed": lambda a: _reversed(a.astype(a.dtype.newbyteorder())),
    "unaligned_integers": lambda a: _unaligned(a.astype(np.int64)),
    "list": lambda a: a.tolist(),
}


# What a result may be written to, and what it may not: each from an array like the result.


def _zeros_like_every_other(want):
    return np.full([2 * size for size in want.shape], 7, want.dtype)[
        tuple(slice(None, None, 2) for _ in want.shape)
    ]


OUTS = {
    "plain": np.empty_like,
    "fortran": lambda want: np.empty(want.shape, want.dtype, order="F"),
    "every_other": _zeros_like_every_other,
    "reversed": lambda want: np.empty_like(want)[tuple(slice(None, None, -1) for _ in want.shape)],
    "part_of_rows": lambda want: np.empty((*want.shape[:-1], want.shape[-1] + 3), want.dtype)[
        ..., 1:-2
    ],
    "unaligned": _unaligned,
    "swapped_axes": lambda want: np.empty(want.shape[::-1], want.dtype).T,
}


def bad_outs(shape):
    """Arrays that a float32 result of this shape may not be written to, and other things."""
    read_only = np.zeros(shape, np.float32)
    read_only.flags.writeable = False
    return {
        "shape": np.zeros((*shape[:-1], shape[-1] + 1), np.float32),
        "one axis less": np.zeros(shape[1:], np.float32),
        "broadcastable": np.zeros((1, *shape), np.float32),
        "transposed": np.zeros(shape[::-1], np.float32),
        "double": np.zeros(shape, np.float64),
        "half": np.zeros(shape, np.float16),
        "integers": np.zeros(shape, np.int32),
        "swapped bytes": np.zeros(shape, np.dtype(np.float32).newbyteorder()),
        "read-only": read_only,
        "list": np.zeros(shape, np.float32).tolist(),
        "buffer": bytearray(4 * int(np.prod(shape))),
        "number": 0.0,
    }
