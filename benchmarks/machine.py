"""The facts that a benchmark means nothing without: processor, versions, and the FMA peak."""

import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np


def usable_cpus():
    """Return the number of processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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


def other_cpu_seconds():
    """Return the processor time, since some moment, that others took on the CPUs this may use.

    Linux counts it by the hundredth of a second; elsewhere the answer is None. Two readings tell
    how busy others were in between, time stolen by other virtual machines included.
    """
    try:
        lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
        tick = os.sysconf("SC_CLK_TCK")
    except OSError:
        return None
    cpus = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    busy = 0
    for name, *counts in map(str.split, lines):
        if name in cpus:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, counts[:8])
            busy += user + nice + system + irq + softirq + steal
    return busy / tick - time.process_time()


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


class FmaPeak:
    """One core's measured rate of independent float32 multiply-adds, in GFLOP/s.

    `probe(itemsize, rounds)` runs on one thread and returns the operations it did. The best rate
    of the whole run is the peak: a disturbed sample can only be lower.
    """

    SAMPLE_SECONDS = 2e-3

    def __init__(self, probe):
        self.best = None
        self._probe = probe
        self._rounds = 1000

    def sample(self):
        """Measure for a few milliseconds; return this sample's rate, or None without a probe."""
        if self._probe is None:
            return None
        seconds, operations = self._run()
        while seconds < self.SAMPLE_SECONDS / 2:
            self._rounds *= 4
            seconds, operations = self._run()
        again, _ = self._run()
        rate = operations / min(seconds, again) / 1e9
        self.best = max(rate, self.best or 0.0)
        return rate

    def _run(self):
        start = time.perf_counter()
        operations = self._probe(4, self._rounds)
        return time.perf_counter() - start, operations
