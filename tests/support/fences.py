"""Memory between two forbidden pages, where an access beyond an array ends the process."""

import ctypes
import mmap

import numpy as np

PAGE = mmap.PAGESIZE
ROOM = 1 << 25  # a multiple of the page


class Fenced:
    """Room for one array, at either end of the memory."""

    def __init__(self):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self.memory = mmap.mmap(-1, ROOM + 2 * PAGE)
        address = np.frombuffer(self.memory, np.uint8).ctypes.data
        for page in (address, address + PAGE + ROOM):
            if libc.mprotect(page, PAGE, 0) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")

    def copy(self, array, end):
        """A copy that ends where the second page begins, or begins where the first one ends."""
        offset = PAGE + (ROOM - array.nbytes if end else 0)
        copy = np.frombuffer(self.memory, array.dtype, array.size, offset).reshape(array.shape)
        copy[...] = array
        return copy


GUARDED = """
import importlib
import numpy as np
import convcore
from convcore import reference
from tests.support.fences import Fenced

source = importlib.import_module(sys.argv[1])
places = [Fenced() for _ in range(4)]
done = 0
for case in getattr(source, sys.argv[2]):
    for dtype in (np.float32, np.float64):
        arrays = source.integer_arrays(case, dtype)
        want = case.call(reference, arrays)
        if min(want.size, arrays[0].size, arrays[1].size) == 0:
            continue
        for end, threads in ((True, 1), (True, 2), (False, 1), (False, 2)):
            print(f"last: {case} {dtype.__name__} {end} {threads}", flush=True)
            *here, out = [a if a is None else place.copy(a, end)
                          for a, place in zip((*arrays, np.full_like(want, np.nan)), places)]
            case.call(convcore, here, out=out, threads=threads)
            assert (out == want).all()
            for array, plain in zip(here, arrays):
                assert array is None or (array == plain).all()
            done += 1
print("done", done)
"""


def assert_stays_inside(run_python, level, source, cases, least):
    """No case of the list `cases` in the module `source` touches memory outside its arrays."""
    done = run_python(GUARDED, source, cases, check=False, timeout=300, CONVCORE_ISA=level)
    _assert_done(done, least)


def _assert_done(done, least):
    """The process has come to its end, after so many calls at least."""
    lines = done.stdout.strip().splitlines() or [""]
    assert done.returncode == 0, f"status {done.returncode} at {lines[-1]}\n{done.stderr[-3000:]}"
    assert int(lines[-1].removeprefix("done ")) > least


GUARDED_GRADIENTS = """
import numpy as np
import convcore
from tests.support.fences import Fenced
from tests.tables.gradient_cases import GRADIENTS, integer_arrays, plain

places = [Fenced() for _ in range(7)]
done = 0
for number, case in enumerate(GRADIENTS):
    if 0 in (*case.x, *case.weight):
        continue
    integers = integer_arrays(case)
    for dtype in (np.float32, np.float64):
        arrays = plain(integers, dtype)
        outs = [a if a is None else np.full_like(a, np.nan) for a in arrays[1:]]
        for end, threads in ((True, 1), (False, 2))[:1 + (number % 3 == 0)]:
            print(f"last: {case} {dtype.__name__} {end} {threads}", flush=True)
            here = [a if a is None else place.copy(a, end)
                    for a, place in zip((*arrays, *outs), places)]
            case.back(convcore, here[:4], out=here[4:], threads=threads)
            for array, before in zip(here, arrays):
                assert array is None or (array == before).all()
            assert not any(np.isnan(array).any() for array in here[4:] if array is not None)
            done += 1
print("done", done)
"""


def assert_gradients_stay_inside(run_python, level, least):
    """No gradient of the tables touches memory outside its arrays."""
    done = run_python(GUARDED_GRADIENTS, check=False, timeout=300, CONVCORE_ISA=level)
    _assert_done(done, least)
