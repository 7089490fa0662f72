"""The speed of a plain copy: the roof of a pooling, as the multiply-adds are of a convolution."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from .machine import usable_cpus
from .peers import Peer, time_calls


class Copy(Peer):
    """A copy that moves as many bytes as the layer has to: it reads one half and writes the other.

    It is measured like a library, in the same rounds, but computes nothing and so has no answer.
    Each thread copies a share of its own over and over: a hand-over between Python's threads takes
    longer than many of these copies, so there is one for a whole measurement, not one for each
    call. `copyto` does not hold the GIL.
    """

    name = "copy"
    about = "numpy.copyto, as many bytes as the pooling has to move; no peer"
    package = "numpy"
    kinds = ("pool",)

    def __init__(self):
        super().__init__()
        self._pool = ThreadPoolExecutor(usable_cpus())

    def prepare(self, layer, operands, threads):
        """Return one call for each thread, and None for there is no result."""
        source = np.ones(layer.bytes_moved // 8, np.float32)
        target = np.zeros_like(source)
        shares = zip(np.array_split(target, threads), np.array_split(source, threads), strict=True)
        return [partial(np.copyto, *share) for share in shares], None

    def time_calls(self, call, count):
        """Return the seconds until every thread has made its call `count` times.

        This thread takes a share: one that only waited would make way for the others too late.
        """
        first, *others = call
        start = time.perf_counter()
        jobs = [self._pool.submit(time_calls, other, count) for other in others]
        time_calls(first, count)
        for job in jobs:
            job.result()
        return time.perf_counter() - start
