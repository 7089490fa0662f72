"""The command: starts processes that make calls, and prints what they find."""

import argparse
import json
import mmap
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tools.fuzz import bits
from tools.fuzz.check import Finding
from tools.fuzz.generate import call_of
from tools.fuzz.shrink import shrink, snippet

HANGS = 300  # seconds without any answer: a deadlock


def main(arguments=None):
    """Run the command; the exit code is 1 if there was a finding."""
    parser = argparse.ArgumentParser("python -m tools.fuzz", description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000, help="how many; default 10000")
    parser.add_argument("--seed", type=int, default=0, help="which; equal seeds make equal calls")
    parser.add_argument("--first", type=int, default=0, help="the number of the first call")
    parser.add_argument("--seconds", type=float, default=1e9, help="end after that many")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    parser.add_argument("--bits", type=int, metavar="N", help="compare the bits of N problems")
    parser.add_argument("--worker", nargs=6, help=argparse.SUPPRESS)
    parser.add_argument("--try", dest="tried", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        from tools.fuzz.worker import work

        *numbers, pending = options.worker
        seed, first, last, step, seconds = map(float, numbers)
        work(int(seed), int(first), int(last), int(step), seconds, pending)
        return 0
    if options.tried:
        return _try(options.tried)
    if options.bits:
        return bits.run(options.seed, options.first, options.bits)
    return Run(options).all()


def _try(text):
    """Make one call, in a process of its own."""
    from tools.fuzz import call as names
    from tools.fuzz.worker import limit_memory, timed

    limit_memory()
    call = eval(text, {**vars(names)})
    return 0 if timed(call) is None else 1


class Run:
    """The processes of one run, and what they have told."""

    def __init__(self, options):
        self.options = options
        self.lines = queue.SimpleQueue()
        self.seen, self.tally, self.crashes = Counter(), Counter(), set()
        self.end = time.monotonic() + options.seconds

    def all(self):
        """Run until all calls are made or the time is over."""
        with tempfile.TemporaryDirectory() as folder:
            jobs = [Job(self, Path(folder) / str(i), i) for i in range(self.options.jobs)]
            while any(job.alive for job in jobs):
                try:
                    self.told(self.lines.get(timeout=1))
                except queue.Empty:
                    for job in jobs:
                        job.watch()
            while not self.lines.empty():
                self.told(self.lines.get())
        counts = ", ".join(
            f"{count} {outcome}"
            for outcome, count in sorted(self.tally.items())
            if outcome != "calls"
        )
        print(f"{self.tally['calls']} calls: {counts}; {len(self.seen)} findings")
        for key, count in self.seen.most_common():
            print(f"{count:6} {key}")
        return 1 if self.seen else 0

    def told(self, report):
        """Print a finding when its kind is seen for the first time."""
        if "tally" in report:
            self.tally.update(report["tally"])
            return
        key = report["key"]
        self.seen[key] += 1
        if self.seen[key] == 1:
            print(
                f"== call {report['number']} of seed {self.options.seed}, {report['op']}: "
                f"{report['text']}\n{report['snippet']}\n",
                flush=True,
            )


class Job:
    """One process, and the next one if it ends before its time."""

    def __init__(self, run, pending, first):
        self.run, self.pending = run, pending
        self.next = run.options.first + first
        self.last = run.options.first + run.options.calls
        pending.write_bytes(bytes(8))
        self.alive = True
        self.start()

    def start(self):
        """Start a process that makes the calls from `next` on."""
        step, left = self.run.options.jobs, self.run.end - time.monotonic()
        if self.next >= self.last or left <= 0:
            self.alive = False
            return
        numbers = [self.run.options.seed, self.next, self.last, step, left]
        with self.pending.open("r+b") as file:
            self.present = mmap.mmap(file.fileno(), 8)
        self.present[:] = self.next.to_bytes(8, "little")
        self.moved, self.at = time.monotonic(), self.next
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.fuzz", "--worker", *map(str, numbers), str(self.pending)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONFAULTHANDLER": "1"},
        )
        self.process.late = False
        threading.Thread(target=self.read, args=(self.process,), daemon=True).start()

    def read(self, process):
        """Hand on what a process tells, and look at how it ended."""
        errors = []
        reader = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
        reader.start()
        finished, counted = False, 0
        for line in process.stdout:
            if line.startswith("{"):
                report = json.loads(line)
                finished |= report.get("done", False)
                counted += report.get("tally", {}).get("calls", 0)
                self.run.lines.put(report)
        status = process.wait()
        reader.join()
        if finished and status == 0:
            self.alive = False
            return
        number = int.from_bytes(self.present[:], "little")
        self.crashed(number, process, status, errors[0] if errors else "")
        made = (number - self.next) // self.run.options.jobs + 1
        self.run.lines.put({"tally": {"calls": made - counted, "not counted": made - counted}})
        self.next = number + self.run.options.jobs
        self.start()

    def watch(self):
        """End a process that has been at one call for too long."""
        number = int.from_bytes(self.present[:], "little")
        if number != self.at:
            self.at, self.moved = number, time.monotonic()
        elif self.alive and time.monotonic() - self.moved > HANGS and self.process.poll() is None:
            self.process.late = True
            self.process.kill()

    def crashed(self, number, process, status, errors):
        """Report a call that ended its process."""
        if process.late:
            how = f"no answer in {HANGS} s"
        elif status < 0:
            name = signal.Signals(-status).name
            how = "it took too long" if name == "SIGPROF" else f"signal {name}"
        else:
            how = f"exit status {status}"
        call, found = call_of(self.run.options.seed, number), Finding("crash", how)
        key = f"crash {_cause(errors) or found.key(call)}"
        again = key in self.run.crashes or _again(call, status, how)
        if process.late and not again:  # the machine was busy
            print(f"call {number} had {how}, but had one when it was made again", flush=True)
            return
        if key not in self.run.crashes and again:
            call, _ = shrink(
                call,
                found,
                lambda smaller: _again(smaller, status, how),
                limit=10 if "long" in how else 40,
            )
        self.run.crashes.add(key)
        self.run.lines.put(
            {
                "number": number,
                "op": call.op,
                "key": key,
                "text": f"the process ended: {how}\n{_tail(errors)}",
                "snippet": _printed(call),
            }
        )


def _printed(call):
    try:
        return snippet(call)
    except Exception as error:  # what cannot be made cannot be printed
        return f"{call}\n{error!r}"


def _cause(errors):
    """The line of a sanitizer's report that says what and where."""
    lines = [line for line in errors.splitlines() if "runtime error" in line or "SUMMARY" in line]
    return re.sub(r"-?\d{2,}", "#", lines[-1].rpartition("/")[2])[:200] if lines else ""


def _tail(errors):
    return "\n".join(errors.splitlines()[-40:])


def _again(call, status, how):
    """Whether a call ends a process of its own as it ended that one."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tools.fuzz", "--try", repr(call)],
            capture_output=True,
            timeout=HANGS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding("crash", how) if how.startswith("no answer") else None
    return Finding("crash", how) if done.returncode == status and status != 1 else None


if __name__ == "__main__":
    sys.exit(main())
