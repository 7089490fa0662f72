# cython: language_level=3, embedsignature=False
"""Thin binding: arrays become pointers, the GIL is released, a status becomes an exception.

What a call means is decided before it gets here; what is checked here is what keeps memory safe.
"""
import sys

from cpython.buffer cimport (
    Py_buffer, PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release,
    PyObject_GetBuffer,
)
from libc.stdint cimport int64_t, uint64_t


cdef extern from *:
    """
    #include "convcore.h"
    static const char *const cc_kernel_names[] = {
    #define CC_KERNEL(result, name, parameters) #name,
    #include "kernels/kernels.def"
    #undef CC_KERNEL
        NULL};
    static const char *const cc_strategy_names[] = {
    #define CC_STRATEGY(name, ...) #name,
    #include "pool/strategies.def"
    #undef CC_STRATEGY
        NULL};
    """
    const char *const *cc_kernel_names
    const char *const *cc_strategy_names
    const char *CC_COMPILER
    const char *CC_FLAGS


cdef extern from "convcore.h" nogil:
    ctypedef enum cc_status:
        CC_OK
        CC_NO_MEMORY
        CC_BAD_PROBLEM
        CC_BAD_PACKED
        CC_STOPPED
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
        bint shared
        int64_t period[3]
    ctypedef struct cc_layer:
        pass
    ctypedef struct cc_packed:
        pass
    ctypedef struct cc_forward_args:
        const void *x
        const void *weight
        const void *bias
        const cc_packed *packed
        void *y
    ctypedef struct cc_verdict:
        bint chosen
        const char *reason
        double cost
    int CC_AUTO
    int CC_DIRECT
    const char *cc_algorithm_name(int i)
    bint cc_algorithm_is_fast(int i)
    cc_layer *cc_layer_make(const cc_tiled *problem, int algorithm)
    void cc_layer_free(cc_layer *layer)
    cc_status cc_layer_prepare(cc_layer *layer, cc_type type, const void *weight,
                               cc_packed **packed)
    cc_status cc_layer_pack_bytes(cc_layer *layer, cc_type type, size_t *count)
    void cc_packed_free(cc_packed *packed)
    cc_status cc_layer_forward(cc_layer *layer, cc_type type, const cc_forward_args *args,
                               int threads)
    cc_status cc_layer_explain(const cc_layer *layer, cc_type type, int i, cc_verdict *verdict)
    cc_status cc_layer_weight_gradient(cc_layer *layer, cc_type type, const void *x,
                                       const void *grad, void *dweight, int threads)
    cc_status cc_layer_input_gradient(cc_layer *layer, cc_type type, const void *grad,
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
    const char *cc_pool_rejects(const cc_pool *problem, cc_type type, int strategy)
    cc_status cc_pool_forward(const cc_pool *problem, cc_type type, const void *x, void *y,
                              int64_t *index, int threads)
    cc_status cc_pool_max_backward(const cc_pool *problem, cc_type type, const void *grad,
                                   const int64_t *index, void *dx, int threads)
    ctypedef struct cc_norm_args:
        const void *grad
        const void *x
        const void *y
    cc_status cc_pool_norm_backward(const cc_pool *problem, cc_type type, const cc_norm_args *args,
                                    void *dx, int threads)
    const char *cc_isa_name(int i)
    bint cc_isa_available(int i)
    int cc_isa_chosen()
    void cc_isa_choose(int i)
    bint cc_has_openmp()
    int cc_openmp_threads()
    int cc_processors()
    bint cc_is_forked()
    int64_t cc_fma_probe(cc_type type, int64_t rounds)
    void cc_set_stop_check(int (*check)() noexcept)
    void cc_watch_scratch(uint64_t word)
    bint cc_scratch_was_used()


cdef extern from "Python.h":
    int PyErr_CheckSignals()  # no "except": the exception waits until the kernels have returned


cdef int is_interrupted() noexcept with gil:
    return PyErr_CheckSignals() != 0


cc_set_stop_check(is_interrupted)

BORDERS = ("zeros", "edge", "reflect", "symmetric", "wrap")


def algorithm_names():
    """Names of the algorithms for layers, in the order of csrc/conv/algorithms.def."""
    names = []
    while cc_algorithm_name(len(names)) != NULL:
        names.append(cc_algorithm_name(len(names)).decode())
    return tuple(names)


ALGORITHMS = algorithm_names()
FAST_ALGORITHMS = tuple(name for i, name in enumerate(ALGORITHMS) if cc_algorithm_is_fast(i))
POOLS = ("max", "mean", "norm", "sum")

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


cdef struct Views:
    # the buffers of one call, released together; the type of all but indices
    Py_buffer view[4]
    int count
    int type


cdef void *take(Views *views, array, int64_t elements, int flags, bint index=False) except? NULL:
    """Pointer to an array that must hold exactly that many elements of the call's type.

    The first array says which type that is; indices are int64.
    """
    cdef Py_buffer *view = &views.view[views.count]
    PyObject_GetBuffer(array, view, flags | PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
    views.count += 1
    cdef int type = type_of(view)
    if views.type == CC_TYPES and not index:
        views.type = type
    if type != (<int>CC_I64 if index else views.type):
        raise TypeError("arrays of one call must all be of one type")
    if view.len and <size_t>view.buf % <size_t>view.itemsize != 0:
        raise ValueError("array is not aligned")
    if view.len != elements * view.itemsize:
        raise ValueError(f"array of {view.len} bytes, expected {elements * view.itemsize}")
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


cdef cc_type real_of(int itemsize) except *:
    if itemsize != 4 and itemsize != 8:
        raise ValueError(f"itemsize must be 4 or 8, got {itemsize}")
    return CC_F32 if itemsize == 4 else CC_F64


def compared(double own, str best, double cost):
    """Why an algorithm that could compute a layer is not chosen."""
    if cost == 0:
        return f"{best} comes first"
    if own > 1e6:
        return f"one channel at a time, {best} several"
    return f"a product costs {own:.2f}, with {best} {cost:.2f}"


cdef int row_of(str algorithm) except -3:
    """Return what the core calls an algorithm."""
    if algorithm == "auto":
        return CC_AUTO
    return CC_DIRECT if algorithm == "direct" else <int>ALGORITHMS.index(algorithm)


cdef class PackedWeights:
    """Weights in the order in which an algorithm reads them; made by :meth:`Conv.prepare`."""
    cdef cc_packed *packed
    cdef readonly size_t nbytes

    def __dealloc__(self):
        cc_packed_free(self.packed)


cdef class Conv:
    """A layer's sizes, checked and ready to run on arrays of float32 or float64.

    ``axes`` holds (in, kernel, stride, dilation, before, out) for depth, row and column;
    ``period``, after how many outputs along each the weights repeat, unless all share them;
    ``table``, for output channels that see some input channels only, where the list of each begins
    and ends, and the lists; ``weights``, for weights that are not in order, how many there are, the
    steps from a group, output channel and input channel to the next, and the place of each tap.

    ``algorithm`` is "auto", "direct" (none of the fast ones), a fast one, which is taken unless it
    refuses the layer, or, for tests, another, which is taken if it gives the bits of "direct".

    How the layer is computed is decided when it first runs on a type of arrays, and kept.
    """
    cdef cc_layer *layer
    cdef int64_t x_reals, weight_reals, bias_reals, y_reals
    cdef Buffers lists  # what the problem points to

    def __cinit__(self, axes, *, int64_t n, int64_t groups, int64_t c, int64_t k, str border,
                  bint channels_last, period=None, table=None, weights=None, str algorithm="auto"):
        cdef cc_tiled problem
        cdef cc_conv *p = &problem.conv
        p.n = n
        p.groups = groups
        p.c = c
        p.k = k
        p.border = <cc_border><int>BORDERS.index(border)
        p.channels_last = channels_last
        problem.shared = period is None
        self.x_reals = n * groups * c
        self.weight_reals = groups * k * c
        self.bias_reals = groups * k
        self.y_reals = n * groups * k
        set_axes(p.axis, axes)
        for i in range(3):
            problem.period[i] = 1 if problem.shared else period[i]
            self.x_reals *= p.axis[i].cells
            self.weight_reals *= p.axis[i].kernel * problem.period[i]
            self.bias_reals *= problem.period[i]
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
            last = ((groups - 1) * p.weights.group + (k - 1) * p.weights.output
                    + (c - 1) * p.weights.input + taps.max())
            if taps.min() < 0 or last >= self.weight_reals:
                raise ValueError("places of weights reach beyond them")
            p.weights.taps = <const int64_t *>self.lists.add(
                taps, p.axis[0].kernel * p.axis[1].kernel * p.axis[2].kernel, 0, True)
        self.layer = cc_layer_make(&problem, row_of(algorithm))
        if self.layer is NULL:
            raise MemoryError("no memory for a layer")

    def __dealloc__(self):
        cc_layer_free(self.layer)

    def forward(self, x, weight, bias, y, int threads):
        """Compute y from weights as they are or packed."""
        cdef Views views
        cdef cc_forward_args args
        cdef cc_status status
        args.weight = args.bias = NULL
        args.packed = NULL
        begin(&views)
        try:
            args.x = take(&views, x, self.x_reals, 0)
            if type(weight) is PackedWeights:
                args.packed = (<PackedWeights>weight).packed
            if args.packed is NULL:
                args.weight = take(&views, weight, self.weight_reals, 0)
            if bias is not None:
                args.bias = take(&views, bias, self.bias_reals, 0)
            args.y = take(&views, y, self.y_reals, PyBUF_WRITABLE)
            with nogil:
                status = cc_layer_forward(self.layer, <cc_type>views.type, &args, threads)
        finally:
            release(&views)
        check(status, "convolution")

    def prepare(self, weight):
        """Pack weights for the algorithm that :meth:`forward` chooses for arrays of their type."""
        cdef Buffers buffers = Buffers()
        cdef void *pw = buffers.add(weight, self.weight_reals, 0)
        cdef cc_type type = <cc_type>buffers.type
        cdef PackedWeights result = PackedWeights()
        cdef cc_status status
        with nogil:
            status = cc_layer_prepare(self.layer, type, pw, &result.packed)
        check(status, "convolution")
        result.nbytes = self.pack_size(buffers.views.view[0].itemsize)
        return result

    def pack_size(self, int itemsize=4):
        """Bytes of packed weights of float32 (``itemsize`` 4) or float64 (8)."""
        cdef size_t count = 0
        check(cc_layer_pack_bytes(self.layer, real_of(itemsize), &count), "convolution")
        return count

    def explain(self, int itemsize=4):
        """List (algorithm, "chosen" or "rejected: ...") for float32 or float64, in their order."""
        cdef cc_verdict verdict
        cdef cc_type type = real_of(itemsize)
        found = []
        for i in range(len(ALGORITHMS)):
            check(cc_layer_explain(self.layer, type, i, &verdict), "convolution")
            reason = None if verdict.reason is NULL else verdict.reason.decode()
            found.append((ALGORITHMS[i], verdict.chosen, reason, verdict.cost))
        best, cost = next((name, cost) for name, chosen, _, cost in found if chosen)
        return [
            (name, "chosen" if chosen else f"rejected: {reason or compared(own, best, cost)}")
            for name, chosen, reason, own in found
        ]

    def weight_gradient(self, x, grad, dweight, int threads):
        """Compute the gradient of the weight, in order and of all pairs of channels."""
        cdef Buffers buffers = Buffers()
        cdef void *px = buffers.add(x, self.x_reals, 0)
        cdef void *pg = buffers.add(grad, self.y_reals, 0)
        cdef void *pd = buffers.add(dweight, self.weight_reals, PyBUF_WRITABLE)
        cdef cc_type type = <cc_type>buffers.type
        cdef cc_status status
        with nogil:
            status = cc_layer_weight_gradient(self.layer, type, px, pg, pd, threads)
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
            status = cc_layer_input_gradient(self.layer, type, pg, pw, pd, threads)
        check(status, "local layer")


cdef class Pool:
    """A pooling's sizes, checked and ready to run on arrays of one type.

    ``axes`` holds (in, kernel, stride, dilation, before, out) for depth, row and column, ``after``
    the padding after each, ``adaptive`` which of them are cut into windows of nearly equal size.
    """
    cdef cc_pool problem
    cdef int64_t in_elements, out_elements

    def __init__(self, axes, *, str kind, double p, int64_t n, int64_t channels, after, adaptive,
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

    def explain(self):
        """List (strategy, "chosen" or "rejected: ...") in their order, for arrays of float32."""
        found = []
        chosen = None
        cdef const char *reason
        cdef int i = 0
        while cc_strategy_names[i] != NULL:
            name = cc_strategy_names[i].decode()
            reason = cc_pool_rejects(&self.problem, CC_F32, i)
            if reason != NULL:
                found.append((name, f"rejected: {reason.decode()}"))
            elif chosen is not None:
                found.append((name, f"rejected: {chosen} comes first"))
            else:
                chosen = name
                found.append((name, "chosen"))
            i += 1
        return found

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
        cdef cc_norm_args args
        args.grad = buffers.add(grad, self.out_elements, 0)
        args.x = buffers.add(x, self.in_elements, 0)
        args.y = buffers.add(y, self.out_elements, 0)
        cdef void *pd = buffers.add(dx, self.in_elements, PyBUF_WRITABLE)
        cdef cc_type type = <cc_type>buffers.type
        cdef cc_status status
        with nogil:
            status = cc_pool_norm_backward(&self.problem, type, &args, pd, threads)
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


def usable_threads():
    """Threads that OpenMP would use now (what OMP_NUM_THREADS and threadpoolctl set).

    0 where calls run on one thread whatever is asked for: without OpenMP, and in a forked process,
    in which the parent's threads are missing.
    """
    return cc_openmp_threads() if cc_has_openmp() and not cc_is_forked() else 0


def processors():
    """Processors that OpenMP may use, by affinity; 1 without OpenMP."""
    return cc_processors()


def watch_scratch(uint64_t word):
    """Fill the scratch of every call with this word from now on; 0: leave it as it is.

    For tests. A signalling NaN shows, by :func:`scratch_was_used`, whether a kernel computes
    anything from what its call has not written.
    """
    cc_watch_scratch(word)


def scratch_was_used():
    """Whether a call has used the watched word as a number since this was last asked."""
    return bool(cc_scratch_was_used())


def fma_probe(int itemsize, int64_t rounds):
    """Run ``rounds`` rounds of multiply-adds on registers; return the operations done."""
    cdef int64_t operations
    cdef cc_type real = real_of(itemsize)
    with nogil:
        operations = cc_fma_probe(real, rounds)
    return operations
