"""The facts about a machine that a benchmark means nothing without."""

import os
import platform
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np


def usable_cpus():
    """Return the number of processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def confined(count):
    """Keep every thread of this process on `count` of its processors, for the time of the context.

    It is for libraries that cannot be told how many threads to use. Only Linux lets a process say
    this of all its threads; elsewhere fewer than all processors are an OSError.
    """
    if count == usable_cpus():
        yield
        return
    tasks = Path("/proc/self/task")
    if not hasattr(os, "sched_setaffinity") or not tasks.is_dir():
        raise OSError(f"cannot be kept on {count} of {usable_cpus()} processors here")
    processors = os.sched_getaffinity(0)
    before = {}

    def allow(choose):
        for task in tasks.iterdir():
            with suppress(ProcessLookupError):  # a thread that has just ended
                number = int(task.name)
                os.sched_setaffinity(number, choose(number))

    def confine(number):
        before[number] = os.sched_getaffinity(number)
        return sorted(processors)[:count]

    try:
        allow(confine)
        yield
    finally:
        allow(lambda number: before.get(number, processors))


def cpu_model():
    """Return the processor's name, with family and model where Linux tells them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = {}
    for line in lines:
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    name = facts.get("model name", platform.machine())
    if "cpu family" in facts:
        name += f" (family {facts['cpu family']}, model {facts.get('model', '?')})"
    return name


def facts(build_info):
    """Return what identifies the machine and this build, as plain JSON values."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu_model(),
        "cpus": usable_cpus(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "convcore": build_info,
    }
