"""Element types and buffers: what Python must hold for a pointer to be safe."""
import sys

from cpython.buffer cimport (
    Py_buffer, PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.stdint cimport int64_t


cdef extern from "convcore.h" nogil:
    ctypedef enum cc_type:
        CC_F32
        CC_F64
        CC_REALS
        CC_I8
        CC_U8
        CC_I16
        CC_U16
        CC_I32
        CC_U32
        CC_I64
        CC_U64
        CC_TYPES


cdef char BYTE_ORDER = b"<" if sys.byteorder == "little" else b">"  # in buffers' formats


cdef int type_of(const Py_buffer *view) except -1:
    """The cc_type of an array's elements, from the format and the size that it gives them."""
    cdef const char *format = view.format
    if format[0] == b"@" or format[0] == b"=" or format[0] == BYTE_ORDER:  # native, spelled out
        format += 1
    cdef char code = format[0]
    cdef int size = 0  # as a power of two
    if code == 0 or format[1] != 0:
        code = 0
    if code == b"f":
        return CC_F32
    if code == b"d":
        return CC_F64
    while (1 << size) < view.itemsize:
        size += 1
    if code == b"b" or code == b"h" or code == b"i" or code == b"l" or code == b"q":
        return CC_I8 + 2 * size
    if (code == b"?" or code == b"B" or code == b"H" or code == b"I" or code == b"L"
            or code == b"Q"):
        return CC_U8 + 2 * size
    raise TypeError(f"array of format {view.format}")


cdef int check_array(const Py_buffer *view, int type, int64_t elements) except -1:
    """Check that a kernel may take these elements for that many of a type."""
    if type_of(view) != type:
        raise TypeError("arrays of one call must all be of one type")
    if view.len and <size_t>view.buf % <size_t>view.itemsize != 0:
        raise ValueError("array is not aligned")
    if view.len != elements * view.itemsize:
        raise ValueError(f"array of {view.len} bytes, expected {elements * view.itemsize}")
    return 0


cdef struct Views:
    # the buffers of one call, released together; the type of all but indices
    Py_buffer view[5]
    int count
    int type


cdef void *take(Views *views, array, int64_t elements, int flags, bint index=False) except? NULL:
    """Pointer to an array that must hold exactly that many elements of the call's type.

    The first array says which type that is; indices are int64.
    """
    cdef Py_buffer *view = &views.view[views.count]
    PyObject_GetBuffer(array, view, flags | PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
    views.count += 1
    if views.type == CC_TYPES and not index:
        views.type = type_of(view)
    check_array(view, CC_I64 if index else views.type, elements)
    return view.buf


cdef void release(Views *views):
    for i in range(views.count):
        PyBuffer_Release(&views.view[i])


cdef void begin(Views *views):
    views.count = 0
    views.type = CC_TYPES


cdef class Buffers:
    """Buffers that an object keeps as long as it lives, or those of one call."""
    cdef Views views
    cdef int type  # of all but indices

    def __cinit__(self):
        begin(&self.views)
        self.type = CC_TYPES

    def __dealloc__(self):
        release(&self.views)

    cdef void *add(self, array, int64_t elements, int flags, bint index=False) except? NULL:
        cdef void *start = take(&self.views, array, elements, flags, index)
        self.type = self.views.type
        return start


cdef cc_type real_of(int itemsize) except *:
    if itemsize != 4 and itemsize != 8:
        raise ValueError(f"itemsize must be 4 or 8, got {itemsize}")
    return CC_F32 if itemsize == 4 else CC_F64
