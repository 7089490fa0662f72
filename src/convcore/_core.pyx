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
    ctypedef struct cc_weights:
        int64_t group
        int64_t output
        int64_t input
        const int64_t *taps
    ctypedef struct cc_conv:
        int64_t n
        int64_t groups
        int64_t c
        int64_t k
        cc_axis axis[3]
        cc_border border
        bint channels_last
        const int64_t *first_input
        const int64_t *inputs
        cc_weights weights
    ctypedef struct cc_tiled:
        cc_conv conv
        int64_t period[3]
    cc_status cc_tiled_forward(const cc_tiled *problem, cc_type type, const void *x,
                               const void *weight, const void *bias, void *y, int threads)
    cc_status cc_conv_forward(const cc_conv *problem, cc_type type, const void *x,
                              const void *weight, const void *bias, void *y, int threads,
                              cc_mode mode)
    cc_status cc_weight_gradient(const cc_tiled *problem, cc_type type, const void *x,
                                 const void *grad, void *dweight, int threads)
    cc_status cc_local_input_gradient(const cc_tiled *problem, cc_type type, const void *grad,
                                      const void *weight, void *dx, int threads)
    ctypedef enum cc_pool_kind:
        CC_POOL_MAX
    ctypedef struct cc_pool:
        cc_pool_kind kind
        double p
        int64_t n
        int64_t channels
        cc_axis axis[3]
        int64_t after[3]
        bint adaptive[3]
        bint adjoint
        bint count_padding
        bint channels_last
    ctypedef struct cc_window:
        int64_t first
        int64_t cells
        int64_t step
        int64_t counted
    cc_window cc_pool_window(const cc_pool *problem, int axis, int64_t o)
    cc_status cc_pool_forward(const cc_pool *problem, cc_type type, const void *x, void *y,
                              int64_t *index, int threads)
    cc_status cc_pool_max_backward(const cc_pool *problem, cc_type type, const void *grad,
                                   const int64_t *index, void *dx, int threads)
    cc_status cc_pool_norm_backward(const cc_pool *problem, cc_type type, const void *grad,
                                    const void *x, const void *y, void *dx, int threads)
    const char *cc_isa_name(int i)
    bint cc_isa_available(int i)
    int cc_isa_chosen()
    void cc_isa_choose(int i)
    bint cc_has_openmp()
    int cc_openmp_threads()
    int cc_processors()
    bint cc_is_forked()
    int64_t cc_fma_probe(cc_type type, int64_t rounds)


BORDERS = ("zeros", "edge", "reflect", "symmetric", "wrap")
MODES = ("auto", "pixels", "lanes", "maps", "rows")


POOLS = ("max", "mean", "norm", "sum")


cdef int type_of(const Py_buffer *view) except -1:
    """The cc_type of an array's elements, from the format and the size that it gives them."""
    cdef char code = view.format[0]
    cdef int size = 0  # as a power of two
    if view.format[1] != 0:
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


cdef class Buffers:
    """The buffers of one call, released together."""
    cdef Py_buffer view[4]
    cdef int count
    cdef int type  # of all but indices

    def __cinit__(self):
        self.type = CC_TYPES

    def __dealloc__(self):
        for i in range(self.count):
            PyBuffer_Release(&self.view[i])

    cdef void *add(self, array, int64_t elements, int flags, bint index=False) except? NULL:
        """Pointer to an array that must hold exactly so many elements of the call's type.

        The first array says which type that is; indices are int64.
        """
        cdef Py_buffer *view = &self.view[self.count]
        PyObject_GetBuffer(array, view, flags | PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
        self.count += 1
        cdef int type = type_of(view)
        if self.type == CC_TYPES and not index:
            self.type = type
        if type != (<int>CC_I64 if index else self.type):
            raise TypeError("arrays of one call must all be of one type")
        if view.len != elements * view.itemsize:
            raise ValueError(f"array of {view.len} bytes, expected {elements * view.itemsize}")
        return view.buf


cdef int check(cc_status status, str what) except -1:
    """Turn a status into an exception."""
    if status == CC_NO_MEMORY:
        raise MemoryError("no memory for scratch")
    if status != CC_OK:
        raise ValueError(f"sizes of a {what} contradict each other")
    return 0


cdef set_axes(cc_axis *axis, axes):
    """Fill in the axes from (in, kernel, stride, dilation, before, out) for each."""
    for i in range(3):
        (axis[i].cells, axis[i].kernel, axis[i].stride, axis[i].dilation, axis[i].before,
         axis[i].out) = axes[i]


cdef class Conv:
    """A convolution's sizes, checked and ready to run on arrays of float32 or float64.

    ``axes`` holds (in, kernel, stride, dilation, before, out) for depth, row and column;
    ``period``, after how many outputs along each the weights repeat, unless all share them;
    ``table``, for output channels that see some input channels only, where the list of each begins
    and ends, and the lists; ``weights``, for weights that are not in order, how many there are, the
    steps from a group, output channel and input channel to the next, and the place of each tap.
    """
    cdef cc_tiled problem
    cdef bint is_tiled
    cdef int64_t x_reals, weight_reals, bias_reals, y_reals
    cdef Buffers lists  # what the problem points to

    def __init__(self, int64_t n, int64_t groups, int64_t c, int64_t k, axes, str border,
                 bint channels_last, period=None, table=None, weights=None):
        cdef cc_conv *p = &self.problem.conv
        p.n = n
        p.groups = groups
        p.c = c
        p.k = k
        p.border = <cc_border><int>BORDERS.index(border)
        p.channels_last = channels_last
        self.is_tiled = period is not None
        self.x_reals = n * groups * c
        self.weight_reals = groups * k * c
        self.bias_reals = groups * k
        self.y_reals = n * groups * k
        set_axes(p.axis, axes)
        for i in range(3):
            self.problem.period[i] = period[i] if self.is_tiled else 1
            self.x_reals *= p.axis[i].cells
            self.weight_reals *= p.axis[i].kernel * self.problem.period[i]
            self.bias_reals *= self.problem.period[i]
            self.y_reals *= p.axis[i].out
        p.first_input = p.inputs = NULL
        p.weights.taps = NULL
        self.lists = Buffers()
        if table is not None:
            starts, inputs = table
            p.first_input = <const int64_t *>self.lists.add(starts, k + 1, 0, True)
            p.inputs = <const int64_t *>self.lists.add(inputs, p.first_input[k], 0, True)
        if weights is not None:
            self.weight_reals, p.weights.group, p.weights.output, p.weights.input, taps = weights
            if min(taps) < 0 or (groups * p.weights.group + k * p.weights.output
                                 + c * p.weights.input + max(taps)
                                 - p.weights.group - p.weights.output - p.weights.input
                                 >= self.weight_reals):
                raise ValueError("places of weights reach beyond them")
            p.weights.taps = <const int64_t *>self.lists.add(
                taps, p.axis[0].kernel * p.axis[1].kernel * p.axis[2].kernel, 0, True)

    def forward(self, x, weight, bias, y, int threads, str mode="auto"):
        """Compute y; ``mode`` names the kernel, for tests: every one gives the same bits."""
        cdef Buffers buffers = Buffers()
        cdef void *px = buffers.add(x, self.x_reals, 0)
        cdef void *pw = buffers.add(weight, self.weight_reals, 0)
        cdef void *pb = NULL
        if bias is not None:
            pb = buffers.add(bias, self.bias_reals, 0)
        cdef void *py = buffers.add(y, self.y_reals, PyBUF_WRITABLE)
        cdef cc_type type = <cc_type>buffers.type
        cdef cc_mode kernel = <cc_mode><int>MODES.index(mode)
        cdef cc_status status
        with nogil:
            if self.is_tiled:
                status = cc_tiled_forward(&self.problem, type, px, pw, pb, py, threads)
            else:
                status = cc_conv_forward(&self.problem.conv, type, px, pw, pb, py, threads, kernel)
        check(status, "convolution")

    def weight_gradient(self, x, grad, dweight, int threads):
        """Compute the gradient of the weight, in order and of all pairs of channels."""
        cdef Buffers buffers = Buffers()
        cdef void *px = buffers.add(x, self.x_reals, 0)
        cdef void *pg = buffers.add(grad, self.y_reals, 0)
        cdef void *pd = buffers.add(dweight, self.weight_reals, PyBUF_WRITABLE)
        cdef cc_type type = <cc_type>buffers.type
        cdef cc_status status
        with nogil:
            status = cc_weight_gradient(&self.problem, type, px, pg, pd, threads)
        check(status, "convolution")

    def input_gradient(self, grad, weight, dx, int threads):
        """Compute the gradient of x of a tiled or local layer whose kernels few outputs share."""
        cdef Buffers buffers = Buffers()
        cdef void *pg = buffers.add(grad, self.y_reals, 0)
        cdef void *pw = buffers.add(weight, self.weight_reals, 0)
        cdef void *pd = buffers.add(dx, self.x_reals, PyBUF_WRITABLE)
        cdef cc_type type = <cc_type>buffers.type
        cdef cc_status status
        with nogil:
            status = cc_local_input_gradient(&self.problem, type, pg, pw, pd, threads)
        check(status, "local layer")


cdef class Pool:
    """A pooling's sizes, checked and ready to run on arrays of one type.

    ``axes`` holds (in, kernel, stride, dilation, before, out) for depth, row and column, ``after``
    the padding after each, ``adaptive`` which of them are cut into windows of nearly equal size.
    """
    cdef cc_pool problem
    cdef int64_t in_elements, out_elements

    def __init__(self, str kind, double p, int64_t n, int64_t channels, axes, after, adaptive,
                 bint adjoint, bint count_padding, bint channels_last):
        cdef cc_pool *problem = &self.problem
        problem.kind = <cc_pool_kind><int>POOLS.index(kind)
        problem.p = p
        problem.n = n
        problem.channels = channels
        problem.adjoint = adjoint
        problem.count_padding = count_padding
        problem.channels_last = channels_last
        set_axes(problem.axis, axes)
        self.in_elements = self.out_elements = n * channels
        for i in range(3):
            problem.after[i] = after[i]
            problem.adaptive[i] = adaptive[i]
            self.in_elements *= problem.axis[i].cells
            self.out_elements *= problem.axis[i].out
        if adjoint:
            self.in_elements, self.out_elements = self.out_elements, self.in_elements

    def windows(self, int axis, table):
        """Fill a row of the table for each output along an axis: its window.

        A row holds the first input cell, how many there are, how far apart, and how many cells a
        mean divides by.
        """
        cdef cc_axis *of = &self.problem.axis[axis]
        cdef int64_t count = of.cells if self.problem.adjoint else of.out
        cdef Buffers buffers = Buffers()
        cdef cc_window *rows = <cc_window *>buffers.add(table, 4 * count, PyBUF_WRITABLE, True)
        for o in range(count):
            rows[o] = cc_pool_window(&self.problem, axis, o)

    def forward(self, x, y, index, int threads):
        """Compute y, and unless it is None, where in their planes the maxima stand."""
        cdef Buffers buffers = Buffers()
        cdef void *px = buffers.add(x, self.in_elements, 0)
        cdef void *py = buffers.add(y, self.out_elements, PyBUF_WRITABLE)
        cdef void *pi = NULL
        if index is not None:
            pi = buffers.add(index, self.out_elements, PyBUF_WRITABLE, True)
        cdef cc_type type = <cc_type>buffers.type
        cdef cc_status status
        with nogil:
            status = cc_pool_forward(&self.problem, type, px, py, <int64_t *>pi, threads)
        check(status, "pooling")

    def max_backward(self, grad, index, dx, int threads):
        """Add to dx what the gradients of maxima bring to the cells at ``index``."""
        cdef Buffers buffers = Buffers()
        cdef void *pg = buffers.add(grad, self.out_elements, 0)
        cdef void *pi = buffers.add(index, self.out_elements, 0, True)
        cdef void *pd = buffers.add(dx, self.in_elements, PyBUF_WRITABLE)
        cdef cc_type type = <cc_type>buffers.type
        cdef cc_status status
        with nogil:
            status = cc_pool_max_backward(&self.problem, type, pg, <const int64_t *>pi, pd, threads)
        check(status, "pooling")

    def norm_backward(self, grad, x, y, dx, int threads):
        """Add to dx the gradient of the norms y of x."""
        cdef Buffers buffers = Buffers()
        cdef void *pg = buffers.add(grad, self.out_elements, 0)
        cdef void *px = buffers.add(x, self.in_elements, 0)
        cdef void *py = buffers.add(y, self.out_elements, 0)
        cdef void *pd = buffers.add(dx, self.in_elements, PyBUF_WRITABLE)
        cdef cc_type type = <cc_type>buffers.type
        cdef cc_status status
        with nogil:
            status = cc_pool_norm_backward(&self.problem, type, pg, px, py, pd, threads)
        check(status, "pooling")


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
    cdef cc_type real = CC_F32 if itemsize == 4 else CC_F64
    with nogil:
        operations = cc_fma_probe(real, rounds)
    return operations
