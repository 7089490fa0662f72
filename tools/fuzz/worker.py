"""A process that makes calls: if one crashes it, the process that started it knows which."""

import json
import mmap
import os
import signal
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

import convcore
from tools.fuzz.check import examine
from tools.fuzz.generate import call_of
from tools.fuzz.shrink import shrink, snippet

ROOM = 1 << 30  # bytes that calls may ask for
SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")
LONGEST = 25 if SANITIZED else 5  # seconds of processor time for a call


def limit_memory():
    """Make a huge result a MemoryError at once, here and under a sanitizer (see sanitize.sh)."""
    with convcore.threads(8):  # the threads of all calls to come
        convcore.conv2d(np.ones((64, 64, 64), np.float32), np.ones((64, 64, 3, 3), np.float32))
    if SANITIZED:
        return
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    except (ImportError, OSError):  # not Linux: calls may take what they ask
        return
    limit = pages * mmap.PAGESIZE + ROOM + 2**31 + 2**20  # the rest is `far` in tools.fuzz.memory
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def timed(call, tally=None):
    """`examine`, and the end of this process by SIGPROF if it takes longer than any call should.

    Processor time is counted, for a busy machine may stand still for as long.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
    return examine(call, tally)


def tell(**report):
    """One line for the process that reads."""
    print(json.dumps(report), flush=True)


def work(seed, first, last, step, seconds, pending):
    """Make the calls first, first + step ... below last; the file `pending` has the present one.

    A fault of the fuzzer itself is a finding, too.
    """
    limit_memory()
    with Path(pending).open("r+b") as file:
        present = mmap.mmap(file.fileno(), 8)
    tally, seen, end = Counter(), set(), time.monotonic() + seconds
    for number in range(first, last, step):
        if time.monotonic() > end:
            break
        present[:] = number.to_bytes(8, "little")
        if tally["calls"] == 1000:  # the next call may be the last
            tell(tally=dict(tally))
            tally.clear()
        tally["calls"] += 1
        call = None
        try:
            call = call_of(seed, number)
            found = timed(call, tally)
            key = found and found.key(call)
            text = found and f"{found.kind}: {found.text}"
        except Exception:
            key = text = f"the fuzzer failed: {traceback.format_exc(limit=-3)}"
            found = None
        if key is None:
            continue
        smaller = ""
        if key not in seen and found is not None:
            call, found = shrink(call, found, timed)
            text, smaller = f"{found.kind}: {found.text}", snippet(call)
        tell(
            number=number,
            op=call.op if call else "",
            key=key,
            text=text,
            snippet=smaller,
            new=key not in seen,
        )
        seen.add(key)
    tell(tally=dict(tally), done=True)
