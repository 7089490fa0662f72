"""What holds for the whole process: instruction sets, threads, interrupts, the build."""
from libc.stdint cimport int64_t, uint64_t


cdef extern from *:
    """
    static const char *const cc_kernel_names[] = {
    #define CC_KERNEL(result, name, parameters) #name,
    #include "kernels/kernels.def"
    #undef CC_KERNEL
        NULL};
    """
    const char *const *cc_kernel_names
    const char *CC_COMPILER
    const char *CC_FLAGS


cdef extern from "convcore.h" nogil:
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
