"""The rate of multiply-adds that the cores reach, and whether they are reaching it now."""

import time
from concurrent.futures import ThreadPoolExecutor


class FmaPeak:
    """Measured float32 multiply-add rate of 1 or more threads, in GFLOP/s.

    `probe(itemsize, rounds)` runs independent multiply-adds on one thread, without the GIL, and
    returns the number of operations. The best rate of the whole run is the peak: a disturbed
    sample can only be lower. Lower ones are the use of the samples in between: only they show that
    another program has a core, or that a virtual machine's two processors have come to lie on one
    core, which neither load nor processor time tells. With no probe nothing is known: `best` stays
    empty and the cores are taken to be free.
    """

    SAMPLE_SECONDS = 4e-3
    CALIBRATION_SAMPLES = 20
    FREE = 0.85  # of the best rate; two processors on one core reach 0.5

    def __init__(self, probe, thread_counts):
        self.best = {}
        self._probe = probe
        self._rounds = 1000
        if probe is None:
            return
        self._pool = ThreadPoolExecutor(max(thread_counts))
        while self._run(1)[0] < self.SAMPLE_SECONDS / 2:
            self._rounds *= 2
        for threads in thread_counts:
            for _ in range(self.CALIBRATION_SAMPLES):
                self.cores_free(threads)

    def cores_free(self, threads):
        """Measure for a few milliseconds; tell whether `threads` threads get their cores now."""
        if self._probe is None:
            return True
        seconds, operations = self._run(threads)
        rate = operations / seconds / 1e9
        self.best[threads] = max(rate, self.best.get(threads, 0.0))
        return rate > self.FREE * self.best[threads]

    def wait(self, threads, deadline):
        """Wait until the cores are free, or until `deadline`; tell whether they are."""
        while not self.cores_free(threads):
            if time.perf_counter() > deadline:
                return False
        return True

    def _run(self, threads):
        """Run the probe on that many threads at once; return (seconds, operations).

        This thread takes a share, as it does in an OpenMP region: one that only waited would make
        way for the others too late, and they would start on one core.
        """
        start = time.perf_counter()
        jobs = [self._pool.submit(self._probe, 4, self._rounds) for _ in range(threads - 1)]
        operations = self._probe(4, self._rounds) + sum(job.result() for job in jobs)
        return time.perf_counter() - start, operations
