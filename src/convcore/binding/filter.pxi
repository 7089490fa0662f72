"""Filters of neighbourhoods: ranks, sums in a given order, morphology with a structure."""
from cpython.buffer cimport PyBUF_WRITABLE
from libc.stdint cimport int64_t


cdef extern from "convcore.h" nogil:
    ctypedef enum cc_weighing:
        CC_RANK
        CC_PAIRS
    ctypedef struct cc_filter:
        cc_weighing how
        int64_t n
        int64_t size[3]
        int64_t lanes
        cc_side border[3][2]
        int64_t taps
        const int64_t *offset
        int64_t rank
        const double *weight
        double sign
        double divisor
    int64_t cc_rank_taps(cc_type type, bint box)
    cc_status cc_filter_run(const cc_filter *problem, cc_type type, const void *x, cc_type to,
                            void *y, int threads)


WEIGHINGS = ("rank", "terms", "pairs", "greatest")


def rank_taps(array, bint box):
    """How many taps a rank may have of elements like an array's, or how many in a box."""
    cdef Buffers buffers = Buffers()
    buffers.add(array, array.size, 0)
    return cc_rank_taps(<cc_type>buffers.type, box)


def run_filter(x, y, *, str how, shape, int64_t lanes, border, offsets, int64_t rank=0,
               weights=None, double sign=1, double divisor=1, int threads):
    """Compute y from x, of the sizes (n, depth, rows, columns) and ``lanes`` elements a cell.

    ``border`` holds two sides for each axis, ``offsets`` a row of three for each tap, ``weights``
    one number for each, or for the first and each pair. Ranks have none.
    """
    cdef cc_filter f
    cdef Buffers source = Buffers(), target = Buffers(), other = Buffers()
    cdef int64_t taps = len(offsets), elements = lanes
    f.how = <cc_weighing><int>WEIGHINGS.index(how)
    f.n, f.size[0], f.size[1], f.size[2] = shape
    f.lanes = lanes
    set_border(&f.border[0][0], border)
    for size in shape:
        elements *= size
    f.taps = taps
    f.offset = <const int64_t *>other.add(offsets, 3 * taps, 0, True)
    f.rank = rank
    f.weight = NULL
    if weights is not None:
        f.weight = <const double *>other.add(
            weights, (taps + 1) // 2 if f.how == CC_PAIRS else taps, 0)
    f.sign = sign
    f.divisor = divisor
    cdef void *px = source.add(x, elements, 0)
    cdef void *py = target.add(y, elements, PyBUF_WRITABLE)
    cdef cc_type type = <cc_type>source.type, to = <cc_type>target.type
    cdef cc_status status
    with nogil:
        status = cc_filter_run(&f, type, px, to, py, threads)
    check(status, "filter")
