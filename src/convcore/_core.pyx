# cython: language_level=3, embedsignature=False
"""Thin binding: arrays become pointers, the GIL is released, a status becomes an exception.

What a call means is decided before it gets here; what is checked here is what keeps memory safe.
"""

# The parts are included, not imported: they are one extension module and call each other as C.
# A part uses names of those above it. If two parts fail at the same line number, the second
# traceback names the first part: Cython caches places by line alone (cython/cython#3725).
include "binding/options.pxi"
include "binding/buffers.pxi"
include "binding/problem.pxi"
include "binding/conv.pxi"
include "binding/pool.pxi"
include "binding/sequence.pxi"
include "binding/filter.pxi"
include "binding/round.pxi"
include "binding/xla.pxi"
include "binding/process.pxi"
