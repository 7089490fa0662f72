"""What every fast algorithm keeps: its error, its bits, and where numbers that are not finite go.

A module of tests makes a `Fast` with its layers and calls the checks that it wants.
"""

from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pytest

import convcore
from convcore import _core
from convcore.engine.plan import conv_plan

FLOATS = [np.float32, np.float64]
MOST = {np.float32: 1e-6, np.float64: 1e-14}  # relative L2, what the accuracy page says
SPECIAL = [np.nan, np.inf, -np.inf, 1e38, 3e38]
LAYOUTS = {"conv1d": ("NCW", "NWC"), "conv2d": ("NCHW", "NHWC"), "conv3d": ("NCDHW", "NDHWC")}
SIGNALLING = {np.float32: 0x7FA000007FA00000, np.float64: 0x7FF4000000000000}


class Layer(NamedTuple):
    """An operator's name, the shapes of its operands, and its options."""

    op: str
    x: tuple
    weight: tuple
    options: dict


def error(got, want):
    return np.linalg.norm(got - want) / np.linalg.norm(want)


def channels_last(x):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def normal(_, generator, shape):
    """Weights of a layer, whatever its name."""
    return generator.standard_normal(shape)


def operands(x, weight, dtype, seed=0, weights=normal, name=None):
    """Random x, weight and bias of these shapes."""
    generator = np.random.default_rng(seed)
    x, weight, bias = (
        generator.standard_normal(x),
        weights(name, generator, weight),
        generator.standard_normal(weight[0]),
    )
    return x.astype(dtype), weight.astype(dtype), bias.astype(dtype)


@contextmanager
def at(level):
    """Calls in the block use this instruction set."""
    before = _core.isa()
    _core.choose_isa(level)
    try:
        yield
    finally:
        _core.choose_isa(before)


class Fast:
    """A fast algorithm and its layers.

    `weights(name, generator, shape)` makes a layer's kernels; direct sums of those that are named
    in `same` have the same bits.
    """

    def __init__(self, algorithm, layers, weights=normal, same=()):
        self.algorithm, self.weights, self.same = algorithm, weights, same
        self.layers = {name: Layer(*layer) for name, layer in layers.items()}

    def operands(self, name, dtype, seed=0):
        """x, weight and bias."""
        layer = self.layers[name]
        return operands(layer.x, layer.weight, dtype, seed, self.weights, name)

    def run(self, name, arrays, algorithm=None, **more):
        op, _, _, options = self.layers[name]
        call, algorithm = getattr(convcore, op), algorithm or self.algorithm
        return call(*arrays, **options, algorithm=algorithm, **more)

    def check_error(self, name, dtype):
        arrays = self.operands(name, dtype)
        want = self.run(name, [a.astype(np.float64) for a in arrays], "direct")
        got = self.run(name, arrays)
        assert got.dtype == dtype
        assert error(got, want) < MOST[dtype]
        if got.size > 9 and name not in self.same:  # it was not computed directly
            assert not np.array_equal(got, self.run(name, arrays, "direct"))

    def check_error_at(self, level):
        if level == _core.isa():
            pytest.skip("other tests use this instruction set")
        with at(level):
            for name in self.layers:
                for dtype in FLOATS:
                    self.check_error(name, dtype)

    def check_bits(self, name, dtype):
        """They depend on one image: not on threads, layout or batch."""
        x, weight, bias = self.operands(name, dtype)
        want = self.run(name, (x, weight, bias), threads=1)
        for threads in (2, 3, 7):
            got = self.run(name, (x, weight, bias), threads=threads)
            assert got.tobytes() == want.tobytes(), threads
        layout = LAYOUTS[self.layers[name].op][1]
        got = self.run(name, (channels_last(x), weight, bias), layout=layout)
        assert np.moveaxis(got, -1, 1).tobytes() == want.tobytes()
        for image in range(len(x)):
            one = self.run(name, (x[image : image + 1], weight, bias))
            assert one.tobytes() == want[image : image + 1].tobytes()
        assert self.run(name, (x[-1], weight, bias)).tobytes() == one.tobytes()

    def check_bits_at(self, first, second, dtype):
        """Two instruction sets give the same."""
        for name in self.layers:
            arrays = self.operands(name, dtype)
            with at(first):
                want = self.run(name, arrays)
            with at(second):
                assert self.run(name, arrays).tobytes() == want.tobytes(), name

    def check_packed(self, name, dtype=np.float32):
        """Weights that were packed once give the same bits; so does what is computed again."""
        op, _, _, options = self.layers[name]
        x, weight, bias = self.operands(name, dtype)
        plan = conv_plan(
            op, x, weight, axes=x.ndim - 2, layout=LAYOUTS[op][0], algorithm=self.algorithm,
            **{k: v for k, v in options.items() if k != "flip"},
        )  # fmt: skip
        if options.get("flip"):  # a plan takes kernels flipped
            weight = np.ascontiguousarray(np.flip(weight, tuple(range(2, weight.ndim))))
        prepared = plan.prepare(weight, bias)
        for value in (1, np.nan):
            x[0, 0, ..., 0] = value
            given = np.flip(weight, tuple(range(2, weight.ndim))) if "flip" in options else weight
            want = self.run(name, (x, given, bias))
            for threads in (1, 2):
                y = np.empty(plan.y_shape, dtype)
                plan.run(x, *prepared, y, threads=threads)
                assert y.tobytes() == want.tobytes()
        weight[:] = 0
        plan.run(x, *prepared, y, threads=1)
        assert y.tobytes() == want.tobytes()

    def check_not_finite(self, name, arrays, layout=0, near=np.inf, lost=0):
        """NaN and infinities are where direct sums have them; others lose what the class says.

        Outputs below `near` are compared as those of ordinary inputs are, larger ones one by one;
        each of them may lose `lost`.
        """
        x, weight, bias = arrays
        options = {"layout": LAYOUTS[self.layers[name].op][layout]}
        x = channels_last(x) if layout else x
        with np.errstate(all="ignore"):
            got = self.run(name, (x, weight, bias), **options)
            want = self.run(name, (x, weight, bias), "direct", **options)
            one = self.run(name, (x[:1], weight, bias), **options)
        assert one.tobytes() == got[:1].tobytes()
        assert np.array_equal(np.isnan(got), np.isnan(want))
        finite = np.isfinite(want)
        assert np.array_equal(got[~finite], want[~finite], equal_nan=True)
        got, want = (a[finite].astype(np.longdouble) for a in (got, want))
        small = abs(want) < near
        if want[small].any():
            assert error(got[small], want[small]) < MOST[x.dtype.type]
        assert np.allclose(got[~small], want[~small], rtol=1e-5, atol=lost)

    def check_refused(self, x, weight, options, reason):
        op = f"conv{len(weight) - 2}d"
        text = rf"{op}: algorithm must be .*'{self.algorithm}': .*{reason}"
        with pytest.raises(ValueError, match=text):
            getattr(convcore, op)(np.ones(x), np.ones(weight), **options, algorithm=self.algorithm)
        with convcore.set_algorithm(self.algorithm):  # is used where it can
            got = getattr(convcore, op)(np.ones(x), np.ones(weight), **options)
        want = getattr(convcore, op)(np.ones(x), np.ones(weight), **options, algorithm="direct")
        assert np.array_equal(got, want)

    def check_integers(self, x, weight, **options):
        """They are computed directly; all sums are exact."""
        generator = np.random.default_rng(0)
        op = f"conv{len(weight) - 2}d"
        call = getattr(convcore, op)
        x, weight = (generator.integers(-1000, 1000, s, np.int32) for s in (x, weight))
        want = call(x, weight, **options, algorithm="direct")
        assert np.array_equal(call(x, weight, **options), want)
        assert np.array_equal(want, want.round())
        with pytest.raises(ValueError, match="integers are computed directly"):
            call(x, weight, **options, algorithm=self.algorithm)
        bools = call(x > 0, weight > 0, **options, algorithm="direct")
        with convcore.set_algorithm(self.algorithm):
            assert np.array_equal(call(x, weight, **options), want)
            assert np.array_equal(call(x > 0, weight > 0, **options), bools)

    def check_input_gradient(self, name, dtype, algorithm=None):
        """Return it."""
        op, _, _, options = self.layers[name]
        options = {**options, "needs": (True, False, False)}
        x, weight, bias = self.operands(name, dtype)
        back, algorithm = getattr(convcore, f"{op}_backward"), algorithm or self.algorithm
        grad = self.run(name, (x, weight, bias))
        wide = [a.astype(np.float64) for a in (grad, x, weight)]
        want = back(*wide, **options, algorithm="direct")[0]
        got = back(grad, x, weight, **options, algorithm=algorithm)[0]
        assert error(got, want) < MOST[dtype]
        for threads in (1, 2, 3, 7):
            again = back(grad, x, weight, **options, algorithm=algorithm, threads=threads)[0]
            assert again.tobytes() == got.tobytes()
        return got

    def check_scratch(self, dtype):
        """It is not read before it is written."""
        for name in self.layers:
            arrays = self.operands(name, dtype)
            _core.watch_scratch(SIGNALLING[dtype])
            try:
                _core.scratch_was_used()
                for threads in (1, 3):
                    self.run(name, arrays, threads=threads)
                    assert not _core.scratch_was_used(), name
            finally:
                _core.watch_scratch(0)

    def check_out(self, name, dtype):
        """The result may be written into the memory of the input, shifted or not, and strided."""
        x, weight, bias = self.operands(name, dtype)
        want = self.run(name, (x, weight, bias))
        memory = np.zeros(x.size + want.size + 7, dtype)
        for shift in (0, 3, max(0, x.size - want.size)):
            memory[: x.size] = x.ravel()
            out = memory[shift : shift + want.size].reshape(want.shape)
            got = self.run(name, (memory[: x.size].reshape(x.shape), weight, bias), out=out)
            assert got is out
            assert out.tobytes() == want.tobytes(), shift
        out = np.zeros((*want.shape[:-1], 2 * want.shape[-1]), dtype)[..., ::2]
        assert self.run(name, (x, weight, bias), out=out).tobytes() == want.tobytes()

    def check_bound(self, name):
        """`error_bound` is above each error."""
        options = self.layers[name].options
        for dtype in FLOATS:
            x, weight, bias = self.operands(name, dtype)
            x = np.round(x * 2**20) / dtype(2**20)
            # float64 holds sums of short numbers; what those of long ones lose is 2**-20 of that
            wide = weight.astype(np.float64)
            short = np.round(wide * 2**20) / 2**20
            exact = sum(
                self.run(name, (x.astype(np.float64), part), "direct").astype(np.longdouble)
                for part in (short, wide - short)
            )
            exact += bias.astype(np.longdouble).reshape(-1, *(1,) * (x.ndim - 2))
            bound = convcore.error_bound(x, weight, bias, **options, algorithm=self.algorithm)
            assert (bound.shape, bound.dtype) == (exact.shape, np.float64)
            assert (abs(self.run(name, (x, weight, bias)) - exact) <= bound).all()
            assert np.isfinite(bound).all()
