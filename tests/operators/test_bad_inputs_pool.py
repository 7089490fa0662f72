"""Inputs that broke the poolings of other libraries, as test_bad_inputs.py does it for convolution.

A refusal has to be a ValueError, TypeError or MemoryError whose text names the operation, the
argument and the value; anything else has to be the right result.
"""

from itertools import product

import pytest

from tests.tables.bad_inputs import BASE, TOO_LARGE, WRONG_KIND, assert_refused, evaluate, row

PRELUDE = BASE + """
from convcore import *
from convcore.geometry import adaptive_windows

X1, X, X3 = ones(1, 2, 7), ones(1, 2, 7, 8), ones(1, 2, 5, 6, 7)
NAN = float("nan")
_, I = max_pool2d(X, 2, return_indices=True)
G = ones(1, 2, 3, 4)


def index(**places):
    # Indices of max_pool2d(X, 2) with some of them changed.
    changed = I.copy()
    for place, value in places.items():
        changed.flat[int(place[1:])] = value
    return changed
"""

SLIDING = {"max": "2", "avg": "2", "lp": "2", "l2": "2", "weighted": "ones(2, 2)"}
ADAPTIVE = ["adaptive_max", "adaptive_avg"]


def each(number, options, *words, ops=SLIDING, x="X", error=("ValueError",)):
    """A row for each kind, forward, and one backward: `options` come after the kernel's size."""
    rows = []
    for op in ops:
        first = SLIDING[op] + ", " if op in SLIDING else ""
        rows.append(row(number, f"{op}_pool2d({x}, {first}{options})", f"{op}_pool2d", *words,
                        error=error))
    op = list(ops)[number % len(ops) if isinstance(number, int) else 0]
    first = SLIDING[op] + ", " if op in SLIDING else ""
    rows.append(row(number, f"{op}_pool2d_backward(G, {x}, {first}{options})",
                    f"{op}_pool2d_backward", *words, error=error))
    return rows


ROWS = [
    row("axes", "max_pool2d(ones(7, 8), 2)", "max_pool2d", "x must have 4 axes", "x[None]"),
    row("axes", "avg_pool3d(ones(7, 8, 9), 2, layout='NDHWC')", "avg_pool3d", "x[..., None]"),
    row(11, "max_pool2d(X, (2, True))", "max_pool2d", "kernel_size", "True", error=WRONG_KIND),
    row(20, "max_pool1d(X1, 2, padding=(0, 1))", "max_pool1d", "would be ((0, 1),)"),
    # Strides.
    *each(2, "0", "stride", "0"),
    *each(2, "(1, 0)", "stride", "0"),
    *each(2, "-1", "stride", "-1"),
    row(2, "max_pool1d(X1, 2, 0)", "max_pool1d", "stride", "0"),
    row(2, "avg_pool3d(X3, 2, (0, 1, 1))", "avg_pool3d", "stride", "0"),
    row(2, "max_pool2d(X, 2, -2**63)", "max_pool2d", "stride", str(-2**63)),
    row(2, "max_pool2d(X, 999, -2)", "max_pool2d", "stride", "-2"),
    row(29, "avg_pool2d_backward(G, X, 0, 1)", "avg_pool2d_backward", "kernel_size", "0"),
    row(29, "avg_pool2d_backward(G, X, -2, 1)", "avg_pool2d_backward", "kernel_size", "-2"),
    row(29, "avg_pool2d_backward(G, X, 2, 0)", "avg_pool2d_backward", "stride", "0"),
    row(29, "avg_pool3d_backward(G, X3, 2, -3)", "avg_pool3d_backward", "stride", "-3"),
    # Windows of no cells, and windows larger than what they shall move over.
    *(row(11, f"{op}_pool2d(X, {size})", f"{op}_pool2d", "kernel_size", word)
      for op, (size, word) in product(("max", "avg", "lp", "l2"), [
          ("0", "0"), ("-1", "-1"), ("(2, 0)", "0"), ("(-3, 2)", "-3"), ("-2**63", str(-2**63))])),
    row(11, "weighted_pool2d(X, ones(0, 2))", "weighted_pool2d", "window", "(0, 2)"),
    row(11, "weighted_pool2d(X, ones(2))", "weighted_pool2d", "window", "(2,)"),
    row(11, "weighted_pool2d(X, ones(2, 2, 2))", "weighted_pool2d", "window", "(2, 2, 2)"),
    row(11, "weighted_pool2d(X, 2)", "weighted_pool2d", "window", "()"),
    row(11, "weighted_pool2d_backward(G, X, ones(2, 0))", "weighted_pool2d_backward", "window"),
    row(11, "max_pool2d(X, 8)", "max_pool2d", "7", "8", "(1, 2, 7, 8)"),
    row(11, "avg_pool2d(X, (3, 11), padding=1)", "avg_pool2d", "padding", "8", "11"),
    row(11, "lp_pool2d(X, 3, dilation=4)", "lp_pool2d", "dilation", "9"),
    row(11, "max_pool2d(ones(0, 2, 2, 2), 3)", "max_pool2d", "2", "3"),
    row(11, "max_pool2d(X, 8, ceil_mode=True)", "max_pool2d", "7", "8"),
    # Numbers beyond 32 and 64 bits; sizes whose product is.
    *each(12, "2**63", "stride", str(2**63)),
    row(12, "max_pool2d(X, 10**30)", "max_pool2d", "kernel_size", str(10**30)),
    row(12, "max_pool2d(X, 2**31)", "max_pool2d", str(2**31)),
    row(12, "avg_pool2d(X, (2, 2**40), padding=((0, 0), (2**40, 0)))", "avg_pool2d", str(2**40),
        error=TOO_LARGE),
    row(12, "max_pool2d(X, HUGE)", "max_pool2d", str(2**63 - 1)),
    row(12, "lp_pool1d(X1, 2**62, padding=2**62)", "lp_pool1d", str(2**62), error=TOO_LARGE),
    row(12, "max_pool2d(X, HUGE, padding='same')", "max_pool2d", str(2**63 - 1), error=TOO_LARGE),
    row(12, "max_pool2d(X, HUGE, padding='full')", "max_pool2d", str(2**63 - 1), error=TOO_LARGE),
    row(13, "max_pool2d(X, 2, dilation=2**62)", "max_pool2d", "dilation", str(2**62)),
    row(13, "avg_pool2d(X, 3, dilation=HUGE)", "avg_pool2d", "dilation", str(2**63 - 1)),
    row(13, "lp_pool2d(X, 3, dilation=2**63 + 1)", "lp_pool2d", "dilation", str(2**63 + 1)),
    row(13, "weighted_pool2d(X, ones(3, 3), dilation=2**62, padding='full')", "weighted_pool2d",
        "dilation", error=TOO_LARGE),
    row(13, "max_pool2d(X, 3, dilation=2**62, padding='same')", "max_pool2d", "dilation",
        error=TOO_LARGE),
    row(13, "max_pool2d(X, 2**40, dilation=2**40)", "max_pool2d", "dilation"),
    row(13, "max_pool2d_backward(G, X, 2, dilation=2**62)", "max_pool2d_backward", "dilation"),
    *each(13, "dilation=0", "dilation", "0"),
    row(13, "max_pool2d(X, 2, dilation=(1, -2))", "max_pool2d", "dilation", "-2"),
    *each(14, "padding=2**62", "padding", str(2**62), error=TOO_LARGE),
    *each(14, "padding=2**64", "padding", str(2**64)),
    *each(14, "1, 2**40", "padding", str(2**40), error=TOO_LARGE),
    row(14, "max_pool2d(X, 2, HUGE, padding=2**62)", "max_pool2d", "padding", str(2**62),
        error=TOO_LARGE),
    row(14, "max_pool3d(X3, 2, 1, 2**31)", "max_pool3d", "padding", str(2**31), error=TOO_LARGE),
    row(14, "avg_pool2d(X, 2, padding=((0, HUGE), (0, 0)))", "avg_pool2d", "padding",
        str(2**63 - 1), error=TOO_LARGE),
    row(14, "max_pool2d(many(2**40, 2, 7, 8), 2)", "max_pool2d", str(2**40), error=TOO_LARGE),
    row(14, "avg_pool1d(many(1, 2, 2**45), 3, 1)", "avg_pool1d", str(2**45), error=TOO_LARGE),
    row(18, "max_pool1d(many(1, 2**31 + 9), 2**31, return_indices=True)", "max_pool1d", "indices",
        str(2**31)),
    row(18, "adaptive_max_pool1d(many(1, 2**31 + 9), 1, return_indices=True)",
        "adaptive_max_pool1d", "indices", str(2**31 - 1)),
    row(14, "lp_pool1d(many(1, 2**42, 3), 3)", "lp_pool1d", str(2**42), error=TOO_LARGE),
    row(14, "max_pool2d_backward(many(2**40, 2, 3, 4), many(2**40, 2, 7, 8), 2)",
        "max_pool2d_backward", str(2**40), error=TOO_LARGE),
    row(14, "max_pool2d(ones(0, 2, 3, 3), 2, 1, 2**40)", "max_pool2d", "padding", error=TOO_LARGE),
    # Adaptive sizes.
    *(row(15, f"{op}_pool{nd}({x}, {size})", f"{op}_pool{nd}", "output_size", word,
          error=TOO_LARGE)
      for op, (nd, x, size, word) in product(ADAPTIVE, [
          ("2d", "X", "2**40", str(2**40)), ("2d", "X", "HUGE", str(2**63 - 1)),
          ("2d", "X", "2**63", str(2**63)), ("1d", "X1", "2**59", str(2**59)),
          ("3d", "X3", "2**21", str(2**21)), ("2d", "X", "(1, 10**30)", str(10**30))])),
    row(15, "adaptive_avg_pool2d_backward(G, X, HUGE)", "adaptive_avg_pool2d_backward",
        str(2**63 - 1), error=TOO_LARGE),
    *(row(16, f"{op}_pool2d(X, {size})", f"{op}_pool2d", "output_size", word, error=WRONG_KIND)
      for op, (size, word) in product(ADAPTIVE, [
          ("-1", "-1"), ("0", "0"), ("(2, 0)", "0"), ("(2, -3)", "-3"), ("()", "()"),
          ("[]", "[]"), ("(1, 2, 3)", "(1, 2, 3)"), ("(2,)", "(2,)"), ("-2**63", str(-2**63)),
          ("1.5", "1.5"), ("(2, 2.0)", "2.0"), ("'22'", "22"), ("True", "True"),
          ("NAN", "nan"), ("((2, 2), (2, 2))", "(2, 2)")])),
    row(16, "adaptive_max_pool2d_backward(G, X, ())", "adaptive_max_pool2d_backward",
        "output_size", "()"),
    row(16, "adaptive_max_pool2d(ones(1, 2, 0, 8), 2)", "adaptive_max_pool2d", "(1, 2, 0, 8)"),
    row(16, "adaptive_avg_pool1d(ones(2, 0), 1)", "adaptive_avg_pool1d", "(2, 0)"),
    # Padding: of the wrong length, of the wrong kind.
    *(row(20, f"{op}_pool2d(X, {first}, padding={value})", f"{op}_pool2d", "padding", word,
          error=WRONG_KIND)
      for (value, word), (op, first) in zip([
          ("()", "()"), ("[]", "[]"), ("(1,)", "(1,)"), ("(1, 2, 3)", "(1, 2, 3)"),
          ("(1, 1, 1, 1)", "(1, 1, 1, 1)"), ("((1, 1),)", "((1, 1),)"),
          ("((1,), (1,))", "((1,), (1,))"), ("((1, 2, 3), (1, 2, 3))", "(1, 2, 3)"),
          ("-1", "-1"), ("(0, -3)", "-3"), ("((0, -1), (0, 0))", "-1"), ("'SAME'", "SAME"),
          ("''", "''"), ("None", "None"), ("1.5", "1.5"), ("NAN", "nan"), ("b'ab'", "ab"),
          ("True", "True"), ("np.ones((2, 2))", "1.0"), ("(1, 'x')", "x")],
          list(SLIDING.items()) * 4, strict=True)),
    row(20, "max_pool1d(X1, 2, padding=(1, 0))", "max_pool1d", "padding", "(1, 0)"),
    row(20, "max_pool3d(X3, 2, padding=(1, 0))", "max_pool3d", "padding", "(1, 0)"),
    *each(20, "()", "stride", "()"),
    *each(20, "(1, 1, 1)", "stride", "(1, 1, 1)"),
    *each(20, "1.5", "stride", "1.5", error=WRONG_KIND),
    *each(20, "'2'", "stride", "2", error=WRONG_KIND),
    *each(20, "dilation=(2,)", "dilation", "(2,)"),
    *each(20, "dilation=True", "dilation", "True", error=WRONG_KIND),
    row(20, "max_pool2d(X, ())", "max_pool2d", "kernel_size", "()"),
    row(20, "max_pool2d(X, (2,))", "max_pool2d", "kernel_size", "(2,)"),
    row(20, "avg_pool2d(X, (2, 2, 2))", "avg_pool2d", "kernel_size", "(2, 2, 2)"),
    row(20, "avg_pool2d(X, 2.0)", "avg_pool2d", "kernel_size", "2.0", error=WRONG_KIND),
    row(20, "lp_pool2d(X, None)", "lp_pool2d", "kernel_size", "None", error=WRONG_KIND),
    row(20, "lp_pool2d(X, '22')", "lp_pool2d", "kernel_size", "22", error=WRONG_KIND),
    # Gradients and indices that do not belong to the call.
    *(row(number, f"{op}_pool2d_backward(ones{shape}, X, {first})", f"{op}_pool2d_backward", "grad",
          shape, "(1, 2, 3, 4)")
      for (op, first), (number, shape) in product(SLIDING.items(), [
          (23, "(1, 2, 3, 5)"), (23, "(1, 2, 7, 8)"), (23, "(2, 3, 4)"), (24, "(0, 2, 3, 4)"),
          (23, "()"), (27, "(0,)")])),
    *(row(23, f"{op}_pool2d_backward(ones(1, 2, 3, 4), X, 2)", f"{op}_pool2d_backward", "grad",
          "(1, 2, 3, 4)", "(1, 2, 2, 2)") for op in ADAPTIVE),
    row(23, "max_pool2d_backward(many(1, 2, 2**20, 2**20), X, 2)", "grad", str(2**20)),
    row(24, "avg_pool2d_backward(G, ones(1, 2, 7, 9), 2, padding=1)", "grad", "(1, 2, 3, 4)"),
    row(24, "avg_pool2d_backward(G, (1, 2, -7, 8), 2)", "avg_pool2d_backward", "x", "(4,)"),
    *(row(25, f"max_pool2d_backward(G, X, 2, indices=index(_{place}={value}))",
          "max_pool2d_backward", "indices", word)
      for place, value, word in [
          (0, "-1", "-1"), (5, "56", "56"), (5, "2**31", str(2**31)), (23, "HUGE", str(2**63 - 1)),
          (23, "-2**63", str(-2**63)), (0, "2", "2"), (0, "16", "16"), (11, "0", "0"),
          (11, "55", "55"), (23, "54", "54")]),
    row(25, "max_pool2d_backward(G, X, 2, indices=I.astype('u8') + np.uint64(2**63))",
        "max_pool2d_backward", "indices", str(2**63)),
    row(25, "max_pool2d_backward(G, X, 2, indices=I[:, :, :2])", "max_pool2d_backward", "indices",
        "(1, 2, 2, 4)", "(1, 2, 3, 4)"),
    row(25, "max_pool2d_backward(G, X, 2, indices=I[0])", "max_pool2d_backward", "indices"),
    row(25, "max_pool2d_backward(G, X, 2, indices=I.astype(float))", "max_pool2d_backward",
        "indices", "float64", error=WRONG_KIND),
    row(25, "max_pool2d_backward(G, X, 2, indices=3)", "max_pool2d_backward", "indices", "()"),
    row(25, "max_pool2d_backward(G, X, 2, indices=NAN)", "max_pool2d_backward", "indices",
        error=WRONG_KIND),
    row(25, "adaptive_max_pool2d_backward(ones(1, 2, 1, 1), X, 1, indices=np.full((1, 2, 1, 1),"
        " 56))", "adaptive_max_pool2d_backward", "indices", "56"),
    row(25, "adaptive_max_pool1d_backward(ones(1, 2, 3), X1, 3, indices=[[[0, 2, 3]] * 2])",
        "adaptive_max_pool1d_backward", "indices", "3"),
    row(25, "max_pool2d_backward(ones(1, 2, 4, 4), X, 2, (2, 3), 1, indices=np.zeros((1, 2, 4, 4),"
        " int))", "max_pool2d_backward"),
    # Windows that hold nothing but padding.
    *each(32, "1, 2", "padding", "(2, 2)"),
    *each(32, "1, ((0, 0), (0, 5))", "padding", "(0, 5)", "8"),
    row(32, "max_pool1d(X1, 1, 1, 1)", "max_pool1d", "padding", "(1, 1)", "7"),
    row(32, "max_pool1d(ones(1, 2, 0), 2, 1, 1)", "max_pool1d", "padding", "0"),
    row(32, "max_pool1d(X1, 2, 1, padding=((0, 3),), ceil_mode=True)", "max_pool1d", "padding"),
    row(32, "max_pool1d(ones(1, 2, 1), 2, 1, 'same', 5)", "max_pool1d", "padding"),
    row(32, "avg_pool2d(X, 2, 1, 2, count_include_pad=True)", "avg_pool2d", "padding"),
    # Orders of a norm, sums of weights.
    *(row(33, f"lp_pool2d(X, 2, p={p})", "lp_pool2d", "p", word, error=kind)
      for p, word, kind in [
          ("0", "0", ("ValueError",)), ("0.999", "0.999", ("ValueError",)),
          ("-1", "-1", ("ValueError",)), ("NAN", "nan", ("ValueError",)),
          ("-np.inf", "inf", ("ValueError",)), ("True", "True", ("TypeError",)),
          ("'2'", "2", ("TypeError",)), ("None", "None", ("TypeError",)),
          ("2 + 0j", "2", ("TypeError",)), ("(2,)", "(2,)", ("TypeError",)),
          ("np.array([1.0, 2.0])", "1", ("TypeError",)), ("10**400", "1000", ("ValueError",)),
          ("np.bool(True)", "True", ("TypeError",))]),
    row(33, "lp_pool2d_backward(G, X, 2, p=0.5)", "lp_pool2d_backward", "p", "0.5"),
    row(33, "lp_pool2d_backward(G, X, 2, p='x')", "lp_pool2d_backward", "p", "x",
        error=("TypeError",)),
    row(33, "lp_pool2d_backward(G, X, 2, p=2.0**26 + 1)", "lp_pool2d_backward", "p", "2**26",
        "67108865.0"),
    row(33, "lp_pool2d_backward(G, X, 2, p=1e300)", "lp_pool2d_backward", "p", "2**26", "1e+300"),
    row(33, "l2_pool2d(X, 2, p=3)", "p", error=("TypeError",)),
    row(33, "weighted_pool2d(X, [[1, -1], [1, -1]])", "weighted_pool2d", "window", "0"),
    row(33, "weighted_pool2d(X, 0 * ones(2, 2))", "weighted_pool2d", "window", "normalize"),
    row(33, "weighted_pool1d(ones(0, 2), [-4, 4])", "weighted_pool1d", "window", "0"),
    row(33, "weighted_pool1d_backward(ones(0, 1), ones(0, 2), [-4, 4])", "window", "0"),
    row(33, "weighted_pool1d(X1, [1, 0], 1, ((1, 0),))", "weighted_pool1d", "window"),
    row(33, "weighted_pool1d(X1, [0, 1, -1], 3, ((1, 0),), ceil_mode=True)", "weighted_pool1d",
        "window"),
    row(33, "weighted_pool2d_backward(G, X, [[0, 0], [0, 0]])", "weighted_pool2d_backward",
        "window"),
    row(33, "weighted_pool2d(X, ones(2, 2), normalize=0)", "weighted_pool2d", "normalize", "0",
        error=("TypeError",)),
    # Empty arrays, and ranks.
    *(row(36, f"{op}_pool2d({x}, {first})", f"{op}_pool2d", "x", word)
      for (x, word), (op, first) in zip([
          ("ones(0)", "(0,)"), ("[]", "(0,)"), ("ones(7, 8)", "(7, 8)"),
          ("ones(1, 1, 2, 7, 8)", "(1, 1, 2, 7, 8)"), ("ones(1, 2, 0, 8)", "(1, 2, 0, 8)")],
          SLIDING.items(), strict=True)),
    row(36, "max_pool2d(ones(0, 2, 0, 0), 2)", "max_pool2d", "0"),
    row(36, "max_pool1d(ones(7), 2)", "max_pool1d", "x", "(7,)"),
    row(36, "avg_pool3d(ones(2, 7, 8), 2)", "avg_pool3d", "x", "(2, 7, 8)"),
    row(36, "adaptive_max_pool2d(ones(7, 8), 2)", "adaptive_max_pool2d", "x", "(7, 8)"),
    row(36, "max_pool2d_backward([], [], 2)", "max_pool2d_backward", "x", "(0,)"),
    # What is not a real number.
    *(row(39, f"{op}_pool2d({x}, {first})", f"{op}_pool2d", "x", word, error=WRONG_KIND)
      for (x, word), (op, first) in product([
          ("X.astype(object)", "object"), ("X.astype('U3')", "U3"), ("X + 1j", "complex64"),
          ("X.astype('m8[s]')", "timedelta64"), ("None", "got None"), ("'image.png'", "U9"),
          ("[[[1.0, 2.0], [3.0]]]", "inhomogeneous")], list(SLIDING.items())[::2])),
    row(39, "weighted_pool2d(X, [['a', 'b']])", "weighted_pool2d", "window", "U1",
        error=("TypeError",)),
    row(39, "weighted_pool2d(X, [[1j, 2]])", "weighted_pool2d", "window", "complex128",
        error=("TypeError",)),
    row(39, "max_pool2d_backward(G + 1j, X, 2)", "max_pool2d_backward", "grad", "complex64",
        error=("TypeError",)),
    row(39, "avg_pool2d_backward(None, X, 2)", "avg_pool2d_backward", "grad", error=WRONG_KIND),
    # Options that are not among those there are.
    *each("threads", "threads=0", "threads", "0"),
    *each("threads", "threads=2**64 + 1", "threads", str(2**64 + 1)),
    *each("threads", "threads=1.5", "threads", "1.5", error=WRONG_KIND),
    *each("layout", "layout='nchw'", "layout", "nchw", "NCHW", "NHWC"),
    *each("layout", "layout='NWC'", "layout", "NWC", "NCHW"),
    *each("layout", "layout=None", "layout", "None", error=WRONG_KIND),
    *each("layout", "2, layout='NDHWC'", "layout", "NDHWC", ops=ADAPTIVE),
    *each("border", "border='circular'", "border", "circular", "symmetric"),
    *each("border", "border=False", "border", "False", error=("TypeError",)),
    *each("border", "border=('edge',)", "border", "2 entries"),
    *each("border", "border=('edge', (0.0, 'mirror'))", "border[1][1]", "mirror"),
    *(row("border", f"max_pool2d(X.astype('{dtype}'), 3, 1, 1, border={value})", "max_pool2d",
          "border", dtype) for dtype, value in [
              ("uint8", -1.0), ("uint8", 256.0), ("int8", 0.5), ("int16", "np.nan"),
              ("int64", "np.inf"), ("uint64", 2**64), ("bool", 2.0)]),
    *(row("border", f"max_pool2d_backward(ones(1, 2, 7, 8), X.astype('{dtype}'), 3, 1, 1, "
          "border=-2)", "max_pool2d_backward", "border", dtype) for dtype in ("uint8", "bool")),
    *each("flag", "ceil_mode=1", "ceil_mode", "1", error=("TypeError",)),
    *each("flag", "ceil_mode='no'", "ceil_mode", "no", error=("TypeError",)),
    *each("flag", "2, return_indices=1", "return_indices", "1", ops=["adaptive_max"],
          error=("TypeError",)),
    *each("flag", "return_indices=None", "return_indices", "None", ops=["max"],
          error=("TypeError",)),
    *each("flag", "count_include_pad=0", "count_include_pad", "0", ops=["avg"],
          error=("TypeError",)),
    *each("text", "stride=10**5000", "stride"),
    *each("text", "padding='x' * 10**6", "padding", "xxx..."),
]

# Inputs that do have a result.

RESULTS = [
    *((8, f"same({op}_pool2d(ones(0, 2, 7, 8), {first}), ones(0, 2, 3, 4))")
      for op, first in SLIDING.items()),
    *((8, f"same({op}_pool2d_backward(ones(0, 3, 4, 2), ones(0, 7, 8, 2), {first}, layout='NHWC'),"
          " ones(0, 7, 8, 2))") for op, first in SLIDING.items()),
    *((36, f"same({op}_pool2d(ones(1, 0, 7, 8), {first}), ones(1, 0, 3, 4))")
      for op, first in SLIDING.items()),
    *((36, f"same({op}_pool2d(ones(0, 2, 7, 8), 3), ones(0, 2, 3, 3))") for op in ADAPTIVE),
    (36, "same(max_pool2d(ones(0, 2, 7, 8, dtype=np.int8), 2), ones(0, 2, 3, 4, dtype=np.int8))"),
    (36, "same(max_pool2d(ones(0, 2, 7, 8), 2, return_indices=True)[1],"
         " ones(0, 2, 3, 4, dtype=np.int64))"),
    (36, "same(max_pool2d_backward(ones(0, 2, 3, 4), ones(0, 2, 7, 8), 2,"
         " indices=np.zeros((0, 2, 3, 4), int)), ones(0, 2, 7, 8))"),
    (8, "same(avg_pool2d(ones(0, 2, 7, 8, dtype=int), 2), ones(0, 2, 3, 4, dtype=float))"),
    # integer arithmetic of adaptive sizes, at sizes where floats round
    (17, "same(adaptive_avg_pool1d(ones(1, 5877), 2855), ones(1, 2855))"),
    (17, "same(adaptive_max_pool1d(np.arange(5877).reshape(1, -1), 2855),"
         " (-(-np.arange(1, 2856) * 5877 // 2855) - 1).reshape(1, -1))"),
    (17, "same(adaptive_max_pool1d(np.arange(16385.0)[None], 16384),"
         " np.minimum(-(-np.arange(1.0, 16385) * 16385 // 16384) - 1, 16384)[None])"),
    (17, "bool(adaptive_max_pool1d_backward(ones(1, 2855), ones(1, 5877), 2855).sum() == 2855)"),
    (15, "same(adaptive_avg_pool1d(ones(1, 3), 10**6), ones(1, 10**6))"),
    # strides that nobody should trust, addresses, bytes
    (38, "same(max_pool2d(np.lib.stride_tricks.as_strided(X, strides=(2**60, 224, 32, 4)), 2),"
         " max_pool2d(X, 2))"),
    (38, "same(max_pool2d(np.arange(112.).reshape(1, 2, 7, 8)[:, ::-1, ::-1, ::-1], 2),"
         " reference.max_pool2d(np.arange(112.)[::-1].reshape(1, 2, 7, 8), 2))"),
    (38, "same(avg_pool2d(many(1, 2, 7, 8), 2), G)"),
    (38, "same(l2_pool2d(X.astype('>f4'), 2), 2 * G)"),
    (38, "same(max_pool2d(np.frombuffer(b'0' + X.tobytes(), 'f4', 112, 1).reshape(X.shape), 2),"
         " G)"),
    (38, "(lambda x: same(avg_pool2d(x, 3, 1, 1, out=x), X))(X.copy())"),
    (38, "(lambda m: same(max_pool1d(m[:20].reshape(1, 20), 3, 1, 1, out=m[1:21].reshape(1, 20)),"
         " np.float64([[*range(1, 20), 19]])))(np.arange(21.))"),
    (39, "same(avg_pool2d(X > 0, 2), G)"),
    (39, "same(max_pool2d(X > 0, 2), G > 0)"),
    # NaN is the result, wherever it lies; and its place is the index
    (40, "all(np.isnan(max_pool1d(np.where(np.arange(70) == i, np.nan, 0)[None], 70)).all()"
         " for i in range(70))"),
    (40, "all(max_pool1d(np.where(np.arange(70) == i, np.nan, 9)[None], 70,"
         " return_indices=True)[1].item() == i for i in range(70))"),
    (40, "all(np.isnan(f(np.full((1, 4, 4), NAN), 2)).all() for f in (max_pool2d, avg_pool2d,"
         " l2_pool2d, lp_pool2d, adaptive_max_pool2d, adaptive_avg_pool2d))"),
    (25, "max_pool1d(np.full((1, 4), NAN), 2, return_indices=True)[1].tolist() == [[0, 2]]"),
    (25, "max_pool1d_backward(np.ones((1, 2)), np.full((1, 4), NAN), 2,"
         " indices=[[0, 2]]).tolist() == [[1, 0, 1, 0]]"),
    (32, "np.isfinite(max_pool2d(X, 3, 1, 2)).all().item()"),
    (42, "same(max_pool2d_backward(G.astype(np.float64), X, 2),"
         " max_pool2d_backward(G, X, 2).astype(np.float64))"),
    (42, "avg_pool2d_backward(G.astype(np.float16), X.astype(np.float16), 2).dtype == np.float16"),
    (42, "same(weighted_pool2d(X, np.ones((2, 2), int)), G)"),
    (42, "same(weighted_pool2d(X, np.ones((2, 2), np.float64)), G)"),
    (42, "same(weighted_pool2d(X > 0, np.ones((2, 2), bool)), G)"),
    (42, "avg_pool2d_backward(np.ones((1, 2, 3, 4), int), X, 2).dtype == np.float64"),
    # numbers beyond 32 bits where the result is plain to see
    *((12, f"same({op}_pool2d(X, {first}, {stride}), {op}_pool2d(X, {first})[:, :, :1, :1])")
      for (op, first), stride in product(SLIDING.items(), ("2**31 - 1", "2**31", "2**40"))),
    *((13, f"same({op}_pool2d(X, 1, dilation=2**40), X)") for op in ("max", "avg", "l2")),
    (14, "same(max_pool1d(X1, 2**20, 2**20, ((2**20 - 3, 2**20 - 3),)), ones(1, 2, 2))"),
    ("threads", "same(max_pool2d(X, 2, threads=64), G)"),
]


@pytest.fixture(scope="module")
def answers(run_python):
    """What every expression has come to."""
    expressions = [param.values[0] for param in ROWS] + [expression for _, expression in RESULTS]
    return evaluate(run_python, PRELUDE, expressions)


@pytest.mark.parametrize(("expression", "words", "error"), ROWS)
def test_refused(expression, words, error, answers):
    assert_refused(answers[expression], words, error)


@pytest.mark.parametrize("expression", [
    pytest.param(expression, id=f"{number}-{expression}") for number, expression in RESULTS])
def test_computed(expression, answers):
    assert answers[expression] == [[], "True"]
