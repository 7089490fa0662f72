"""Numbers made from integers by hashing: the same on every machine and with every NumPy.

Neither a generator of NumPy, whose stream may change, nor a function of the C library takes part.
"""

from math import prod

import numpy as np

_GOLDEN = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio


def hashed(seed, count):
    """`count` integers of 64 bits: splitmix64 from `seed` on (Steele, Lea and Flood 2014)."""
    z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
    z += np.uint64(seed * 0xD1342543DE82EF95 % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def integers(seed, shape, low, high):
    """Integers from `low` to `high` - 1, as int64."""
    drawn = hashed(seed, prod(shape)) >> np.uint64(33)
    return (low + (drawn % np.uint64(high - low)).astype(np.int64)).reshape(shape)


def fractions(seed, shape):
    """Numbers between -1 and 1 with 53 bits, as float64."""
    drawn = hashed(seed, prod(shape)) >> np.uint64(11)
    return (drawn.astype(np.float64) * 2.0**-52 - 1).reshape(shape)
