"""What layers and poolings share: an axis, and a status as an exception."""
from libc.stdint cimport int64_t


cdef extern from "convcore.h" nogil:
    ctypedef enum cc_status:
        CC_OK
        CC_NO_MEMORY
        CC_BAD_PROBLEM
        CC_BAD_PACKED
        CC_STOPPED
    ctypedef struct cc_axis:
        # the C struct; "in" is a Python keyword
        int64_t cells "in"
        int64_t kernel
        int64_t stride
        int64_t dilation
        int64_t before
        int64_t out
    ctypedef enum cc_border:
        CC_CONSTANT
    ctypedef struct cc_side:
        cc_border kind
        double value
        int64_t integer


cdef int check(cc_status status, str what) except -1:
    """Turn a status into an exception; a call that was stopped has one already."""
    if status == CC_STOPPED:
        return -1
    if status == CC_NO_MEMORY:
        raise MemoryError("no memory for scratch")
    if status == CC_BAD_PACKED:
        raise ValueError("weights were packed for another algorithm, type, instruction set or size")
    if status != CC_OK:
        raise ValueError(f"sizes of a {what} contradict each other")
    return 0


cdef set_axes(cc_axis *axis, axes):
    """Fill in the axes from (in, kernel, stride, dilation, before, out) for each."""
    for i in range(3):
        (axis[i].cells, axis[i].kernel, axis[i].stride, axis[i].dilation, axis[i].before,
         axis[i].out) = axes[i]


# What padding holds, in the order of cc_border; "zeros" stands for the constant 0.
BORDERS = ("zeros", "edge", "reflect", "symmetric", "wrap")


cdef set_border(cc_side *sides, border):
    """Fill in the sides of each axis from pairs of a word and a number; None: zeros."""
    for i in range(6):
        sides[i].kind = CC_CONSTANT
        sides[i].value = 0
        sides[i].integer = 0
        if border is None:
            continue
        side = border[i // 2][i % 2]
        if isinstance(side, str):
            sides[i].kind = <cc_border><int>BORDERS.index(side)
            continue
        sides[i].value = side
        if isinstance(side, int) or side.is_integer() and -2.0**63 <= side < 2.0**64:
            whole = int(side)  # of unsigned integers the same 64 bits
            sides[i].integer = whole if whole < 2**63 else whole - 2**64
