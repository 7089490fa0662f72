# cython: language_level=3, embedsignature=False
"""Thin binding: arrays become pointers, the GIL is released, a status becomes an exception.

What a call means is decided before it gets here; what is checked here is what keeps memory safe.
"""
from cpython.buffer cimport (
    Py_buffer, PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release,
    PyObject_GetBuffer,
)
from libc.stdint cimport int64_t


cdef extern from *:
    """
    #include "convcore.h"
    static const char *const cc_kernel_names[] = {
    #define CC_KERNEL(result, name, parameters) #name,
    #include "kernels/list.h"
    #undef CC_KERNEL
        NULL};
    """
    const char *const *cc_kernel_names
    const char *CC_COMPILER
    const char *CC_FLAGS


cdef extern from "convcore.h" nogil:
    ctypedef enum cc_status:
        CC_OK
        CC_NO_MEMORY
        CC_BAD_PROBLEM
    ctypedef enum cc_real:
        CC_F32
        CC_F64
    ctypedef enum cc_border:
        CC_ZEROS
    ctypedef enum cc_mode:
        CC_AUTO
    ctypedef struct cc_axis:
        # the C struct; "in" is a Python keyword
        int64_t cells "in"
        int64_t kernel
        int64_t stride
        int64_t dilation
        int64_t before
        int64_t out
    ctypedef struct cc_conv:
        int64_t n
        int64_t groups
        int64_t c
        int64_t k
        cc_axis axis[3]
        cc_border border
        bint channels_last
    cc_status cc_conv_forward(const cc_conv *problem, cc_real type, const void *x,
                              const void *weight, const void *bias, void *y, int threads,
                              cc_mode mode)
    const char *cc_isa_name(int i)
    bint cc_isa_available(int i)
    int cc_isa_chosen()
    void cc_isa_choose(int i)
    bint cc_has_openmp()
    int cc_openmp_threads()
    int cc_processors()
    bint cc_is_forked()
    int64_t cc_fma_probe(cc_real type, int64_t rounds)


BORDERS = ("zeros", "edge", "reflect", "symmetric", "wrap")
MODES = ("auto", "pixels", "lanes", "maps", "rows")


cdef class Buffers:
    """The buffers of one call, released together."""
    cdef Py_buffer view[4]
    cdef int count
    cdef Py_ssize_t itemsize

    def __dealloc__(self):
        for i in range(self.count):
            PyBuffer_Release(&self.view[i])

    cdef void *add(self, array, int64_t reals, int flags) except? NULL:
        """Pointer to an array that must hold exactly `reals` reals of the call's type."""
        cdef Py_buffer *view = &self.view[self.count]
        PyObject_GetBuffer(array, view, flags | PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
        self.count += 1
        if self.itemsize == 0:
            self.itemsize = view.itemsize
        cdef char expected = b"f" if self.itemsize == 4 else b"d"
        if view.format[0] != expected or view.format[1] != 0:
            raise TypeError("arrays of one call must all be float32 or all be float64")
        if view.len != reals * self.itemsize:
            raise ValueError(f"array of {view.len} bytes, expected {reals * self.itemsize}")
        return view.buf


cdef class Conv:
    """A convolution's sizes, checked and ready to run on arrays of float32 or float64.

    ``axes`` holds (in, kernel, stride, dilation, before, out) for depth, row and column.
    """
    cdef cc_conv problem
    cdef int64_t x_reals, weight_reals, bias_reals, y_reals

    def __init__(self, int64_t n, int64_t groups, int64_t c, int64_t k, axes, str border,
                 bint channels_last):
        cdef cc_conv *p = &self.problem
        p.n = n
        p.groups = groups
        p.c = c
        p.k = k
        p.border = <cc_border><int>BORDERS.index(border)
        p.channels_last = channels_last
        self.x_reals = n * groups * c
        self.weight_reals = groups * k * c
        self.bias_reals = groups * k
        self.y_reals = n * groups * k
        for i in range(3):
            (p.axis[i].cells, p.axis[i].kernel, p.axis[i].stride, p.axis[i].dilation,
             p.axis[i].before, p.axis[i].out) = axes[i]
            self.x_reals *= p.axis[i].cells
            self.weight_reals *= p.axis[i].kernel
            self.y_reals *= p.axis[i].out

    def forward(self, x, weight, bias, y, int threads, str mode="auto"):
        """Compute y; ``mode`` names the kernel, for tests: every one gives the same bits."""
        cdef Buffers buffers = Buffers()
        cdef void *px = buffers.add(x, self.x_reals, 0)
        cdef void *pw = buffers.add(weight, self.weight_reals, 0)
        cdef void *pb = NULL
        if bias is not None:
            pb = buffers.add(bias, self.bias_reals, 0)
        cdef void *py = buffers.add(y, self.y_reals, PyBUF_WRITABLE)
        cdef cc_real real = CC_F32 if buffers.itemsize == 4 else CC_F64
        cdef cc_mode kernel = <cc_mode><int>MODES.index(mode)
        cdef cc_status status
        with nogil:
            status = cc_conv_forward(&self.problem, real, px, pw, pb, py, threads, kernel)
        if status == CC_NO_MEMORY:
            raise MemoryError("no memory for scratch")
        if status != CC_OK:
            raise ValueError("sizes of a convolution contradict each other")


def isa_levels():
    """Names of the instruction sets compiled in, least first, and whether each runs here."""
    levels = []
    cdef int i = 0
    while cc_isa_name(i) != NULL:
        levels.append((cc_isa_name(i).decode(), bool(cc_isa_available(i))))
        i += 1
    return levels


def choose_isa(str name):
    """Use the kernels of one instruction set from now on; it must be available."""
    cdef int i = 0
    while cc_isa_name(i) != NULL:
        if cc_isa_name(i).decode() == name and cc_isa_available(i):
            cc_isa_choose(i)
            return
        i += 1
    raise ValueError(name)


def isa():
    """Name of the instruction set whose kernels run."""
    return cc_isa_name(cc_isa_chosen()).decode()


def kernel_names():
    """Names of the kernels that every instruction set provides."""
    names = []
    cdef int i = 0
    while cc_kernel_names[i] != NULL:
        names.append(cc_kernel_names[i].decode())
        i += 1
    return names


def compiler():
    """Compiler that built this module, and the flags of its kernels."""
    return CC_COMPILER.decode(), CC_FLAGS.decode()


def has_openmp():
    """Whether the module was built with threads."""
    return bool(cc_has_openmp())


def openmp_threads():
    """Threads that OpenMP would use now (what OMP_NUM_THREADS and threadpoolctl set)."""
    return cc_openmp_threads()


def is_forked():
    """Whether this process was forked, and its parent's threads are missing."""
    return bool(cc_is_forked())


def processors():
    """Processors that OpenMP may use, by affinity; 1 without OpenMP."""
    return cc_processors()


def fma_probe(int itemsize, int64_t rounds):
    """Run ``rounds`` rounds of multiply-adds on registers; return the operations done."""
    cdef int64_t operations
    cdef cc_real real = CC_F32 if itemsize == 4 else CC_F64
    with nogil:
        operations = cc_fma_probe(real, rounds)
    return operations
