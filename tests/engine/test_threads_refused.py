"""Where the system refuses threads, calls do without them: the process is never ended by OpenMP."""

import shutil
import subprocess
import sys

import pytest

import convcore

pytestmark = [
    pytest.mark.skipif(not convcore.build_info()["openmp"], reason="built without OpenMP"),
    pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS and LD_PRELOAD"),
]

CALLS = """
import numpy as np, convcore
x, w = np.ones((64, 56, 56), "f4"), np.ones((64, 64, 3, 3), "f4")

def call(threads):
    assert (convcore.conv2d(x, w, threads=threads) == 576).all()
"""


@pytest.mark.parametrize("size", ["1000G", "1000000000", " 900 G ", "1000000000k", "9" * 20])
def test_stacks_that_no_memory_holds(size, run_python):
    done = run_python(CALLS + "call(2); call(3); print('done')", OMP_STACKSIZE=size)
    assert done.stdout == "done\n"


@pytest.mark.parametrize("size", ["", "x", "-1", "64k", "1", "8M", "0"])
def test_stacks_of_any_size(size, run_python):
    done = run_python(CALLS + "call(2); call(1); call(2); print('done')", OMP_STACKSIZE=size)
    assert done.stdout == "done\n"


@pytest.fixture(scope="module")
def many_processors(tmp_path_factory):
    """A library that makes OpenMP see eight processors, to be loaded before all others."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("processors")
    source, library = folder / "processors.c", folder / "processors.so"
    source.write_text("int omp_get_num_procs(void) { return 8; }\n", encoding="ascii")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    return str(library)


def test_a_pool_that_shrinks_and_grows_while_memory_gets_short(many_processors, run_python):
    # With two threads OpenMP ends those that four had; by the next call with four their stacks'
    # memory is used for something else.
    code = (
        CALLS
        + """
import resource

def used():
    return int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()

call(4)
call(2)
stack = 512 << 20
limit = used() + stack + stack // 2
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
held = np.empty(stack, np.uint8)
for threads in (4, 8, 2, 4, 3, 1, 4):
    call(threads)
del held
call(4)
print("done")
"""
    )
    done = run_python(
        code, LD_PRELOAD=many_processors, OMP_STACKSIZE="512M", OPENBLAS_NUM_THREADS="1"
    )
    assert done.stdout == "done\n"
