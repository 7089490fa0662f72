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
