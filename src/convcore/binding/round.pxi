"""Results as integers of 8 or 16 bits."""
from cpython.buffer cimport PyBUF_WRITABLE
from libc.stdint cimport int64_t


cdef extern from "convcore.h" nogil:
    cc_status cc_round(cc_type real, const void *src, int64_t count, cc_type to, void *dst)


def round_to(src, dst):
    """Write real numbers to an array of integers: clipped, rounded, of two to the even one."""
    cdef Buffers reals = Buffers()
    cdef Buffers integers = Buffers()
    cdef int64_t count = src.size
    cdef void *ps = reals.add(src, count, 0)
    cdef void *pd = integers.add(dst, count, PyBUF_WRITABLE)
    cdef cc_status status
    with nogil:
        status = cc_round(<cc_type>reals.type, ps, count, <cc_type>integers.type, pd)
    check(status, "result")
