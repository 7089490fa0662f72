"""Poolings: maxima, means, norms and sums of windows."""
from cpython.buffer cimport PyBUF_WRITABLE
from libc.stdint cimport int64_t


cdef extern from *:
    """
    static const char *const cc_strategy_names[] = {
    #define CC_STRATEGY(name, ...) #name,
    #include "pool/strategies.def"
    #undef CC_STRATEGY
        NULL};
    """
    const char *const *cc_strategy_names


cdef extern from "convcore.h" nogil:
    ctypedef enum cc_pool_kind:
        CC_POOL_MAX
    ctypedef struct cc_pool_source:
        int64_t before
        int64_t cells
        cc_side side[2]
    ctypedef struct cc_pool:
        cc_pool_kind kind
        double p
        int64_t n
        int64_t channels
        cc_axis axis[3]
        int64_t after[3]
        cc_pool_source source[3]
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
    bint cc_pool_is_box(const cc_pool *problem)
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


POOLS = ("max", "mean", "norm", "sum")


cdef class Pool:
    """A pooling's sizes, checked and ready to run on arrays of one type.

    ``axes`` holds (in, kernel, stride, dilation, before, out) for depth, row and column, ``after``
    the padding after each that holds nothing, ``sources`` how many cells of each are before the
    input's and how many are of it (unless all are), ``border`` what the others hold, ``adaptive``
    which of them are cut into windows of nearly equal size.
    """
    cdef cc_pool problem
    cdef int64_t in_elements, out_elements

    def __init__(self, axes, *, str kind, double p, int64_t n, int64_t channels, after, adaptive,
                 bint adjoint, bint count_padding, bint channels_last, sources=None, border=None):
        cdef cc_pool *problem = &self.problem
        cdef cc_side sides[3][2]
        problem.kind = <cc_pool_kind><int>POOLS.index(kind)
        problem.p = p
        problem.n = n
        problem.channels = channels
        problem.adjoint = adjoint
        problem.count_padding = count_padding
        problem.channels_last = channels_last
        set_axes(problem.axis, axes)
        set_border(&sides[0][0], border)
        self.in_elements = self.out_elements = n * channels
        for i in range(3):
            problem.after[i] = after[i]
            problem.source[i].before = 0 if sources is None else sources[i][0]
            problem.source[i].cells = problem.axis[i].cells if sources is None else sources[i][1]
            problem.source[i].side[0], problem.source[i].side[1] = sides[i][0], sides[i][1]
            problem.adaptive[i] = adaptive[i]
            self.in_elements *= problem.axis[i].cells if adjoint else problem.source[i].cells
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

    @property
    def is_box(self):
        """Whether it is a mean that bytes have too, as bytes."""
        return cc_pool_is_box(&self.problem)

    def forward(self, x, y, index, int threads):
        """Compute y, and unless it is None, where in their planes the maxima stand.

        Real numbers; maxima of integers; and boxes of bytes, rounded to bytes.
        """
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
