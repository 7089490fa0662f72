"""Calls on bytes and for bytes, in bands of rows and images: the bits of one call for all."""

import threading
import tracemalloc

import numpy as np
import pytest

import convcore
from convcore.engine import bands

WORDS = ["zeros", "reflect", "symmetric", "edge", "wrap"]


@pytest.fixture
def in_bands(monkeypatch):
    """Return a function that calls another in bands of some bytes, and says how many there were."""

    def call(function, size):
        taken = []
        own = bands.bands_of

        def counted(*args, **options):
            found = own(*args, **options)
            taken.append(0 if found is None else found.ranges * -(-args[0].batch // found.some))
            return found

        with monkeypatch.context() as patch:
            patch.setattr(bands, "BAND", size)
            patch.setattr("convcore.engine.execute.bands_of", counted)
            patch.setattr("convcore.engine.pooling.bands_of", counted)
            return function(), sum(taken)

    return call


def random_problem(rng):
    """Return (x, layout, options of a window) of bytes or shorts."""
    layout = rng.choice(["NCHW", "NHWC"])
    n, c, h, w = (int(rng.integers(*limits)) for limits in ((1, 4), (1, 5), (90, 120), (40, 70)))
    kind = rng.choice([np.uint8, np.int8, np.uint16, np.int16])
    limits = np.iinfo(kind)
    shape = (n, c, h, w) if layout == "NCHW" else (n, h, w, c)
    x = rng.integers(limits.min, limits.max, shape, dtype=kind, endpoint=True)
    if rng.random() < 0.3:  # neither contiguous nor in the machine's byte order
        x = x[:, ::-1].astype(x.dtype.newbyteorder())
    return x, str(layout), c


@pytest.mark.parametrize("seed", range(40))
def test_convolutions_have_the_bits_of_one_call(in_bands, seed):
    rng = np.random.default_rng(seed)
    x, layout, c = random_problem(rng)
    groups = int(rng.choice([1, c]))
    kernels = groups * int(rng.integers(1, 3))
    taps = rng.integers(1, 6, 2)
    weight = rng.standard_normal((kernels, c // groups, *taps)).astype(np.float32)
    bias = rng.standard_normal(kernels).astype(np.float32)
    border = [str(word) for word in rng.choice(WORDS, 2)]
    options = {
        "stride": tuple(rng.integers(1, 3, 2).tolist()),
        "dilation": tuple(rng.integers(1, 3, 2).tolist()),
        "padding": rng.integers(0, 4, (2, 2)).tolist(),
        "border": float(rng.integers(9)) if rng.random() < 0.2 else border,
        "groups": groups,
        "layout": layout,
    }
    for kind in (None, np.uint8, np.int16):

        def call(kind=kind):
            shape = convcore.conv2d(x, weight, **options).shape if kind else None
            out = np.zeros(shape, kind) if kind else None
            return convcore.conv2d(x, weight, bias, out=out, **options)

        whole, none = in_bands(call, 1 << 40)
        parts, count = in_bands(call, 1 << 11)
        assert (none, count > 1) == (0, True)
        np.testing.assert_array_equal(parts, whole, strict=True)


@pytest.mark.parametrize("seed", range(40))
def test_poolings_have_the_bits_of_one_call(in_bands, seed):
    rng = np.random.default_rng(seed)
    x, layout, _ = random_problem(rng)
    kernel = tuple(rng.integers(1, 20, 2).tolist())
    options = {
        "stride": tuple(rng.integers(1, 3, 2).tolist()),
        "padding": [(k // 2, (k - 1) // 2) for k in kernel],
        "layout": layout,
    }
    pools = [convcore.avg_pool2d, convcore.l2_pool2d]
    for pool in pools:
        for kind in (None, x.dtype.type):

            def call(pool=pool, kind=kind):
                out = np.zeros(pool(x, kernel, **options).shape, kind) if kind else None
                return pool(x, kernel, out=out, **options)

            whole, none = in_bands(call, 1 << 40)
            parts, count = in_bands(call, 1 << 11)
            assert none == 0
            assert count > 0 or kernel[0] > 8
            np.testing.assert_array_equal(parts, whole, strict=True)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_signal_and_a_volume(in_bands, threads):
    rng = np.random.default_rng(0)
    signal = rng.integers(-99, 99, (2, 3, 4000)).astype(np.int16)
    volume = rng.integers(0, 256, (1, 30, 20, 20)).astype(np.uint8)
    for function, x, taps in ((convcore.conv1d, signal, 3), (convcore.conv3d, volume, 2)):
        axes = 1 if x is signal else 3
        weight = rng.standard_normal((2, x.shape[-axes - 1], *(taps,) * axes)).astype(np.float32)

        def call(function=function, x=x, weight=weight):
            return function(x, weight, padding="same", threads=threads)

        whole, parts = in_bands(call, 1 << 40)[0], in_bands(call, 1 << 11)
        assert parts[1] > 1
        np.testing.assert_array_equal(parts[0], whole, strict=True)


def test_a_result_in_the_place_of_its_input(in_bands):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (1, 64, 64)).astype(np.uint8)
    weight = np.ones((1, 1, 3, 3), np.float32) / 9
    wanted = convcore.conv2d(x, weight, padding=1, out=np.zeros_like(x))

    def call():
        own = x.copy()
        return convcore.conv2d(own, weight, padding=1, out=own)

    parts, count = in_bands(call, 1 << 11)
    assert count > 4  # of a copy: a band would read what another has written
    np.testing.assert_array_equal(parts, wanted)


def test_a_slice_takes_the_result(in_bands):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    weight = rng.standard_normal((3, 1, 3, 3)).astype(np.float32)
    canvas = np.full((70, 70, 4), 7, np.uint8)

    def call():
        out = canvas[3:67, 3:67, 1:]
        return convcore.conv2d(x, weight, padding=1, groups=3, layout="NHWC", out=out)

    whole = in_bands(call, 1 << 40)[0].copy()
    canvas[:] = 7
    parts, count = in_bands(call, 1 << 11)
    assert count > 4
    np.testing.assert_array_equal(parts, whole)
    canvas[3:67, 3:67, 1:] = 7
    assert (canvas == 7).all()


def test_a_photograph_takes_no_more_memory_than_its_bands():
    x = np.zeros((1500, 1500, 3), np.uint8)
    weight = np.ones((3, 1, 5, 5), np.float32)
    out = np.empty_like(x)
    for call in (
        lambda: convcore.conv2d(x, weight, padding=2, groups=3, layout="NHWC", out=out, threads=1),
        lambda: convcore.avg_pool2d(x, 5, 1, 2, layout="NHWC", out=out, threads=1),
    ):
        call()
        tracemalloc.start()
        call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 * bands.BAND < 4 * x.size  # the whole in float32


def test_wrong_arguments_are_refused_as_for_small_arrays(in_bands):
    x = np.zeros((1, 64, 64), np.uint8)
    weight = np.ones((1, 1, 3, 3), np.float32)
    for out, error, words in (
        (np.zeros((1, 61, 62), np.uint8), ValueError, "out must have shape"),
        (np.zeros((1, 62, 62), np.int32), TypeError, "out must have dtype"),
        ([0], TypeError, "out must be a NumPy array"),
    ):
        with pytest.raises(error, match=f"conv2d: {words}"):
            in_bands(lambda out=out: convcore.conv2d(x, weight, out=out), 1 << 11)
        with pytest.raises(error, match=f"avg_pool2d: {words}"):
            in_bands(lambda out=out: convcore.avg_pool2d(x, 3, 1, out=out), 1 << 11)


def test_a_fault_in_a_thread_is_the_caller_s(in_bands, monkeypatch):
    x = np.zeros((1, 200, 64), np.uint8)
    weight = np.ones((1, 1, 3, 3), np.float32)
    main = threading.current_thread()
    own = bands._Room.of

    def of(room, shape):
        if threading.current_thread() is not main:
            raise MemoryError("none")
        return own(room, shape)

    monkeypatch.setattr(bands._Room, "of", of)
    before = threading.active_count()
    with pytest.raises(MemoryError, match="conv2d: "):
        in_bands(lambda: convcore.conv2d(x, weight, threads=2), 1 << 11)
    assert threading.active_count() == before


def test_an_interrupted_call_leaves_no_thread(in_bands, monkeypatch):
    x = np.zeros((1, 200, 64), np.uint8)
    weight = np.ones((1, 1, 3, 3), np.float32)
    main = threading.current_thread()
    own = bands._Room.of

    def of(room, shape):
        if threading.current_thread() is main:
            raise KeyboardInterrupt
        return own(room, shape)

    monkeypatch.setattr(bands._Room, "of", of)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        in_bands(lambda: convcore.conv2d(x, weight, threads=3), 1 << 11)
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_bits_do_not_depend_on_threads(in_bands, threads):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (240, 90, 3)).astype(np.uint8)
    weight = rng.standard_normal((3, 1, 5, 3)).astype(np.float32)
    for call in (
        lambda n: convcore.conv2d(x, weight, padding=2, groups=3, layout="NHWC", threads=n),
        lambda n: convcore.avg_pool2d(
            x, 5, (1, 2), 2, layout="NHWC", out=np.zeros((240, 45, 3), np.uint8), threads=n
        ),
    ):
        whole = in_bands(lambda call=call: call(1), 1 << 40)[0]
        parts, count = in_bands(lambda call=call: call(threads), 1 << 11)
        assert count > 7
        np.testing.assert_array_equal(parts, whole, strict=True)
