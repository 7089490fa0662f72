"""Measure every library on every layer, in interleaved rounds, in one process.

A round measures each (library, thread count) once, so that a slow minute of the machine falls on
all of them; the order is rotated from round to round. A measurement is the mean of as many calls
as fill `TARGET_SECONDS`, after the untimed ones that find out how many those are; a result is the
median over the rounds.
"""

import gc
import math
import time

import numpy as np

from .layers import WORDS

TARGET_SECONDS = 5e-3  # a measurement repeats the call until it lasts this long
TRIES = 3  # of a measurement during which the cores were not all there
LONG_CALL_SECONDS = 50e-3  # from here on nothing is gained by an untimed call
ONE_ROUND_SECONDS = 1.0  # nor by a second round: a disturbance is short beside such a call
MIN_ROUNDS = 3  # done even if the time budget is already spent


def settle(step=10e-3, limit=0.3):
    """Wait until the other threads of this process have stopped spinning.

    A pool's threads spin for a while after its last call, waiting for the next one (some 50 ms with
    ONNX Runtime's defaults). Switching that off would slow the library down when it is its turn;
    letting it run would slow down the next one. So every library keeps its own default, and the
    next begins when the other threads use no processor time. A step has to be longer than a clock
    tick of the system, for that is when the time of running threads is brought up to date.

    The wait is a busy one: when all of a virtual machine's processors have been idle, its host may
    wake two of them on one core, and it takes its time to part them.
    """
    now = time.perf_counter()
    deadline = now + limit
    while now < deadline:
        before = time.process_time() - time.thread_time()
        end = now + step
        while now < end:
            now = time.perf_counter()
        if time.process_time() - time.thread_time() - before < 0.1 * step:
            return


def recycle_memory():
    """Bring the C library's allocator into the state that it reaches in a long-running program.

    glibc returns large blocks to the system at once, and every call that allocates its result pays
    for fresh pages, until a block of some size has been freed; blocks up to that size are then kept
    for the next call. 32 MiB is the largest size it takes note of; 31 covers all of the layers but
    the results and gradients of many images, whose pages are fresh in every call of everybody.
    """
    np.empty(31 << 20, np.uint8)


def repetitions(seconds_of):
    """Return how many calls fill `TARGET_SECONDS`, found by doubling, which warms up as well."""
    count, seconds = 1, seconds_of(1)
    while seconds < TARGET_SECONDS / 4:
        count *= 2
        seconds = seconds_of(count)
    return max(1, math.ceil(TARGET_SECONDS * count / seconds))


def error(y, reference):
    """Return (relative L2 error, largest error over the reference's root mean square)."""
    difference = np.asarray(y, np.float64) - reference
    rms = math.sqrt(np.mean(reference * reference))
    return math.sqrt(np.mean(difference * difference)) / rms, float(abs(difference).max()) / rms


def answer(peer, layer, operands, threads=1):
    """Return what `peer` computes, as an NCHW array: a copy, for a buffer goes with its session."""
    with peer.context(threads):
        call, to_numpy = peer.prepare(layer, operands, threads)
        return np.array(to_numpy(call()))


def reference_result(layer, operands, convcore, peers):
    """Return the float64 answer, and who else agrees with it how closely.

    It is convcore's own float64 result, so it is compared with one that shares no code with it:
    SciPy's for filters of one plane, PyTorch's for the rest, where they take part. (PyTorch's
    float64 copies each window: 130 GB for one of 63 x 63.)
    """
    operands = [array.astype(np.float64) for array in operands]
    y = answer(convcore, layer, operands)
    by_name = {peer.name: peer for peer in peers if peer.takes(layer) and not peer.reason(layer)}
    plane = layer.is_image or layer.is_signal
    for name in ("scipy-nd", "scipy-fft") if plane else ("torch",):
        if name in by_name:
            other = answer(by_name[name], layer, operands)
            return y, {"against": name, "max_over_rms": error(other, y)[1]}
    return y, {"against": None, "max_over_rms": None}


class Entry:
    """One library on one layer with one number of threads, ready to be timed."""

    def __init__(self, peer, layer, operands, threads, reference):
        self.peer, self.threads = peer, threads
        self.seconds, self.counts, self.disturbed = [], [], 0
        self.error, self.last = (None, None), 0
        with peer.context(threads):
            self.call, to_numpy = peer.prepare(layer, operands, threads)
            if to_numpy:  # memory alone has no answer
                start = time.perf_counter()
                y = to_numpy(self.call())
                self.last = time.perf_counter() - start
                if y.shape != reference.shape:
                    raise ValueError(f"gave shape {y.shape}, not {reference.shape}")
                self.error = error(y, reference)
            if self.last <= ONE_ROUND_SECONDS:
                self.last = self.seconds_of(1)

    @property
    def finished(self):
        """Whether further rounds are not worth their time."""
        return bool(self.seconds) and self.last > ONE_ROUND_SECONDS

    def seconds_of(self, count):
        """Return the seconds that `count` calls take."""
        return self.peer.time_calls(self.call, count)

    def measure(self, peak, deadline):
        """Append the mean seconds of one call, taken while the cores were free if possible.

        Whether they were is asked before and after; until `deadline` a bad measurement is repeated,
        whatever it said, and one that stays bad is counted as disturbed.
        """
        for _ in range(TRIES):
            free = peak.wait(self.threads, deadline)
            with self.peer.context(self.threads):
                count = repetitions(self.seconds_of) if self.last < LONG_CALL_SECONDS else 1
                self.last = self.seconds_of(count) / count
            settle()
            free = peak.cores_free(self.threads) and free
            if free or time.perf_counter() > deadline:
                break
        self.seconds.append(self.last)
        self.counts.append(count)
        self.disturbed += not free

    def result(self, layer):
        """Return the measurements of `layer` as plain JSON values."""
        q1, median, q3 = (float(v) for v in np.percentile(self.seconds, (25, 50, 75)))
        return {
            "library": self.peer.name,
            "threads": self.threads,
            "median_ms": median * 1e3,
            "q1_ms": q1 * 1e3,
            "q3_ms": q3 * 1e3,
            "rounds_ms": [seconds * 1e3 for seconds in self.seconds],
            "calls": self.counts,
            "disturbed_rounds": self.disturbed,
            "rate": self.peer.work(layer) / median / 1e9,
            "relative_l2_error": self.error[0],
            "max_error_over_rms": self.error[1],
        }


def run_layer(layer, ours, peers, thread_counts, rounds, seconds, peak):
    """Measure one layer; return its record for the JSON file."""
    recycle_memory()
    operands = layer.data()
    reference, check = reference_result(layer, operands, ours[0], peers)
    entries, refused = [], {}
    for peer in (*ours, *peers):
        if not peer.takes(layer):
            continue
        reason = peer.reason(layer)
        if reason:
            refused[peer.name] = reason
            continue
        for threads in thread_counts:
            try:
                entries.append(Entry(peer, layer, operands, threads, reference))
            except Exception as failure:
                if peer is ours[0]:
                    raise
                # Whatever a peer cannot do is news about that peer, not an end of the run.
                refused[peer.name] = f"{type(failure).__name__}: {failure}".splitlines()[0]
                break

    gc.collect()
    gc.disable()
    settle()
    try:
        for entry in entries:  # first those measured once, whose time is not the others'
            if entry.last > ONE_ROUND_SECONDS:
                entry.measure(peak, time.perf_counter() + ONE_ROUND_SECONDS)
        deadline = time.perf_counter() + seconds
        for number in range(rounds):
            if number >= MIN_ROUNDS and time.perf_counter() > deadline:
                break
            first = number * len(entries) // rounds
            for entry in entries[first:] + entries[:first]:
                if not entry.finished:
                    entry.measure(peak, deadline)
    finally:
        gc.enable()

    return {
        **layer.record(),
        "algorithm": ours[0].algorithm(layer, operands),
        "reference_check": check,
        "results": [entry.result(layer) for entry in entries],
        "refused": refused,
    }


def compare(record, ours, threads, peak):
    """Return the row of the table for `threads`, with the share of disturbed measurements."""
    results = [result for result in record["results"] if result["threads"] == threads]
    disturbed = sum(result["disturbed_rounds"] for result in results)
    rounds = sum(len(result["rounds_ms"]) for result in results)
    return {**ratios(record, ours, threads, peak), "disturbed": disturbed / rounds}


def ratios(record, ours, threads, peak):
    """Compare medians: convcore beside PyTorch and the best peer.

    `peak` is the FMA peak of that many threads, or None: the roof of a convolution's rate. That of
    a pooling is the rate of the copy measured beside it. Where weights are used once, reading them
    is another roof. Beside one gradient stand all three: what those not asked for would cost.
    """
    times = {
        result["library"]: result for result in record["results"] if result["threads"] == threads
    }
    own = times["convcore"]
    peers = [result for name, result in times.items() if name not in ours]
    best = min(peers, key=lambda result: result["median_ms"], default=None)
    torch = times.get("torch")
    copy, read, every = times.get("copy"), times.get("read"), times.get("convcore-all")
    roof = peak if record["roof"] == "peak" else copy and copy["rate"]
    row = {
        "layer": record["name"],
        "kind": record["kind"],
        "group": record["group"],
        "image": record["image"],
        "threads": threads,
        "roof_share": own["rate"] / roof if roof else None,
        "read_share": read and read["median_ms"] / own["median_ms"],
        "all_ratio": every and every["median_ms"] / own["median_ms"],
        "best_peer": best and best["library"],
        "best_ratio": best and best["median_ms"] / own["median_ms"],
        "torch_ratio": torch and torch["median_ms"] / own["median_ms"],
    }
    single = [
        result
        for result in record["results"]
        if result["library"] == "convcore" and result["threads"] == 1
    ]
    row["speedup"] = single[0]["median_ms"] / own["median_ms"] if single else None
    return row


def _sets(rows):
    """Yield (name, rows) of each set of layers that a mean is taken over.

    The sets are the groups, and for each kind of layer all and all but the image filters: those
    have one channel, which network libraries are not made for, and their large ratios would hide
    the others. Kinds are never mixed: a mean over convolution and pooling says nothing of either.
    """
    for kind, word in WORDS.items():
        chosen = [row for row in rows if row["kind"] == kind]
        for group in dict.fromkeys(row["group"] for row in chosen):
            yield group, [row for row in chosen if row["group"] == group]
        others = [row for row in chosen if not row["image"]]
        if 0 < len(others) < len(chosen):
            yield f"all {word} but image", others
        if chosen:
            yield f"all {word}", chosen


def geometric_means(rows):
    """Return the geometric means of the ratios per (set of layers, threads)."""
    means = []
    for threads in dict.fromkeys(row["threads"] for row in rows):
        for name, chosen in _sets([row for row in rows if row["threads"] == threads]):
            mean = {"group": name, "threads": threads, "layers": len(chosen)}
            for key in ("best_ratio", "torch_ratio"):
                logs = [math.log(row[key]) for row in chosen if row[key]]
                mean[key] = math.exp(sum(logs) / len(logs)) if logs else None
            means.append(mean)
    return means
