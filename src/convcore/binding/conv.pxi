"""Layers with weights: convolution, transposed, tiled and local."""
from cpython.buffer cimport PyBUF_WRITABLE
from libc.math cimport INFINITY
from libc.stdint cimport int64_t


cdef extern from "convcore.h" nogil:
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
        cc_side border[3][2]
        bint channels_last
        const int64_t *first_input
        const int64_t *inputs
        cc_weights weights
    ctypedef struct cc_tiled:
        cc_conv conv
        bint shared
        int64_t period[3]
        int64_t transform[3]
    ctypedef struct cc_layer:
        pass
    ctypedef struct cc_packed:
        pass
    ctypedef enum cc_activation:
        CC_IDENTITY
        CC_CLIP
        CC_LEAKY_RELU
        CC_HARDSIGMOID
        CC_HARDSWISH
        CC_SIGMOID
        CC_SILU
        CC_TANH
        CC_ELU
        CC_GELU
    ctypedef struct cc_post_ops:
        const void *residual
        cc_activation activation
        double low
        double high
    ctypedef struct cc_forward_args:
        const void *x
        const void *weight
        const void *bias
        const cc_packed *packed
        const cc_post_ops *post
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
    ctypedef struct cc_fft_tile:
        int64_t length[3]
        int64_t outputs[3]
    bint cc_layer_fft_tile(cc_layer *layer, cc_type type, cc_fft_tile *tile)
    bint cc_layer_accepts(cc_layer *layer, cc_type type, const cc_packed *packed)
    void cc_packed_free(cc_packed *packed)
    cc_status cc_layer_forward(cc_layer *layer, cc_type type, const cc_forward_args *args,
                               int threads)
    cc_status cc_layer_explain(const cc_layer *layer, cc_type type, int i, cc_verdict *verdict)
    cc_status cc_layer_weight_gradient(cc_layer *layer, cc_type type, const void *x,
                                       const void *grad, void *dweight, int threads)
    cc_status cc_layer_input_gradient(cc_layer *layer, cc_type type, const void *grad,
                                      const void *weight, void *dx, int threads)


def algorithm_names():
    """Names of the algorithms for layers, in the order of csrc/conv/algorithms.def."""
    names = []
    while cc_algorithm_name(len(names)) != NULL:
        names.append(cc_algorithm_name(len(names)).decode())
    return tuple(names)


ALGORITHMS = algorithm_names()
FAST_ALGORITHMS = tuple(name for i, name in enumerate(ALGORITHMS) if cc_algorithm_is_fast(i))


def compared(double own, str best, double cost):
    """Why an algorithm that could compute a layer is not chosen."""
    if cost == 0:
        return f"{best} comes first"
    if cost == INFINITY:  # it does not pay, and nothing else is that bad
        return f"{best} was asked for"
    if own == INFINITY:
        return f"{best} is faster"
    if own > 1e6:
        return f"one channel at a time, {best} several"
    return f"a product costs {own:.2f}, with {best} {cost:.2f}"


# Activations that the core computes, by the names that the package has for them.
ACTIVATIONS = {"clip": CC_CLIP, "leaky_relu": CC_LEAKY_RELU, "hardsigmoid": CC_HARDSIGMOID,
               "hardswish": CC_HARDSWISH, "sigmoid": CC_SIGMOID, "silu": CC_SILU,
               "scaled_tanh": CC_TANH, "elu": CC_ELU, "gelu": CC_GELU}


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
    ``border``, what the padding before and after each holds, unless zeros;
    ``period``, after how many outputs along each the weights repeat, unless all share them;
    ``table``, for output channels that see some input channels only, where the list of each begins
    and ends, and the lists; ``weights``, for weights that are not in order, how many there are, the
    steps from a group, output channel and input channel to the next, and the place of each tap.

    ``algorithm`` is "auto", "direct" (none of the fast ones), a fast one or, of kernels that
    differ, "local" or "tiled", which is taken unless it refuses the layer, or, for tests, another,
    which is taken if it gives the bits of "direct". ``transform``: lengths of a larger layer's
    transforms, as :meth:`fft_tile` returns them.

    How the layer is computed is decided when it first runs on a type of arrays, and kept.
    """
    cdef cc_layer *layer
    cdef int64_t x_reals, weight_reals, bias_reals, y_reals
    cdef int64_t n, channels  # of x
    cdef int64_t cells[3]
    cdef bint channels_last
    cdef Buffers lists  # what the problem points to

    def __cinit__(self, axes, *, int64_t n, int64_t groups, int64_t c, int64_t k,
                  bint channels_last, border=None, period=None, table=None, weights=None,
                  str algorithm="auto", transform=None):
        cdef cc_tiled problem
        cdef cc_conv *p = &problem.conv
        p.n = n
        p.groups = groups
        p.c = c
        p.k = k
        set_border(&p.border[0][0], border)
        p.channels_last = self.channels_last = channels_last
        self.n, self.channels = n, groups * c
        problem.shared = period is None
        self.x_reals = n * groups * c
        self.weight_reals = groups * k * c
        self.bias_reals = groups * k
        self.y_reals = n * groups * k
        set_axes(p.axis, axes)
        for i in range(3):
            problem.period[i] = 1 if problem.shared else period[i]
            problem.transform[i] = 0 if transform is None else transform[i]
            self.cells[i] = p.axis[i].cells
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

    def forward(self, x, weight, bias, y, int threads, post=None):
        """Compute y from weights as they are or packed.

        ``post`` is what follows: a residual or None, the name of an activation or None, and its two
        numbers.
        """
        cdef Views views
        cdef cc_forward_args args
        cdef cc_post_ops ops
        cdef cc_status status
        args.weight = args.bias = NULL
        args.packed = NULL
        args.post = NULL
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
            if post is not None:
                residual, activation, ops.low, ops.high = post
                ops.residual = NULL
                if residual is not None:
                    ops.residual = take(&views, residual, self.y_reals, 0)
                ops.activation = CC_IDENTITY
                if activation is not None:
                    ops.activation = <cc_activation><int>ACTIVATIONS[activation]
                args.post = &ops
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

    def accepts(self, PackedWeights packed, int itemsize):
        """Whether :meth:`forward` can read these weights, for float32 (4) or float64 (8)."""
        return bool(cc_layer_accepts(self.layer, real_of(itemsize), packed.packed))

    def fft_tile(self, int itemsize):
        """Lengths and outputs of a tile along depth, row and column; None: no FFT is used."""
        cdef cc_fft_tile tile
        if not cc_layer_fft_tile(self.layer, real_of(itemsize), &tile):
            return None
        return ([tile.length[i] for i in range(3)], [tile.outputs[i] for i in range(3)])

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
