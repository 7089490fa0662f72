"""Calls of XLA's foreign function interface, which run without Python."""
import os

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t, intptr_t


cdef extern from "convcore.h" nogil:
    ctypedef struct cc_phase:
        cc_layer *layer
        int64_t first[3]
        int64_t step[3]
        int64_t count[3]
    ctypedef struct cc_adjoint:
        cc_layer *layer
        const cc_phase *phases
        int count
        int64_t n
        int64_t channels
        int64_t cells[3]
        int64_t weights
        bint channels_last
    ctypedef enum cc_xla_product:
        CC_XLA_FORWARD
        CC_XLA_INPUT_GRADIENT
        CC_XLA_WEIGHT_GRADIENT
        CC_XLA_POOL
        CC_XLA_MAXIMUM
    ctypedef struct cc_xla_call:
        cc_xla_product product
        cc_layer *layer
        cc_adjoint adjoint
        const cc_pool *pool
        cc_type type
        bint swapped
        int threads
        int64_t elements[3]
    ctypedef void *cc_xla_function
    cc_xla_function cc_xla_handler(int64_t process)


# A number that no other process has, so that none follows an address of this one.
cdef int64_t PROCESS = int.from_bytes(os.urandom(8), "little", signed=True)


def xla_targets():
    """Return the handlers by name, as capsules, and the number of this process."""
    cdef void *handler = <void *>cc_xla_handler(PROCESS)
    return {"convcore_layer": PyCapsule_New(handler, NULL, NULL)}, PROCESS


cdef class XlaCall:
    """What the handler computes; it must live as long as what XLA compiled for it.

    ``product`` of a pooling is "pool", or "maximum", which gives indices too. That of a layer is
    "forward", "input_gradient" or "weight_gradient". Operands of the last are (grad, x), with
    ``swapped`` (x, grad). ``phases`` of an adjoint are (layer, first, step, count), lists along
    depth, row and column. Without any the products are formed one by one.
    """
    cdef cc_xla_call call
    cdef cc_phase *phases
    cdef list owners  # of what the call points to

    def __cinit__(self, str product, owner, int itemsize, int threads, phases=(), *,
                  bint swapped=False):
        self.owners = [owner, phases]
        self.call.type = real_of(itemsize)
        self.call.threads = threads
        if product in ("pool", "maximum"):
            self._set_pool(product, owner)
        else:
            self._set_layer(product, owner, phases, swapped)

    cdef _set_pool(self, str product, Pool pool):
        self.call.product = CC_XLA_MAXIMUM if product == "maximum" else CC_XLA_POOL
        self.call.pool = &pool.problem
        self.call.elements[0] = pool.in_elements
        self.call.elements[1] = self.call.elements[2] = pool.out_elements

    cdef _set_layer(self, str product, Conv layer, phases, bint swapped):
        cdef cc_phase *phase
        cdef cc_adjoint *adjoint = &self.call.adjoint
        cdef int64_t outputs
        self.call.layer = layer.layer
        self.call.swapped = swapped
        self.call.product = {"forward": CC_XLA_FORWARD, "input_gradient": CC_XLA_INPUT_GRADIENT,
                             "weight_gradient": CC_XLA_WEIGHT_GRADIENT}[product]
        sizes = {"forward": (layer.x_reals, layer.weight_reals, layer.y_reals),
                 "input_gradient": (layer.y_reals, layer.weight_reals, layer.x_reals),
                 "weight_gradient": (layer.y_reals, layer.x_reals, layer.weight_reals)}[product]
        if swapped:
            sizes = (sizes[1], sizes[0], sizes[2])
        for i in range(3):
            self.call.elements[i] = sizes[i]
        adjoint.layer = layer.layer
        adjoint.weights = layer.weight_reals
        adjoint.count = len(phases)
        adjoint.n, adjoint.channels = layer.n, layer.channels
        adjoint.channels_last = layer.channels_last
        for i in range(3):
            adjoint.cells[i] = layer.cells[i]
        self.phases = <cc_phase *>PyMem_Calloc(max(len(phases), 1), sizeof(cc_phase))
        if self.phases is NULL:
            raise MemoryError("no memory for phases")
        adjoint.phases = self.phases
        for i, (part, first, step, count) in enumerate(phases):
            phase = &self.phases[i]
            phase.layer = (<Conv?>part).layer
            outputs = layer.n * layer.channels
            for axis in range(3):
                phase.first[axis], phase.step[axis], phase.count[axis] = (
                    first[axis], step[axis], count[axis])
                outputs *= phase.count[axis]
                last = phase.first[axis] + (phase.count[axis] - 1) * phase.step[axis]
                if phase.first[axis] < 0 or phase.step[axis] < 1 or last >= layer.cells[axis]:
                    raise ValueError("a phase reaches beyond the input")
            if (outputs != (<Conv>part).y_reals or (<Conv>part).x_reals != layer.y_reals
                    or (<Conv>part).weight_reals != layer.weight_reals):
                raise ValueError("sizes of a phase contradict those of the layer")

    def __dealloc__(self):
        PyMem_Free(self.phases)

    @property
    def address(self):
        """Where the handler finds the call."""
        return <intptr_t>&self.call
