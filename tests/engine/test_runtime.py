"""Threads, instruction set and what `build_info()` says; two callers at once; a forked child."""

import asyncio
import importlib.metadata
import inspect
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.tables.cases import CASES, Case, integer_arrays
from tests.tables.layer_cases import LAYERS
from tests.tables.layer_cases import integer_arrays as layer_arrays

BIG = Case("big", "conv2d", (2, 32, 60, 61), (40, 32, 3, 3), options={"padding": 1})
OPENMP = convcore.build_info()["openmp"]
BAD_NUMBERS = [0, -1, -(2**63), 2**70, 1.5, 2.0, "2", (2,), np.nan, b"1", [1]]


def granted(n):
    """What `get_num_threads()` says when n were asked for: without OpenMP there is always one."""
    return n if OPENMP else 1


@pytest.fixture(autouse=True)
def threads_as_they_were():
    before = convcore.get_num_threads()
    yield
    convcore.set_num_threads(before)


def test_build_info():
    info = convcore.build_info()
    assert set(info) >= {
        "version",
        "compiler",
        "flags",
        "isa",
        "isa_available",
        "isa_compiled",
        "openmp",
        "threads",
    }
    assert info["version"] == importlib.metadata.version("convcore")
    assert info["isa"] in info["isa_available"]
    assert set(info["isa_available"]) <= set(info["isa_compiled"])
    assert set(info["isa_compiled"]) <= {"baseline", "x86-64-v3", "x86-64-v4", "neon"}
    assert {"baseline", "neon"} & set(info["isa_available"])
    assert info["threads"] == convcore.get_num_threads()
    assert isinstance(info["compiler"], str)
    assert info["compiler"]
    json.dumps(
        {
            **info,
            "isa_available": list(info["isa_available"]),
            "isa_compiled": list(info["isa_compiled"]),
        }
    )  # plain values, nothing else
    assert "-ffast-math" not in str(info["flags"])


def test_build_info_is_the_callers_own():
    convcore.build_info().clear()
    assert convcore.build_info()


def test_set_and_get():
    for n in (1, 3, 2, np.int64(4)):
        convcore.set_num_threads(n)
        assert convcore.get_num_threads() == granted(n)
        assert convcore.build_info()["threads"] == granted(n)
        assert type(convcore.get_num_threads()) is int


@pytest.mark.parametrize("bad", BAD_NUMBERS, ids=repr)
def test_bad_numbers_of_threads_change_nothing(bad):
    convcore.set_num_threads(2)
    with pytest.raises((ValueError, TypeError), match="set_num_threads"):
        convcore.set_num_threads(bad)
    with pytest.raises((ValueError, TypeError), match="threads"), convcore.threads(bad):
        pass
    assert convcore.get_num_threads() == granted(2)


def test_context_manager_nests_and_restores():
    convcore.set_num_threads(2)
    with convcore.threads(3):
        assert convcore.get_num_threads() == granted(3)
        with convcore.threads(1):
            assert convcore.get_num_threads() == 1
        assert convcore.get_num_threads() == granted(3)
    assert convcore.get_num_threads() == granted(2)


def test_context_manager_holds_in_its_own_python_thread():
    convcore.set_num_threads(2)
    seen = []
    with convcore.threads(3):
        other = threading.Thread(target=lambda: seen.append(convcore.get_num_threads()))
        other.start()
        other.join()
    assert seen == [granted(2)]


def test_context_manager_restores_after_an_exception():
    convcore.set_num_threads(2)
    with pytest.raises(ZeroDivisionError), convcore.threads(5):
        1 / 0  # noqa: B018
    assert convcore.get_num_threads() == granted(2)


def test_threads_of_one_call_are_of_that_call():
    convcore.set_num_threads(2)
    arrays = integer_arrays(BIG)
    want = BIG.call(reference, arrays)
    for threads in (1, 2, 5, 64):
        assert (BIG.call(convcore, arrays, threads=threads) == want).all()
        assert convcore.get_num_threads() == granted(2)


def test_results_under_the_context_manager():
    arrays = integer_arrays(BIG)
    want = BIG.call(reference, arrays)
    for n in (1, 2, 3, 8):
        with convcore.threads(n):
            assert (BIG.call(convcore, arrays) == want).all()


PRINT = "import convcore; print(convcore.get_num_threads(), convcore.build_info()['threads'])"


@pytest.mark.parametrize(
    ("own", "openmp", "wanted"), [("3", None, 3), (None, "5", 5), ("3", "5", 3), ("1", "4", 1)]
)
def test_environment(own, openmp, wanted, run_python):
    done = run_python(PRINT, CONVCORE_NUM_THREADS=own, OMP_NUM_THREADS=openmp)
    assert done.stdout.split() == [str(granted(wanted))] * 2


def test_without_environment_at_most_one_thread_per_core(run_python):
    done = run_python(PRINT, CONVCORE_NUM_THREADS=None, OMP_NUM_THREADS=None)
    assert 1 <= int(done.stdout.split()[0]) <= os.cpu_count()


def test_one_block_in_several_threads():
    convcore.set_num_threads(2)
    block, leave = convcore.threads(3), (None, None, None)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:

        def said(worker):
            return worker.submit(convcore.get_num_threads).result()

        one.submit(block.__enter__).result()
        other.submit(block.__enter__).result()
        assert said(one) == said(other) == granted(3)
        one.submit(block.__exit__, *leave).result()  # the first to enter, and to leave
        assert (said(one), said(other)) == (granted(2), granted(3))
        other.submit(block.__exit__, *leave).result()
        assert said(other) == granted(2)


def test_one_block_in_itself():
    convcore.set_num_threads(2)
    block = convcore.threads(3)
    with block:
        with block, convcore.threads(1), block:
            assert convcore.get_num_threads() == granted(3)
        assert convcore.get_num_threads() == granted(3)
    assert convcore.get_num_threads() == granted(2)


def test_one_block_in_several_tasks():
    convcore.set_num_threads(2)
    block, seen = convcore.threads(3), []

    async def enter(pause):
        with block:
            for _ in range(pause):
                await asyncio.sleep(0)
            seen.append(convcore.get_num_threads())
        seen.append(convcore.get_num_threads())

    async def all_of_them():
        await asyncio.gather(*(enter(pause) for pause in (3, 1, 2)))

    asyncio.run(all_of_them())
    assert sorted(seen) == sorted([granted(3)] * 3 + [granted(2)] * 3)


def test_blocks_left_out_of_turn():
    convcore.set_num_threads(2)

    def inside(n):
        with convcore.threads(n):
            yield

    first, second = inside(3), inside(4)
    next(first)
    next(second)
    first.close()
    assert convcore.get_num_threads() == granted(4)
    second.close()
    assert convcore.get_num_threads() == granted(2)


def test_nested_openmp_setting_is_understood(run_python):
    # OpenMP's own variable may be a list, one number for each level of nesting.
    done = run_python(PRINT, CONVCORE_NUM_THREADS=None, OMP_NUM_THREADS="1,2")
    assert done.stdout.split() == ["1", "1"]


@pytest.mark.parametrize("value", ["0", "-2", "many", "1.5", "99999999999999999999"])
def test_a_bad_environment_variable_is_refused_by_name(value, run_python):
    done = run_python(PRINT, check=False, CONVCORE_NUM_THREADS=value)
    error = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert error.startswith("ValueError")
    assert "CONVCORE_NUM_THREADS" in error
    assert value in error


def test_one_problem_in_several_python_threads_at_once():
    # The same sizes, so that whatever a call keeps for the next is shared; other numbers.
    def arrays(seed):
        x, weight, bias = integer_arrays(BIG)
        return x + np.float32(seed), weight, bias

    wants = [BIG.call(reference, arrays(seed)) for seed in range(4)]
    failures = []
    start = threading.Barrier(4)

    def work(seed):
        mine = arrays(seed)
        start.wait()
        for turn in range(20):
            if not (BIG.call(convcore, mine, threads=1 + turn % 3) == wants[seed]).all():
                failures.append((seed, turn))

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures


def test_several_python_threads_at_once():
    # Each thread computes other cases than its neighbour, with several numbers of threads.
    chosen = [case for case in CASES if case.name.startswith(("strips", "depthwise_l", "last_"))]
    jobs = [(case, integer_arrays(case)) for case in chosen]
    layers = [
        case
        for case in LAYERS
        if case.name.startswith(("strips", "large", "face", "many_", "upsample", "generator"))
    ]
    jobs += [(case, layer_arrays(case)) for case in layers]
    wants = [case.call(reference, arrays) for case, arrays in jobs]
    failures = []
    start = threading.Barrier(4)

    def work(which):
        start.wait()
        for index in range(which, len(jobs), 4):
            case, arrays = jobs[index]
            for threads in (1, 2, None):
                if not (case.call(convcore, arrays, threads=threads) == wants[index]).all():
                    failures.append((case.name, threads))

    workers = [threading.Thread(target=work, args=(which,)) for which in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(chosen) > 20
    assert {case.kind for case in layers} == {case.kind for case in LAYERS}
    assert not failures


UNLOCKED = """
import threading
import numpy as np
import convcore

# Python threads are told to switch every 1000 seconds, so the main thread, which waits for
# `started`, goes on before the call has finished only if the call releases the lock.
sys.setswitchinterval(1000.0)
x, weight = np.ones((1, 64, 400, 400), np.float32), np.ones((64, 64, 3, 3), np.float32)

def call():
    started.set()
    convcore.conv2d(x, weight, threads=1)
    finished.set()

during = 0
for _ in range(5):
    started, finished = threading.Event(), threading.Event()
    worker = threading.Thread(target=call)
    worker.start()
    started.wait()
    during += not finished.is_set()
    worker.join()
print(during)
"""


def test_the_interpreter_runs_on_during_a_call(run_python):
    assert int(run_python(UNLOCKED).stdout) > 0


FORKED = """
import os, signal
import numpy as np
import convcore

x = np.random.default_rng(0).standard_normal((1, 32, 80, 80)).astype(np.float32)
weight = np.ones((32, 32, 3, 3), np.float32)
want = convcore.conv2d(x, weight, threads=2)
child = os.fork()
if child == 0:
    signal.alarm(30)                                       # ends a child that waits for ever
    same = all((convcore.conv2d(x, weight, threads=n) == want).all() for n in (2, 3, 1, None))
    os._exit(0 if same else 3)
_, status = os.waitpid(child, 0)
assert (convcore.conv2d(x, weight, threads=2) == want).all()
print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_can_convolve(run_python):
    assert run_python(FORKED, timeout=60).stdout.strip() == "0"


YOUNG = """
import os
import sys
import convcore

child = os.fork()
if child == 0:
    with convcore.threads(2):
        os._exit(convcore.get_num_threads())
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_works_alone_whoever_used_openmp_before(run_python):
    assert run_python(YOUNG, timeout=60).stdout.strip() == "1"


REFUSED_A_THREAD = """
import resource
import sys
import numpy as np
import convcore

x, weight = np.ones((1, 64, 60, 60), np.float32), np.ones((64, 64, 3, 3), np.float32)
out, same = np.empty((1, 64, 58, 58), np.float32), np.empty((1, 64, 58, 58), bool)
with open("/proc/self/statm") as pages:
    used = int(pages.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[1]) * 2**20,) * 2)
try:
    convcore.conv2d(x, weight, threads=2, out=out)
except MemoryError as error:
    assert "conv2d" in str(error)
else:
    assert np.equal(out, 576, out=same).all()
print("survived")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("spare", [0, 2, 4, 6, 8, 12])
def test_a_refused_thread_does_not_end_the_process(spare, run_python):
    assert run_python(REFUSED_A_THREAD, str(spare)).stdout.strip() == "survived"


def test_a_context_manager_can_be_entered_again():
    two = convcore.threads(2)
    with convcore.threads(1):
        one = convcore.get_num_threads()
        with two, two:
            inner = convcore.get_num_threads()
        assert convcore.get_num_threads() == one == 1
        with two:
            assert convcore.get_num_threads() == inner


def test_names():
    layers = {
        f"{kind}{nd}d"
        for kind in ("conv", "local_conv", "tiled_conv", "conv_transpose")
        for nd in (1, 2, 3)
    }
    assert layers | {
        "convolve",
        "correlate",
        "set_num_threads",
        "threads",
        "get_num_threads",
        "build_info",
    } <= set(convcore.__all__)
    assert layers <= set(reference.__all__)  # see below
    for name in convcore.__all__:
        assert hasattr(convcore, name), name


def test_signatures_are_those_of_the_reference():
    for name in reference.__all__:
        ours = inspect.signature(getattr(convcore, name)).parameters
        theirs = inspect.signature(getattr(reference, name)).parameters
        assert [(p.name, p.default, p.kind) for p in ours.values()] == [
            (p.name, p.default, p.kind) for p in theirs.values()
        ]
