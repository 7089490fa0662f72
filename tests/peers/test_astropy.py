"""Convolution with missing cells against astropy, where it is installed.

Astropy flips kernels and takes odd ones alone. Its ``nan_treatment="interpolate"`` divides by the
present weights, its ``"fill"`` puts a number in their place.
"""

import numpy as np
import pytest

import convcore
from tests.support.sweeps import each

peer = pytest.importorskip("astropy.convolution", reason="astropy is not installed")

pytestmark = [
    pytest.mark.auto,
    pytest.mark.filterwarnings("ignore:nan_treatment='interpolate'"),
]

BORDERS = {"fill": "zeros", "wrap": "wrap", "extend": "edge"}


class Case:
    def __init__(self, shape, kernel, boundary, missing):
        self.shape, self.kernel, self.boundary, self.missing = shape, kernel, boundary, missing

    def __str__(self):
        return f"{self.shape}-{self.kernel}-{self.boundary}-{self.missing}"

    def arrays(self):
        rng = np.random.default_rng(len(str(self)))
        x = rng.standard_normal(self.shape)
        x[rng.random(self.shape) < self.missing] = np.nan
        return x, rng.uniform(0.1, 1, self.kernel)

    def convolve(self, x, kernel, **options):
        function = getattr(convcore, f"conv{x.ndim}d")
        y = function(
            x[None], kernel[None, None], flip=True, padding="same", nan="ignore",
            border=BORDERS[self.boundary], **options,
        )  # fmt: skip
        return y[0]


CASES = [
    Case(shape, kernel, boundary, missing)
    for shape, kernel in [
        ((40,), (7,)), ((200,), (31,)), ((20, 23), (3, 5)), ((64, 70), (15, 15)),
        ((9, 10, 11), (3, 3, 5)),
    ]
    for boundary in BORDERS
    for missing in (0.0, 0.02, 0.3, 0.9)
]  # fmt: skip


@each(CASES)
def test_interpolate(case):
    x, kernel = case.arrays()
    want = peer.convolve(x, kernel, boundary=case.boundary, nan_treatment="interpolate")
    got = case.convolve(x, kernel) / kernel.sum()  # astropy's kernels sum to 1
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@each(CASES)
def test_fill(case):
    x, kernel = case.arrays()
    want = peer.convolve(
        x, kernel, boundary=case.boundary, nan_treatment="fill", normalize_kernel=False
    )
    got = case.convolve(x, kernel, normalize=False, fill=0)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@each(CASES)
def test_mask(case):
    x, kernel = case.arrays()
    mask = np.isnan(x)
    x = np.where(mask, 5.0, x)
    with np.errstate(all="ignore"):
        want = peer.convolve(x, kernel, boundary=case.boundary, mask=mask)
    function = getattr(convcore, f"conv{x.ndim}d")
    hidden = np.ma.MaskedArray(x, mask)[None]
    got = function(
        hidden, kernel[None, None], flip=True, padding="same", border=BORDERS[case.boundary]
    )
    np.testing.assert_allclose(got[0] / kernel.sum(), want, rtol=1e-12, atol=1e-12)
