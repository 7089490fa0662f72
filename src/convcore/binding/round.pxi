"""Integers of 8 or 16 bits: as operands, and as results."""
from cpython.buffer cimport PyBUF_WRITABLE
from libc.stdint cimport int64_t


cdef extern from "convcore.h" nogil:
    cc_status cc_round(cc_type real, const void *src, int64_t count, cc_type to, void *dst)
    cc_status cc_read_integers(cc_type source, const void *src, int64_t count, cc_type real,
                               void *dst)


def round_to(src, dst):
    """Write real numbers to an array of integers: clipped, rounded, of two to the even one."""
    convert(src, dst, True)


def read_integers(src, dst):
    """Write integers to an array of real numbers."""
    convert(src, dst, False)


cdef int convert(src, dst, bint rounds) except -1:
    cdef Buffers given = Buffers()
    cdef Buffers made = Buffers()
    cdef int64_t count = src.size
    cdef void *ps = given.add(src, count, 0)
    cdef void *pd = made.add(dst, count, PyBUF_WRITABLE)
    cdef cc_status status
    with nogil:
        if rounds:
            status = cc_round(<cc_type>given.type, ps, count, <cc_type>made.type, pd)
        else:
            status = cc_read_integers(<cc_type>given.type, ps, count, <cc_type>made.type, pd)
    return check(status, "result")
