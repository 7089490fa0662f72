"""The list of kernels. What each computes is compared in tests/operators/test_conv_reference.py."""

from convcore import _core


def test_kernels_are_listed():
    assert {"direct_igemm", "direct_ow", "transpose", "copy"} <= set(_core.kernel_names())
