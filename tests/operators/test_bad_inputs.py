"""Inputs that broke other libraries. They run in processes of their own, so that a crash of the
interpreter is one failed test.

A refusal has to be a ValueError, TypeError or MemoryError whose text names the operation, the
argument and the value; anything else has to be the right result. The numbers are the rows of the
list of precedents that these inputs were collected from (issues and CVEs of other libraries).
"""

import json
import os

import pytest

from tests.tables.bad_inputs import BASE, TOO_LARGE, WRONG_KIND, assert_refused, evaluate, row

PRELUDE = BASE + """
from convcore import conv1d, conv2d, conv3d, convolve, correlate

X1, W1 = ones(1, 2, 7), ones(3, 2, 3)
X, W, B = ones(1, 2, 7, 8), ones(3, 2, 3, 3), ones(3)
X3, W3 = ones(1, 2, 5, 6, 7), ones(3, 2, 3, 3, 3)
"""

ROWS = [
    # A stride of zero divides by it; a negative one with a huge kernel did too.
    row(1, "conv1d(X1, W1, stride=0)", "conv1d", "stride", "0"),
    row(1, "conv2d(X, W, stride=0)", "conv2d", "stride", "0"),
    row(1, "conv2d(X, W, stride=(1, 0))", "conv2d", "stride", "0"),
    row(1, "conv3d(X3, W3, stride=(0, 1, 1))", "conv3d", "stride", "0"),
    row(3, "conv2d(X, W, stride=-1)", "conv2d", "stride", "-1"),
    row(3, "conv2d(X, ones(3, 2, 999, 999), stride=-2)", "conv2d", "stride", "-2"),
    row(3, "conv2d(X, many(3, 2, 2**28, 2**28), stride=-1)", "conv2d", "stride", "-1"),
    row(3, "conv2d(X, W, stride=-2**63)", "conv2d", "stride", str(-2**63)),
    # Groups.
    row(4, "conv2d(X, W, groups=0)", "conv2d", "groups", "0"),
    row(4, "conv2d(X, W, groups=-1)", "conv2d", "groups", "-1"),
    row(4, "conv1d(X1, W1, groups=-2**63)", "conv1d", "groups", str(-2**63)),
    row(4, "conv2d(X, W, groups=2**31)", "conv2d", "groups", str(2**31)),
    row(4, "conv2d(X, W, groups=2**64 + 1)", "conv2d", "groups", str(2**64 + 1)),
    row(4, "conv2d(X, W, groups=1.0)", "conv2d", "groups", "1.0", error=WRONG_KIND),
    row(5, "conv2d(ones(1, 6, 5, 5), ones(4, 1, 3, 3), groups=4)", "conv2d", "groups", "6", "4"),
    row(5, "conv2d(ones(1, 6, 5, 5), ones(5, 2, 3, 3), groups=3)", "conv2d", "groups", "5", "3"),
    row(5, "conv2d(ones(1, 2, 5, 5), ones(4, 0, 3, 3), groups=4)", "conv2d", "groups", "2", "4"),
    row(5, "conv2d(ones(1, 6, 5, 5), ones(4, 5, 3, 3))", "conv2d", "weight", "6", "5"),
    row(5, "conv2d(ones(1, 6, 5, 5), ones(4, 6, 3, 3), groups=2)", "conv2d", "weight", "6"),
    row(5, "conv2d(ones(1, 6, 5, 5), ones(4, 6, 3, 3), layout='NHWC')", "conv2d", "5", "6"),
    # Kernels without cells, and kernels larger than what they shall move over.
    row(6, "conv2d(X, ones(3, 2, 0, 3))", "conv2d", "weight", "(3, 2, 0, 3)"),
    row(6, "conv1d(X1, ones(3, 2, 0))", "conv1d", "weight", "(3, 2, 0)"),
    row(6, "conv3d(X3, ones(3, 2, 3, 3, 0), padding=3)", "conv3d", "weight", "(3, 2, 3, 3, 0)"),
    row(6, "conv2d(X, ones(0, 2, 0, 0))", "conv2d", "weight", "(0, 2, 0, 0)"),
    row(9, "conv2d(ones(1, 2, 0, 5), W)", "conv2d", "0", "3"),
    row(9, "conv2d(ones(1, 2, 0, 5), W, padding=1)", "conv2d", "2", "3"),
    row(9, "conv2d(ones(1, 2, 0, 5), W, padding='same')", "conv2d", "x", "0"),
    row(9, "conv2d(ones(1, 2, 0, 5), W, padding=2, border='edge')", "conv2d", "border", "edge"),
    row(9, "conv1d(ones(1, 2, 0), W1, padding=2, border='wrap')", "conv1d", "border", "wrap"),
    row(10, "conv2d(X, ones(3, 2, 8, 3))", "conv2d", "7", "8"),
    row(10, "conv2d(X, ones(3, 2, 3, 11), padding=1)", "conv2d", "padding", "8", "11"),
    row(10, "conv2d(X, W, dilation=4)", "conv2d", "dilation", "9"),
    row(10, "conv1d(X1, ones(3, 2, 8))", "conv1d", "7", "8"),
    row(10, "conv3d(X3, ones(3, 2, 6, 1, 1))", "conv3d", "5", "6"),
    row(10, "conv2d(ones(0, 2, 2, 2), W)", "conv2d", "2", "3"),
    row(10, "conv2d(ones(1, 0, 2, 2), ones(3, 0, 3, 3))", "conv2d", "2", "3"),
    # Numbers beyond 32 and 64 bits; sizes whose product is.
    row(12, "conv2d(X, W, stride=2**63)", "conv2d", "stride", str(2**63)),
    row(12, "conv2d(X, W, stride=10**30)", "conv2d", "stride", str(10**30)),
    row(12, "conv1d(X1, W1, stride=2**64)", "conv1d", "stride", str(2**64)),
    row(13, "conv2d(X, W, dilation=2**62)", "conv2d", "dilation", str(2**62)),
    row(13, "conv2d(X, W, dilation=HUGE)", "conv2d", "dilation", str(2**63 - 1)),
    row(13, "conv2d(X, W, dilation=2**63 + 1)", "conv2d", "dilation", str(2**63 + 1)),
    row(13, "conv1d(X1, W1, dilation=2**64 + 1)", "conv1d", "dilation", str(2**64 + 1)),
    row(13, "conv2d(X, W, dilation=2**62, padding='full')", "conv2d", "dilation",
        error=TOO_LARGE),
    row(13, "conv2d(X, W, dilation=2**62, padding='same')", "conv2d", "dilation",
        error=TOO_LARGE),
    row(13, "conv2d(X, W, dilation=0)", "conv2d", "dilation", "0"),
    row(13, "conv2d(X, W, dilation=(1, -2))", "conv2d", "dilation", "-2"),
    row(14, "conv2d(X, W, padding=2**62)", "conv2d", "padding", str(2**62), error=TOO_LARGE),
    row(14, "conv2d(X, W, padding=HUGE)", "conv2d", "padding", str(2**63 - 1), error=TOO_LARGE),
    row(14, "conv2d(X, W, padding=2**64)", "conv2d", "padding", str(2**64)),
    row(14, "conv2d(X, W, padding=2**40)", "conv2d", "padding", str(2**40), error=TOO_LARGE),
    row(14, "conv3d(X3, W3, padding=2**31)", "conv3d", "padding", str(2**31), error=TOO_LARGE),
    row(14, "conv2d(X, W, padding=((0, HUGE), (0, 0)))", "conv2d", "padding", str(2**63 - 1),
        error=TOO_LARGE),
    row(14, "conv1d(X1, W1, padding=2**40)", "conv1d", "padding", str(2**40), error=TOO_LARGE),
    row(14, "conv2d(X, W, padding=2**40, border='wrap')", "conv2d", "padding", str(2**40),
        error=TOO_LARGE),
    row(14, "conv2d(X, W, padding=2**62, stride=HUGE)", "conv2d", "padding", str(2**62),
        error=TOO_LARGE),
    row(14, "conv2d(many(2**40, 2, 7, 8), W)", "conv2d", str(2**40), error=TOO_LARGE),
    row(14, "conv2d(X, many(2**45, 2, 3, 3))", "conv2d", str(2**45), error=TOO_LARGE),
    row(14, "conv1d(many(1, 2, 2**45), W1)", "conv1d", str(2**45), error=TOO_LARGE),
    row(14, "conv1d(many(1, 1, 2**42), ones(1, 1, 3), stride=2**40)", "conv1d", "x", str(2**42),
        error=TOO_LARGE),
    row(14, "conv1d(many(1, 2**42, 3), many(1, 2**42, 3))", "conv1d", str(2**42),
        error=TOO_LARGE),
    row(14, "convolve(many(2**45), ones(3))", "convolve", str(2**45), error=TOO_LARGE),
    # Padding: negative, of the wrong length, of the wrong kind.
    row(19, "conv2d(X, W, padding=-1)", "conv2d", "padding", "-1"),
    row(19, "conv2d(X, W, padding=(0, -3))", "conv2d", "padding", "-3"),
    row(19, "conv2d(X, W, padding=((0, -1), (0, 0)))", "conv2d", "padding", "-1"),
    row(19, "conv1d(X1, W1, padding=((-2, 5),))", "conv1d", "padding", "-2"),
    row(19, "conv3d(X3, W3, padding=-2**63)", "conv3d", "padding", str(-2**63)),
    row(20, "conv2d(X, W, padding=())", "conv2d", "padding", "()"),
    row(20, "conv2d(X, W, padding=[])", "conv2d", "padding", "[]"),
    row(20, "conv2d(X, W, padding=(1,))", "conv2d", "padding", "(1,)"),
    row(20, "conv2d(X, W, padding=(1, 2, 3))", "conv2d", "padding", "(1, 2, 3)"),
    row(20, "conv2d(X, W, padding=((1, 1),))", "conv2d", "padding", "((1, 1),)"),
    row(20, "conv2d(X, W, padding=((1,), (1,)))", "conv2d", "padding", "((1,), (1,))"),
    row(20, "conv2d(X, W, padding=((1, 2, 3), (1, 2, 3)))", "conv2d", "padding", "(1, 2, 3)"),
    row(20, "conv2d(X, W, padding=(((1, 2), (1, 2)),))", "conv2d", "padding", error=WRONG_KIND),
    row(20, "conv1d(X1, W1, padding=(1, 2))", "conv1d", "padding", "(1, 2)"),
    # what was meant
    row(20, "conv1d(X1, W1, padding=(2, 3))", "conv1d", "would be ((2, 3),)"),
    row(20, "conv1d(X1, W1, padding=np.array([2, 3]))", "conv1d", "would be ((2, 3),)"),
    row(20, "conv2d(X, W, padding=(1, 2, 3, 4))", "conv2d", "would be ((1, 2), (3, 4))",
        "PyTorch's F.pad lists the last axis first", "ONNX all befores first"),
    row(20, "conv3d(X3, W3, padding=[1, 2, 3, 4, 5, 6])", "conv3d",
        "would be ((1, 2), (3, 4), (5, 6))"),
    # what is equal to an option, and none
    row(20, "conv2d(X, W, padding=(1, True))", "conv2d", "padding", "True", error=WRONG_KIND),
    row(20, "conv2d(X, W, padding=((0, 1), (1.0, 1)))", "conv2d", "padding", "1.0",
        error=WRONG_KIND),
    row(20, "conv2d(X, W, padding=((0, 1), (1, -1)))", "conv2d", "padding", "-1"),
    row(20, "conv2d(X, W, padding=(0, 2**63))", "conv2d", "padding", str(2**63)),
    row(1, "conv2d(X, W, stride=(1, True))", "conv2d", "stride", "True", error=WRONG_KIND),
    row(1, "conv2d(X, W, dilation=(1.0, 1))", "conv2d", "dilation", "1.0", error=WRONG_KIND),
    row(20, "conv3d(X3, W3, padding=(1, 2))", "conv3d", "padding", "(1, 2)"),
    row(20, "conv2d(X, W, stride=())", "conv2d", "stride", "()"),
    row(20, "conv2d(X, W, stride=(1, 1, 1))", "conv2d", "stride", "(1, 1, 1)"),
    row(20, "conv2d(X, W, dilation=(2,))", "conv2d", "dilation", "(2,)"),
    row(20, "conv2d(X, W, padding='SAME')", "conv2d", "padding", "SAME"),
    row(20, "conv2d(X, W, padding='')", "conv2d", "padding", "''"),
    row(20, "conv2d(X, W, padding='11')", "conv2d", "padding", "11"),
    row(20, "conv2d(X, W, padding=None)", "conv2d", "padding", "None", error=WRONG_KIND),
    row(20, "conv2d(X, W, padding=1.5)", "conv2d", "padding", "1.5", error=WRONG_KIND),
    row(20, "conv2d(X, W, padding=(1.0, 1.0))", "conv2d", "padding", "1.0", error=WRONG_KIND),
    row(20, "conv2d(X, W, padding=float('nan'))", "conv2d", "padding", "nan", error=WRONG_KIND),
    row(20, "conv2d(X, W, padding=b'ab')", "conv2d", "padding", "ab", error=WRONG_KIND),
    row(20, "conv2d(X, W, padding=np.ones((2, 2)))", "conv2d", "padding", error=WRONG_KIND),
    row(20, "conv2d(X, W, stride=1.5)", "conv2d", "stride", "1.5", error=WRONG_KIND),
    row(20, "conv2d(X, W, stride='2')", "conv2d", "stride", "2", error=WRONG_KIND),
    row(20, "conv2d(X, W, stride='12')", "conv2d", "stride", "12", error=WRONG_KIND),
    row(20, "conv2d(X, W, stride=None)", "conv2d", "stride", "None", error=WRONG_KIND),
    row(20, "conv2d(X, W, stride=((1, 1), (1, 1)))", "conv2d", "stride", error=WRONG_KIND),
    row(20, "conv2d(X, W, dilation=2.0)", "conv2d", "dilation", "2.0", error=WRONG_KIND),
    # Ranks, and the bias.
    row(21, "conv2d(X, ones(3, 2, 3))", "conv2d", "weight", "(3, 2, 3)"),
    row(21, "conv2d(X, ones(3, 2, 3, 3, 3))", "conv2d", "weight", "(3, 2, 3, 3, 3)"),
    row(21, "conv2d(X, ones(3))", "conv2d", "weight", "(3,)"),
    row(21, "conv2d(X, ones())", "conv2d", "weight", "()", error=WRONG_KIND),
    row(21, "conv1d(X1, W)", "conv1d", "weight", "(3, 2, 3, 3)"),
    row(21, "conv2d(X, ones(3, 3))", "conv2d", "weight", "(3, 3)", "weight[None, None]"),
    row(21, "conv1d(X1, ones(3))", "conv1d", "weight", "(3,)", "weight[None, None]"),
    row(21, "conv3d(X3, ones(3, 3, 3, 3))", "conv3d", "weight", "weight[:, None]", "weight[None]"),
    row("axes", "conv2d(ones(7, 8), W)", "conv2d", "x must have 4 axes", "(7, 8)", "x[None]"),
    row("axes", "conv2d(ones(7, 8), W, layout='NHWC')", "conv2d", "(7, 8)", "x[..., None]"),
    row("axes", "convolve(ones(2, 2, 2, 2), ones(2, 2, 2, 2))", "convolve", "1, 2 or 3", "got 4"),
    row("axes", "correlate(ones(), ones())", "correlate", "1, 2 or 3", "got 0", error=WRONG_KIND),
    row("axes", "convolve(ones(2, 2), ones(2))", "convolve", "same number", "(2, 2)", "(2,)"),
    row(21, "conv2d(ones(7, 8), W)", "conv2d", "x", "(7, 8)"),
    row(21, "conv2d(ones(1, 1, 2, 7, 8), W)", "conv2d", "x", "(1, 1, 2, 7, 8)"),
    row(21, "conv1d(ones(7), W1)", "conv1d", "x", "(7,)"),
    row(21, "conv3d(ones(2, 7, 8), W3)", "conv3d", "x", "(2, 7, 8)"),
    row(21, "convolve(ones(3), ones(3, 3))", "convolve", "(3,)", "(3, 3)"),
    row(21, "correlate(ones(1, 1, 1, 2), ones(1, 1, 1, 2))", "correlate", "(1, 1, 1, 2)"),
    row(22, "conv2d(X, W, ones(2))", "conv2d", "bias", "(2,)", "3"),
    row(22, "conv2d(X, W, ones(4))", "conv2d", "bias", "(4,)", "3"),
    row(22, "conv2d(X, W, ones(1))", "conv2d", "bias", "(1,)", "3"),
    row(22, "conv2d(X, W, ones(0))", "conv2d", "bias", "(0,)", "3"),
    row(22, "conv2d(X, W, ones(3, 1))", "conv2d", "bias", "(3, 1)", "3"),
    row(22, "conv2d(X, W, 1.0)", "conv2d", "bias", error=WRONG_KIND),
    # Empty arrays.
    row(36, "conv2d(ones(0), W)", "conv2d", "x", "(0,)"),
    row(36, "conv2d(X, ones(0))", "conv2d", "weight", "(0,)"),
    row(36, "conv2d([], W)", "conv2d", "x", "(0,)"),
    row(36, "conv2d(ones(1, 2, 0, 0), W)", "conv2d", "0", "3"),
    row(36, "convolve(ones(0), ones(3))", "convolve", "(0,)"),
    row(36, "convolve(ones(3), ones(0))", "convolve", "(0,)"),
    row(36, "correlate([], [])", "correlate", "(0,)"),
    row(36, "convolve(ones(0, 3), ones(2, 2))", "convolve", "(0, 3)"),
    row(36, "correlate(ones(2, 2), ones(2, 0), 'same')", "correlate", "(2, 0)"),
    # What is not a real number.
    row(39, "conv2d(X.astype(object), W)", "conv2d", "x", "object", error=("TypeError",)),
    row(39, "conv2d(X, W.astype('U3'))", "conv2d", "weight", "<U3", error=("TypeError",)),
    row(39, "conv2d(X, W, B.astype('S3'))", "conv2d", "bias", "S3", error=("TypeError",)),
    row(39, "conv2d(X.astype('M8[s]'), W)", "conv2d", "x", "datetime64", error=("TypeError",)),
    row(39, "conv2d(X + 1j, W)", "conv2d", "x", "complex64", error=("TypeError",)),
    row(39, "conv2d(X, W, B * 1j)", "conv2d", "bias", "complex64", error=("TypeError",)),
    row(39, "conv2d(np.zeros(X.shape, 'f4,i4'), W)", "conv2d", "x", error=("TypeError",)),
    row(39, "conv2d(None, W)", "conv2d", "x", error=WRONG_KIND),
    row(39, "conv2d(X, None)", "conv2d", "weight", error=WRONG_KIND),
    row(39, "conv2d('image.png', W)", "conv2d", "x", error=WRONG_KIND),
    row(39, "conv1d([[1.0, 2.0], [3.0]], W1)", "conv1d", "x", error=WRONG_KIND),
    row(39, "conv1d(X1, [[[1.0, 2.0], [3.0]]])", "conv1d", "weight", error=WRONG_KIND),
    row(39, "conv1d([[1.0, None, 2.0]] * 2, W1)", "conv1d", "x", "object", error=("TypeError",)),
    row(39, "convolve(['a', 'b'], [1.0])", "convolve", error=("TypeError",)),
    # Options that are not among those there are.
    row("threads", "conv2d(X, W, threads=0)", "conv2d", "threads", "0"),
    row("threads", "conv2d(X, W, threads=-1)", "conv2d", "threads", "-1"),
    row("threads", "conv2d(X, W, threads=2**64 + 1)", "conv2d", "threads", str(2**64 + 1)),
    row("threads", "conv2d(X, W, threads=1.5)", "conv2d", "threads", "1.5", error=WRONG_KIND),
    row("threads", "conv2d(X, W, threads='2')", "conv2d", "threads", "2", error=WRONG_KIND),
    row("layout", "conv2d(X, W, layout='NWHC')", "conv2d", "layout", "NWHC", "NCHW", "NHWC"),
    row("layout", "conv2d(X, W, layout='nchw')", "conv2d", "layout", "nchw", "NCHW"),
    row("layout", "conv2d(X, W, layout='NCW')", "conv2d", "layout", "'NCW'", "NCHW"),
    row("layout", "conv1d(X1, W1, layout='NCHW')", "conv1d", "layout", "NCHW", "NWC"),
    row("layout", "conv3d(X3, W3, layout='')", "conv3d", "layout", "''", "NDHWC"),
    row("layout", "conv2d(X, W, layout=None)", "conv2d", "layout", "None", error=WRONG_KIND),
    row("layout", "conv2d(X, W, layout=['N'])", "conv2d", "layout", "['N']", error=WRONG_KIND),
    row("algorithm", "conv2d(X, W, algorithm='fastest')", "conv2d", "algorithm", "fastest",
        "auto", "direct"),
    row("algorithm", "conv2d(X, W, algorithm=None)", "conv2d", "algorithm", "None",
        error=WRONG_KIND),
    row("algorithm", "conv2d(X, W, algorithm=['auto'])", "conv2d", "algorithm", "['auto']",
        error=WRONG_KIND),
    row("algorithm", "conv2d(X, W, algorithm=np.ma.masked)", "conv2d", "algorithm",
        error=WRONG_KIND),
    row("algorithm", "conv2d(X, W, algorithm=np.array(['auto', 'direct']))", "conv2d", "algorithm",
        "direct", error=WRONG_KIND),
    # Values whose text is too long, or can't be had: no integer beyond 4,300 digits has one.
    row("text", "conv2d(X, W, stride=10**5000)", "conv2d", "stride"),
    row("text", "conv2d(X, W, padding=10**5000)", "conv2d", "padding"),
    row("text", "conv2d(X, W, flip=10**5000)", "conv2d", "flip", error=WRONG_KIND),
    row("text", "conv2d(X, W, threads=10**5000)", "conv2d", "threads"),
    row("text", "conv2d(X, W, padding='x' * 10**6)", "conv2d", "padding", "xxx..."),
    row("out", "conv2d(X, W, out=np.lib.stride_tricks.as_strided(np.zeros(1, X.dtype), "
        "(1, 3, 5, 6), (0, 0, 0, 0)))", "conv2d", "out", "strides"),
    row(14, "conv2d(ones(0, 2, 3, 3), W, padding=2**40)", "conv2d", "padding", str(2**40),
        error=TOO_LARGE),
    row("border", "conv2d(X, W, border='constant')", "conv2d", "border", "constant", "zeros",
        "edge", "reflect", "symmetric", "wrap"),
    row("border", "conv2d(X, W, border=True)", "conv2d", "border", "True", error=("TypeError",)),
    row("border", "conv2d(X, W, border=1j)", "conv2d", "border", "1j", error=("TypeError",)),
    row("border", "conv2d(X, W, border=10**400)", "conv2d", "border", "float64"),
    row("border", "conv2d(X, W, border=(1, 2, 3))", "conv2d", "border", "2 entries", "(1, 2, 3)"),
    row("border", "conv2d(X, W, border=())", "conv2d", "border", "2 entries", "()"),
    row("border", "conv2d(X, W, border=('wrap', ('edge',)))", "conv2d", "border[1]", "pair"),
    row("border", "conv2d(X, W, border=('wrap', ('edge', 'no')))", "conv2d", "border[1][1]", "no"),
    row("border", "conv2d(X, W, border=(('wrap', None), 1))", "conv2d", "border[0][1]", "None",
        error=("TypeError",)),
    row("border", "conv2d(X, W, border=((1, (2, 3)), 1))", "conv2d", "border[0][1]", "(2, 3)",
        error=("TypeError",)),
    row("border", "conv1d(X1, W1, border=('edge', 0.0))", "conv1d", "border", "1 entries",
        "(('edge', 0.0),)"),
    row("border", "conv2d(ones(1, 2, 0, 5), W, padding=2, border=('wrap', 1.0))", "conv2d",
        "axis 0", "wrap"),
    row("border", "conv2d(X, W, border=None)", "conv2d", "border", "None", error=WRONG_KIND),
    row("border", "conv2d(X, W, border=['wrap'])", "conv2d", "border", "['wrap']",
        error=WRONG_KIND),
    row("flip", "conv2d(X, W, flip='no')", "conv2d", "flip", "no", error=WRONG_KIND),
    row("flip", "conv2d(X, W, flip=np.array([True, False]))", "conv2d", "flip", error=WRONG_KIND),
    row("mode", "convolve(ones(3), ones(2), 'Full')", "convolve", "mode", "Full", "full", "same",
        "valid"),
    row("mode", "correlate(ones(3), ones(2), None)", "correlate", "mode", "None",
        error=WRONG_KIND),
    row("mode", "convolve(ones(3, 2), ones(2, 3), 'valid')", "convolve", "mode", "(3, 2)",
        "(2, 3)"),
]


@pytest.fixture(scope="module")
def answers(run_python):
    """What every expression below has come to."""
    expressions = [param.values[0] for param in ROWS] + [expression for _, expression in RESULTS]
    return evaluate(run_python, PRELUDE, expressions)


@pytest.mark.parametrize(("expression", "words", "error"), ROWS)
def test_refused(expression, words, error, answers):
    assert_refused(answers[expression], words, error)


# Inputs that do have a result.

RESULTS = [
    (7, "same(conv2d(ones(1, 0, 5, 5), ones(3, 0, 3, 3), [1, 2, 3]),"
        " ones(1, 3, 3, 3) * np.float32([1, 2, 3]).reshape(3, 1, 1))"),
    (7, "same(conv2d(ones(2, 0, 5, 5), ones(3, 0, 3, 3)), 0 * ones(2, 3, 3, 3))"),
    (7, "same(conv2d(ones(5, 6, 0), ones(3, 0, 3, 3), B, padding='same', layout='NHWC'),"
        " ones(5, 6, 3))"),
    (7, "same(conv1d(ones(4, 0, 5), ones(3, 0, 3), B, stride=2), ones(4, 3, 2))"),
    (7, "same(conv3d(ones(1, 0, 5, 5, 5), ones(2, 0, 3, 3, 3), [4, 4]), 4 * ones(1, 2, 3, 3, 3))"),
    (8, "same(conv2d(ones(0, 2, 7, 8), W, B, padding=1), ones(0, 3, 7, 8))"),
    (8, "same(conv2d(ones(0, 7, 8, 2), W, B, layout='NHWC'), ones(0, 5, 6, 3))"),
    (8, "same(conv1d(ones(0, 2, 7, dtype=np.float16), W1.astype(np.float16)),"
        " ones(0, 3, 5, dtype=np.float16))"),
    (8, "same(conv3d(ones(0, 2, 5, 6, 7, dtype=int), W3), ones(0, 3, 3, 4, 5, dtype=float))"),
    (8, "same(conv2d(ones(0, 2, 7, 8), W, padding=1, border='wrap'), ones(0, 3, 7, 8))"),
    (8, "same(conv2d(ones(0, 0, 7, 8), ones(3, 0, 3, 3), B), ones(0, 3, 5, 6))"),
    ("8k", "same(conv2d(X, ones(0, 2, 3, 3)), ones(1, 0, 5, 6))"),
    ("8k", "same(conv2d(ones(7, 8, 2), ones(0, 2, 3, 3), ones(0), layout='NHWC'), ones(5, 6, 0))"),
    (9, "same(conv2d(ones(1, 2, 0, 5), W, B, padding=2), ones(1, 3, 2, 7))"),
    (9, "same(conv2d(ones(1, 2, 0, 0), W, padding=3), 0 * ones(1, 3, 4, 4))"),
    (9, "same(conv1d(ones(2, 0), W1, [5, 6, 7], padding='full'),"
        " np.float32([[5, 5], [6, 6], [7, 7]]))"),
    (9, "same(conv2d(ones(0, 5, 2), W, B, padding=((4, 1), (0, 0)), stride=2, layout='NHWC'),"
        " ones(2, 2, 3))"),
    (12, "same(conv2d(X, W, B, stride=2**31 - 1), conv2d(X, W, B)[:, :, :1, :1])"),
    (37, "all(same(conv2d(X, ones(3, 2, 19, 21), padding=p, border=b),"
         " conv2d(np.pad(X, ((0, 0), (0, 0), (p, p), (p, p)), m), ones(3, 2, 19, 21)))"
         " for p in (7, 20) for b, m in [('wrap', 'wrap'), ('symmetric', 'symmetric'),"
         " ('reflect', 'reflect'), ('edge', 'edge'), ('zeros', 'constant')])"),
    (37, "conv1d([[1., 2., 3.]], ones(1, 1, 1), padding=((7, 8),), border='wrap')[0].tolist()"
         " == [3] + [1, 2, 3] * 5 + [1, 2]"),
    (37, "conv1d([[1., 2., 3.]], ones(1, 1, 1), padding=((7, 8),), border='symmetric')[0].tolist()"
         " == [1, 1, 2, 3, 3, 2, 1, 1, 2, 3, 3, 2, 1, 1, 2, 3, 3, 2]"),
    (38, "same(conv2d(np.lib.stride_tricks.as_strided(X, strides=(2**60, 224, 32, 4)), W),"
         " conv2d(X, W))"),
    (38, "same(conv2d(np.arange(112.).reshape(1, 2, 7, 8)[:, ::-1, ::-1, ::-1], W),"
         " reference.conv2d(np.arange(112.)[::-1].reshape(1, 2, 7, 8), W))"),
    (38, "same(conv2d(many(1, 2, 7, 8), many(3, 2, 3, 3), many(3)), 19 * ones(1, 3, 5, 6))"),
    (38, "same(conv2d(X.astype('>f4'), W.astype('>f8'), B.astype('>f2')),"
         " 19 * ones(1, 3, 5, 6, dtype=float))"),
    (38, "same(conv2d(np.frombuffer(b'0' + X.tobytes(), 'f4', 112, 1).reshape(X.shape), W),"
         " 18 * ones(1, 3, 5, 6))"),
    (38, "(lambda x: same(conv2d(x, ones(2, 2, 3, 3), padding=1, out=x),"
         " reference.conv2d(X, ones(2, 2, 3, 3), padding=1)))(X.copy())"),
    (38, "(lambda m: same(conv1d(m[:20].reshape(1, 20), ones(1, 1, 3), padding=1,"
         " out=m[1:21].reshape(1, 20)), reference.conv1d(np.arange(20.).reshape(1, 20),"
         " ones(1, 1, 3), padding=1)))(np.arange(21.))"),
    (39, "same(conv2d(X > 0, W > 0, B > 0), 19 * ones(1, 3, 5, 6))"),
    (42, "same(conv2d(X, W.astype(np.float64)), 18 * ones(1, 3, 5, 6, dtype=np.float64))"),
    (42, "same(conv2d(X.astype(np.float16), W), 18 * ones(1, 3, 5, 6))"),
    (42, "same(conv2d(X.astype(np.int64), W), 18 * ones(1, 3, 5, 6, dtype=np.float64))"),
    (42, "same(conv2d(X.astype(np.uint8), W), 18 * ones(1, 3, 5, 6))"),
    (42, "same(conv2d(X.astype(np.float16), W.astype(np.int8)), 18 * ones(1, 3, 5, 6))"),
    (42, "same(convolve(np.int32([1, 2]), np.float16([1, 1])), np.float64([1, 3, 2]))"),
]


@pytest.mark.parametrize("expression", [
    pytest.param(expression, id=f"{number}-{expression}") for number, expression in RESULTS])
def test_computed(expression, answers):
    assert answers[expression] == [[], "True"]


# Numbers beyond 32 bits where the result is plain to see. A refusal that says so is allowed too.

EITHER = [
    (12, "conv2d(X, W, B, stride=2**31)", "stride", "conv2d(X, W, B)[:, :, :1, :1]"),
    (12, "conv2d(X, W, B, stride=(1, 2**40))", "stride", "conv2d(X, W, B)[:, :, :, :1]"),
    (12, "conv1d(X1, W1, stride=HUGE, padding=1)", "stride", "conv1d(X1, W1, padding=1)[:, :, :1]"),
    (13, "conv2d(X, ones(3, 2, 1, 1), dilation=HUGE)", "dilation", "conv2d(X, ones(3, 2, 1, 1))"),
    (13, "conv2d(X, ones(3, 2, 1, 1), dilation=2**40, padding='same')", "dilation",
     "conv2d(X, ones(3, 2, 1, 1))"),
    # one output channel, so that several rows of it are computed together
    (13, "conv2d(X[:, :1], ones(1, 1, 3, 1), dilation=(2**40, 1), padding='same')", "dilation",
     "ones(1, 1, 7, 8)"),
    (14, "conv2d(X, ones(1, 2, 1, 1), padding=((2**40, 0), (0, 0)), stride=(2**40, 1))", "padding",
     "np.concatenate([0 * ones(1, 1, 1, 8), 2 * ones(1, 1, 1, 8)], axis=2)"),
    (14, "conv2d(X, ones(3, 2, 1, 1), padding=((2**40, 0), (0, 0)), stride=(2**40, 1))", "padding",
     "np.concatenate([0 * ones(1, 3, 1, 8), 2 * ones(1, 3, 1, 8)], axis=2)"),
    ("threads", "conv2d(X, W, threads=2**31 - 1)", "threads", "conv2d(X, W)"),
    ("threads", "conv2d(X, W, threads=2**40)", "threads", "conv2d(X, W)"),
]

COMPUTED_OR_REFUSED = PRELUDE + """
try:
    result = eval(sys.argv[1])
except (ValueError, MemoryError) as error:
    print(json.dumps([all(word in str(error) for word in sys.argv[2].split()), str(error)]))
else:
    print(json.dumps([same(result, eval(sys.argv[3])), "a result"]))
"""


@pytest.mark.parametrize(("expression", "word", "want"), [
    pytest.param(*case, id=f"{number}-{case[0]}") for number, *case in EITHER])
def test_computed_or_refused(expression, word, want, run_python):
    operator = expression.partition("(")[0]
    done = run_python(COMPUTED_OR_REFUSED, expression, f"{operator} {word}", want, timeout=30)
    right, text = json.loads(done.stdout)
    assert right, text


# Row 18: more than 2**31 elements. The arrays are pages of zeros that the system hands out only
# where they are touched, and the strides touch few; a copy of the whole would exceed the limit.

BEYOND_32_BITS = """
import math, mmap, resource
from pathlib import Path
import numpy as np
from convcore import conv1d, conv2d

LIMIT = 14 << 30                                           # 8 GiB of addresses, and some to spare
resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


def zeros(*shape):
    memory = mmap.mmap(-1, 4 * math.prod(shape), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, np.float32).reshape(shape)


step, n = 2**20 + 1, 2**31 + 2**22
x = zeros(1, n)
starts = np.arange(0, n - 2, step)
x[0, starts] = np.arange(1, len(starts) + 1)
x[0, starts + 2] = 1
got = conv1d(x, np.float32([[[3, 50, 7]]]), stride=step)
assert got.shape == (1, len(starts))
assert (got[0] == 3 * np.arange(1, len(starts) + 1) + 7).all()
del x

step = 4099                                                # one channel, and then three
for c, h, w in ((1, 2**16, 2**15 + 64), (3, 2**15 - 2**12, 2**15 - 2**13 + 2048)):
    rows, columns = np.arange(0, h - 2, step)[:, None], np.arange(0, w - 2, step)
    number = 1 + rows // step * 10 + columns // step
    weight = np.zeros((2, c, 3, 3), np.float32)
    weight[0, :, 0, 0] = 1
    weight[1, :, 2, 2] = 1
    for layout in ("NCHW", "NHWC"):
        x = zeros(*((1, c, h, w) if layout == "NCHW" else (1, h, w, c)))
        assert x.size > 2**31
        for channel in range(c):
            plane = x[0, channel] if layout == "NCHW" else x[0, :, :, channel]
            plane[rows, columns] = number
            plane[rows + 2, columns + 2] = channel + 1
        got = conv2d(x, weight, stride=step, layout=layout)[0]
        got = got if layout == "NCHW" else np.moveaxis(got, -1, 0)
        assert got.shape == (2, len(rows), len(columns))
        assert (got[0] == c * number).all(), layout
        assert (got[1] == c * (c + 1) / 2).all(), layout
        del x, plane
# ru_maxrss begins at what the parent process had, and this does not
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
peaks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
assert max(peaks, default=0) < 1 << 20, peaks               # KiB
"""


@pytest.mark.skipif(os.name != "posix", reason="needs lazily mapped memory and a limit to it")
def test_more_elements_than_32_bits_count(run_python):
    run_python(BEYOND_32_BITS, timeout=300)


LARGE_RESULT = """
import numpy as np
from convcore import conv1d

n = 2**31 + 1000
x = np.zeros((1, n), np.float32)
places = [0, 5, 2**30, 2**31 - 2, 2**31, 2**31 + 1, n - 2, n - 1]
x[0, places] = np.arange(1, len(places) + 1)
weight = np.float32([[[2, 3]]])
got = conv1d(x, weight)
assert got.shape == (1, n - 1)
near = sorted({at + by for at in places for by in (-2, -1, 0, 1) if 0 <= at + by < n - 1})
for at in near:
    assert got[0, at] == 2 * x[0, at] + 3 * x[0, at + 1], at
assert np.count_nonzero(got) == sum(1 for at in near if got[0, at])
"""


@pytest.mark.large
def test_more_results_than_32_bits_count(run_python):
    run_python(LARGE_RESULT, timeout=600)
