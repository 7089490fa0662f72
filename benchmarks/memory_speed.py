"""What memory allows: the speed of a plain copy, and of reading alone.

The copy is the roof of a pooling, as the multiply-adds are of a convolution; reading is that of a
local layer with one image, which uses each of its many weights once.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from .layers import OPS, POOLS
from .machine import usable_cpus
from .peers import Peer, time_calls


class Memory(Peer):
    """Something done to memory alone: measured like a library, in the same rounds, but no peer.

    It computes nothing and so has no answer. Each thread works on a share of its own over and over:
    a hand-over between Python's threads takes longer than many of these calls, so there is one for
    a whole measurement, not one for each call. NumPy does not hold the GIL meanwhile.
    """

    package = "numpy"

    def __init__(self):
        super().__init__()
        self._pool = ThreadPoolExecutor(usable_cpus())

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


class Copy(Memory):
    """As many bytes moved as the layer has to move: one half read, the other half written."""

    name = "copy"
    about = "numpy.copyto, as many bytes as the pooling has to move; no peer"
    ops = POOLS

    def prepare(self, layer, operands, threads):
        """Return one call for each thread, and None for there is no result."""
        source = np.ones(layer.bytes_moved // 8, np.float32)
        target = np.zeros_like(source)
        shares = zip(np.array_split(target, threads), np.array_split(source, threads), strict=True)
        return [partial(np.copyto, *share) for share in shares], None


class Read(Memory):
    """As many bytes read as the layer has weights that it uses once.

    A maximum is the reduction of NumPy that reads fastest. Checked on one thread of a Zen 4 against
    a loop in C of AVX-512 loads (one, two and four streams, with and without prefetch, on large
    pages, which NumPy asks for too): 100 and 116 MB at 31 to 32 GB/s where the loop reached 26 to
    30; `sum` reached 24, `dot`, which may use more threads than asked for, 30 to 32. In the
    L2 cache 82 where the loop reached 118: small arrays have a higher roof than this.
    """

    name = "read"
    about = "numpy.max, as many bytes as a local layer with one image has weights; no peer"
    ops = OPS

    def takes(self, layer):
        """Tell whether the speed of `layer` is that of reading its weights."""
        return layer.bytes_seen_once > 0

    def work(self, layer):
        """Return the bytes."""
        return layer.bytes_seen_once

    def prepare(self, layer, operands, threads):
        """Return one call for each thread, and None for there is no result."""
        source = np.ones(layer.bytes_seen_once // 4, np.float32)
        return [share.max for share in np.array_split(source, threads)], None


MEMORY = (Copy, Read)
