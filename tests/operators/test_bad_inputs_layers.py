"""Inputs that broke other libraries, given to the layers: as test_bad_inputs.py does it.

A refusal has to be a ValueError, TypeError or MemoryError whose text names the operation, the
argument and the value; anything else has to be the right result.
"""

from itertools import product

import pytest

from tests.tables.bad_inputs import BASE, TOO_LARGE, WRONG_KIND, assert_refused, evaluate, row

PRELUDE = BASE + """
from convcore import *

X1, X, X3 = ones(1, 2, 7), ones(1, 2, 7, 8), ones(1, 2, 5, 6, 7)
W, T = ones(3, 2, 3, 3), np.ones((3, 2), bool)             # of convolutions
L1, L, L3 = ones(3, 5, 2, 3), ones(3, 5, 6, 2, 3, 3), ones(3, 3, 4, 5, 2, 3, 3, 3)
P1, P, P3 = ones(3, 2, 2, 3), ones(3, 2, 4, 2, 3, 3), ones(3, 1, 2, 3, 2, 3, 3, 3)
U1, U, U3 = ones(2, 3, 3), ones(2, 3, 3, 3), ones(2, 3, 3, 3, 3)   # of transposed ones
"""

WEIGHTS = {"local_conv": "L", "tiled_conv": "P", "conv_transpose": "U"}


def each(number, options, *words, error=("ValueError",), nd=2):
    """A row for each kind of layer: `options` come after x and a weight that suits it."""
    x = "X" + ("" if nd == 2 else str(nd))
    return [row(number, f"{kind}{nd}d({x}, {weight}{x[1:]}, {options})", f"{kind}{nd}d", *words,
                error=error) for kind, weight in WEIGHTS.items()]


def weights(number, shape, *words, x="X", nd=2, error=("ValueError",)):
    """A row for each kind of layer with this weight."""
    return [row(number, f"{kind}{nd}d({x}, {shape})", f"{kind}{nd}d", "weight", *words, error=error)
            for kind in WEIGHTS]


ROWS = [
    # A stride of zero, a negative one.
    *each(1, "stride=0", "stride", "0"),
    *each(1, "stride=(1, 0)", "stride", "0"),
    *each(1, "stride=(0,)", "stride", "0", nd=1),
    *each(1, "stride=(1, 1, 0)", "stride", "0", nd=3),
    *each(3, "stride=-1", "stride", "-1"),
    *each(3, "stride=-2**63", "stride", str(-2**63)),
    row(3, "local_conv2d(X, many(3, 5, 6, 2, 2**20, 2**20), stride=-1)", "local_conv2d", "stride",
        "-1"),
    row(3, "conv_transpose2d(X, many(2, 3, 2**28, 2**28), stride=-1)", "conv_transpose2d",
        "stride", "-1"),
    # Groups: transposed convolutions have them, the others do not.
    *(row(4, f"conv_transpose2d(X, U, groups={g})", "conv_transpose2d", "groups", word)
      for g, word in [("0", "0"), ("-1", "-1"), ("-2**63", str(-2**63)), ("2**31", str(2**31)),
                      ("2**64 + 1", str(2**64 + 1))]),
    row(4, "conv_transpose2d(X, U, groups=1.0)", "conv_transpose2d", "groups", "1.0",
        error=WRONG_KIND),
    row(4, "local_conv2d(X, L, groups=1)", "groups", error=("TypeError",)),
    row(4, "tiled_conv2d(X, P, groups=1)", "groups", error=("TypeError",)),
    row(5, "conv_transpose2d(ones(1, 6, 5, 5), ones(6, 1, 3, 3), groups=4)", "conv_transpose2d",
        "groups", "4", "6"),
    row(5, "conv_transpose1d(X1, U1, groups=3)", "conv_transpose1d", "groups", "2", "3"),
    row(5, "conv_transpose2d(ones(1, 6, 5, 5), U)", "conv_transpose2d", "weight", "(2, 3, 3, 3)",
        "6"),
    row(5, "conv_transpose2d(X, ones(3, 2, 3, 3))", "conv_transpose2d", "weight", "(3, 2, 3, 3)",
        "2"),
    row(5, "local_conv2d(X, ones(3, 5, 6, 4, 3, 3))", "local_conv2d", "weight", "4", "2"),
    row(5, "tiled_conv2d(X, ones(3, 2, 2, 4, 3, 3))", "tiled_conv2d", "weight", "4", "2"),
    row(5, "tiled_conv2d(X, P, layout='NHWC')", "tiled_conv2d", "8", "2"),
    row(5, "conv_transpose2d(X, U, layout='NHWC')", "conv_transpose2d", "8", "2"),
    # Kernels without cells, periods of none, kernels for other outputs.
    row(6, "local_conv2d(X, ones(3, 5, 6, 2, 0, 3))", "local_conv2d", "weight",
        "(3, 5, 6, 2, 0, 3)"),
    row(6, "tiled_conv1d(X1, ones(3, 2, 2, 0))", "tiled_conv1d", "weight", "(3, 2, 2, 0)"),
    row(6, "conv_transpose2d(X, ones(2, 3, 3, 0))", "conv_transpose2d", "weight", "(2, 3, 3, 0)"),
    row(6, "conv_transpose2d(X, ones(2, 0, 0, 0))", "conv_transpose2d", "weight", "(2, 0, 0, 0)"),
    row("period", "tiled_conv2d(X, ones(3, 0, 2, 2, 3, 3))", "tiled_conv2d", "weight", "period",
        "(0, 2)", "1"),
    row("period", "tiled_conv1d(X1, ones(3, 0, 2, 3))", "tiled_conv1d", "weight", "period", "(0,)"),
    row("period", "tiled_conv3d(X3, ones(0, 1, 0, 1, 2, 3, 3, 3))", "tiled_conv3d", "weight",
        "(1, 0, 1)"),
    row("period", "local_conv2d(X, ones(3, 0, 6, 2, 3, 3))", "local_conv2d", "weight", "(0, 6)"),
    row("period", "local_conv2d(X, ones(3, 6, 5, 2, 3, 3))", "local_conv2d", "weight",
        "(3, 6, 5, 2, 3, 3)", "(5, 6)", "(1, 2, 7, 8)"),
    row("period", "local_conv2d(X, ones(3, 1, 1, 2, 3, 3))", "local_conv2d", "weight", "(1, 1)",
        "(5, 6)"),
    row("period", "local_conv2d(X, L, stride=2)", "local_conv2d", "weight", "(5, 6)", "(3, 3)"),
    row("period", "local_conv2d(X, L, padding='same')", "local_conv2d", "weight", "(7, 8)"),
    row("period", "local_conv1d(X1, L1, dilation=2)", "local_conv1d", "weight", "(5,)", "(3,)"),
    row("period", "local_conv3d(X3, L3, padding=1)", "local_conv3d", "weight", "(3, 4, 5)",
        "(5, 6, 7)"),
    # Inputs without cells; kernels larger than what they shall move over; outputs of none.
    row(9, "tiled_conv2d(ones(1, 2, 0, 5), P)", "tiled_conv2d", "0", "3"),
    row(9, "local_conv2d(ones(1, 2, 0, 5), L, padding=1)", "local_conv2d", "2", "3"),
    row(9, "tiled_conv2d(ones(1, 2, 0, 5), P, padding='same')", "tiled_conv2d", "x", "0"),
    *(row(9, f"conv_transpose{nd}d(ones(1, 2{', 5' * (nd - 1)}, 0), U{nd if nd != 2 else ''})",
          f"conv_transpose{nd}d", "x", "0") for nd in (1, 2, 3)),
    row(9, "conv_transpose2d(ones(0, 2, 0, 0), U)", "conv_transpose2d", "x", "0"),
    row(10, "tiled_conv2d(X, ones(3, 2, 2, 2, 8, 3))", "tiled_conv2d", "7", "8"),
    row(10, "tiled_conv2d(X, P, dilation=4)", "tiled_conv2d", "dilation", "9"),
    row(10, "local_conv2d(X, ones(3, 1, 1, 2, 3, 11), padding=1)", "local_conv2d", "padding",
        "11"),
    row(10, "local_conv1d(ones(0, 2, 2), L1)", "local_conv1d", "2", "3"),
    row(30, "conv_transpose2d(X, U, padding=6)", "conv_transpose2d", "at least 1",
        "(7 - 1) * 1 + (3 - 1) * 1 + 1 - 6 - 6 + 0", "-3", "(1, 2, 7, 8)", "(2, 3, 3, 3)"),
    row(30, "conv_transpose1d(ones(1, 2, 1), U1, padding=((1, 2),))", "conv_transpose1d",
        "output", "0", "(1 - 1) * 1 + (3 - 1) * 1 + 1 - 1 - 2 + 0"),
    row(30, "conv_transpose1d(ones(1, 2, 2), ones(2, 3, 1), stride=3, padding=((2, 3),), "
        "output_padding=1)", "conv_transpose1d", "(2 - 1) * 3 + (1 - 1) * 1 + 1 - 2 - 3 + 1"),
    row(30, "conv_transpose2d(ones(1, 2, 2, 1), U, padding='full')", "conv_transpose2d",
        "(n - 1) * stride + (kernel - 1) * dilation + 1 - before - after + output_padding"),
    row(30, "conv_transpose3d(X3, U3, padding=5)", "conv_transpose3d", "- 5 - 5"),
    row(21, "conv_transpose2d(X, ones(3, 3))", "conv_transpose2d", "weight[None, None]"),
    row("axes", "local_conv2d(ones(7, 8), L)", "local_conv2d", "x must", "x[None]"),
    *(row(31, f"conv_transpose2d(X, U, {options})", "conv_transpose2d", "output_padding", *words)
      for options, *words in [
          ("output_padding=1", "1", "stride (1)"), ("output_padding=-1", "-1"),
          ("stride=2, output_padding=2", "2", "from 0 to 1"),
          ("stride=(3, 2), output_padding=2", "2", "from 0 to 1"),
          ("dilation=3, output_padding=3", "3", "from 0 to 2"),
          ("dilation=3, output_padding=1, padding='same'", "1", "stride (1)"),
          ("stride=3, padding='same', output_padding=3", "3", "from 0 to 2"),
          ("output_padding=2**63", str(2**63)), ("output_padding=-2**63", str(-2**63)),
          ("stride=2, output_padding=(1,)", "(1,)"), ("output_padding=()", "()")]),
    row(31, "conv_transpose2d(X, U, stride=2, output_padding=1.0)", "conv_transpose2d",
        "output_padding", "1.0", error=WRONG_KIND),
    row(31, "conv_transpose2d(X, U, stride=2, output_padding=True)", "conv_transpose2d",
        "output_padding", "True", error=WRONG_KIND),
    row(31, "conv_transpose2d(X, U, output_padding=None)", "conv_transpose2d", "output_padding",
        "None", error=WRONG_KIND),
    row(31, "conv_transpose2d(X, U, output_padding='same')", "conv_transpose2d", "output_padding",
        "same", error=WRONG_KIND),
    # Numbers beyond 32 and 64 bits; sizes whose product is.
    *each(12, "stride=2**63", "stride", str(2**63)),
    *each(12, "stride=10**30", "stride", str(10**30)),
    row(12, "conv_transpose2d(X, U, stride=2**62)", "conv_transpose2d", "stride", str(2**62)),
    row(12, "conv_transpose2d(X, U, stride=2**40)", "conv_transpose2d", "stride", str(2**40),
        error=TOO_LARGE),
    row(12, "conv_transpose2d(X, U, stride=HUGE, output_padding=HUGE - 1)", "conv_transpose2d",
        "stride", str(2**63 - 1)),
    row(12, "conv_transpose1d(ones(1, 2, 1), U1, stride=2**55, output_padding=2**55 - 1)",
        "conv_transpose1d", "stride", str(2**55), error=TOO_LARGE),
    row(12, "conv_transpose1d(ones(1, 2, 2), U1, stride=2**45)", "conv_transpose1d", "stride",
        str(2**45), error=TOO_LARGE),
    row(13, "conv_transpose1d(ones(1, 2, 2), U1, dilation=2**45)", "conv_transpose1d", "dilation",
        str(2**45), error=TOO_LARGE),
    *each(13, "dilation=2**62", "dilation", str(2**62), error=TOO_LARGE),
    *each(13, "dilation=HUGE", "dilation", str(2**63 - 1), error=TOO_LARGE),
    *each(13, "dilation=2**64 + 1", "dilation", str(2**64 + 1)),
    *each(13, "dilation=0", "dilation", "0"),
    *each(13, "dilation=(1, -2)", "dilation", "-2"),
    row(13, "tiled_conv2d(X, P, dilation=2**62, padding='same')", "tiled_conv2d", "dilation",
        error=TOO_LARGE),
    row(13, "conv_transpose2d(X, U, dilation=2**62, padding='same')", "conv_transpose2d",
        "dilation", error=TOO_LARGE),
    row(13, "conv_transpose2d(X, U, dilation=2**62, padding='full')", "conv_transpose2d",
        error=TOO_LARGE),
    *(row(14, f"tiled_conv2d(X, P, padding={p})", "tiled_conv2d", "padding", word, error=TOO_LARGE)
      for p, word in [("2**62", str(2**62)), ("HUGE", str(2**63 - 1)), ("2**40", str(2**40)),
                      ("((0, HUGE), (0, 0))", str(2**63 - 1))]),
    *each(14, "padding=2**64", "padding", str(2**64)),
    row(14, "local_conv2d(X, L, padding=2**62)", "local_conv2d", str(2**62), error=TOO_LARGE),
    row(14, "conv_transpose2d(X, U, padding=2**62)", "conv_transpose2d", str(2**62),
        error=TOO_LARGE),
    row(14, "conv_transpose2d(X, U, padding=HUGE)", "conv_transpose2d", str(2**63 - 1),
        error=TOO_LARGE),
    row(14, "tiled_conv2d(many(2**40, 2, 7, 8), P)", "tiled_conv2d", str(2**40), error=TOO_LARGE),
    row(14, "tiled_conv2d(X, many(2**45, 2, 2, 2, 3, 3))", "tiled_conv2d", str(2**45),
        error=TOO_LARGE),
    row(14, "tiled_conv2d(X, many(3, 2**25, 2**25, 2, 3, 3))", "tiled_conv2d", str(2**25),
        error=TOO_LARGE),
    row(14, "tiled_conv1d(X1, many(1, 2**45, 2, 3))", "tiled_conv1d", str(2**45), error=TOO_LARGE),
    row(14, "tiled_conv2d(X, many(3, 2, 2, 2, 3, 3), many(3, 2**50, 2))", "tiled_conv2d", "bias",
        str(2**50)),
    row(14, "local_conv1d(many(1, 2, 2**45), many(3, 2**45 - 2, 2, 3))", "local_conv1d",
        str(2**45), error=TOO_LARGE),
    row(14, "conv_transpose1d(many(1, 2, 2**45), U1)", "conv_transpose1d", str(2**45),
        error=TOO_LARGE),
    row(14, "conv_transpose2d(many(2**40, 2, 7, 8), U)", "conv_transpose2d", str(2**40),
        error=TOO_LARGE),
    row(14, "conv_transpose2d(X, many(2, 2**45, 3, 3))", "conv_transpose2d", str(2**45),
        error=TOO_LARGE),
    row(14, "conv_transpose2d(many(1, 2**42, 3, 3), many(2**42, 1, 1, 1))", "conv_transpose2d",
        str(2**42), error=TOO_LARGE),
    row(14, "conv_transpose2d(X, many(2, 2**40, 3, 3), groups=2**62)", "conv_transpose2d",
        "groups", str(2**62)),
    # Padding and steps: negative, of the wrong length, of the wrong kind.
    *each(19, "padding=-1", "padding", "-1"),
    *each(19, "padding=((0, -1), (0, 0))", "padding", "-1"),
    *each(20, "padding=()", "padding", "()"),
    *each(20, "padding=(1, 2, 3)", "padding", "(1, 2, 3)"),
    *each(20, "padding=((1, 1),)", "padding", "((1, 1),)"),
    *each(20, "padding='SAME'", "padding", "SAME"),
    *each(20, "padding=1.5", "padding", "1.5", error=WRONG_KIND),
    *each(20, "padding=None", "padding", "None", error=WRONG_KIND),
    *each(20, "padding=(1, 2)", "padding", "(1, 2)", nd=1),
    *each(20, "padding=(1, 2)", "padding", "(1, 2)", nd=3),
    *each(20, "stride=()", "stride", "()"),
    *each(20, "stride=(1, 1, 1)", "stride", "(1, 1, 1)"),
    *each(20, "stride='2'", "stride", "2", error=WRONG_KIND),
    *each(20, "dilation=(2,)", "dilation", "(2,)"),
    *each(20, "dilation=2.0", "dilation", "2.0", error=WRONG_KIND),
    # Ranks, and the bias.
    *weights(21, "ones(3, 2, 3)", "(3, 2, 3)"),
    *weights(21, "ones(3)", "(3,)"),
    *weights(21, "ones()", "()", error=WRONG_KIND),
    *weights(21, "ones(3, 2, 2, 2, 2, 3, 3)", "(3, 2, 2, 2, 2, 3, 3)"),
    *weights(21, "ones(3, 2, 3, 3, 3)", "(3, 2, 3, 3, 3)"),
    row(21, "local_conv2d(X, W)", "local_conv2d", "weight", "(3, 2, 3, 3)", "6"),
    row(21, "tiled_conv2d(X, W)", "tiled_conv2d", "weight", "(3, 2, 3, 3)", "period"),
    row(21, "conv_transpose2d(X, L)", "conv_transpose2d", "weight", "(3, 5, 6, 2, 3, 3)", "4"),
    row(21, "conv2d(X, L)", "conv2d", "weight", "(3, 5, 6, 2, 3, 3)", "4"),
    *(row(21, f"{kind}2d({x}, {weight})", f"{kind}2d", "x", shape)
      for (kind, weight), (x, shape) in product(WEIGHTS.items(), [
          ("ones(7, 8)", "(7, 8)"), ("ones(1, 1, 2, 7, 8)", "(1, 1, 2, 7, 8)"),
          ("ones(0)", "(0,)"), ("[]", "(0,)")])),
    *(row(22, f"local_conv2d(X, L, ones{shape})", "local_conv2d", "bias", shape, "(3, 5, 6)")
      for shape in ("(3,)", "(3, 5)", "(3, 6, 5)", "(1, 5, 6)", "(3, 1, 1)", "(3, 5, 6, 1)",
                    "(5, 6, 3)", "(0,)")),
    *(row(22, f"tiled_conv2d(X, P, ones{shape})", "tiled_conv2d", "bias", shape, "(3, 2, 4)")
      for shape in ("(3,)", "(3, 4, 2)", "(3, 5, 6)", "(3, 1, 1)", "(3, 2, 4, 1)")),
    *(row(22, f"conv_transpose2d(X, U, ones{shape})", "conv_transpose2d", "bias", shape, "(3,)")
      for shape in ("(2,)", "(4,)", "(1,)", "(3, 1)", "(0,)")),
    row(22, "conv_transpose2d(X, ones(2, 3, 3, 3), ones(3), groups=2)", "conv_transpose2d", "bias",
        "(3,)", "(6,)"),
    *each(22, "1.0", "bias", error=WRONG_KIND),
    # What is not a real number.
    *each(39, "np.array('a')", "bias", error=WRONG_KIND),
    *(row(39, f"{kind}2d({x}, {weight}{tail})", f"{kind}2d", name, word, error=("TypeError",))
      for kind, plain in WEIGHTS.items() for x, weight, tail, name, word in [
          ("X.astype(object)", plain, "", "x", "object"),
          ("X", f"{plain}.astype('U3')", "", "weight", "<U3"),
          ("X + 1j", plain, "", "x", "complex64"),
          ("X", f"{plain}.astype('M8[s]')", "", "weight", "datetime64")]),
    *(row(39, f"{kind}2d(None, {plain})", f"{kind}2d", "x", error=WRONG_KIND)
      for kind, plain in WEIGHTS.items()),
    *(row(39, f"{kind}2d(X, None)", f"{kind}2d", "weight", error=WRONG_KIND) for kind in WEIGHTS),
    *(row(39, f"{kind}2d(X, np.ma.masked_array({plain}))", f"{kind}2d", "weight", "masked",
          error=("TypeError",)) for kind, plain in WEIGHTS.items()),
    # Options that are not among those there are.
    *each("threads", "threads=0", "threads", "0"),
    *each("threads", "threads=1.5", "threads", "1.5", error=WRONG_KIND),
    *each("layout", "layout='NWHC'", "layout", "NWHC", "NCHW", "NHWC"),
    *each("layout", "layout='NCHW'", "layout", "NCHW", "NCW", "NWC", nd=1),
    *each("layout", "layout=None", "layout", "None", error=WRONG_KIND),
    *each("border", "border='circular'", "border", "circular", "symmetric"),
    *each("border", "border=True", "border", "True", error=("TypeError",)),
    *each("border", "border=('edge', 0.0)", "border", "(('edge', 0.0),)", nd=1),
    *each("border", "border=('edge', ('wrap', 'mirror'))", "border[1][1]", "mirror"),
    *each("out", "out=ones(1, 3, 4, 4)", "out", "(1, 3, 4, 4)", "(1, 3, "),
    *each("out", "out=[1.0]", "out", "list", error=("TypeError",)),
    *each("text", "stride=10**5000", "stride"),
    *each("text", "padding='x' * 10**6", "padding", "xxx..."),
    *(row("options", f"{call})", word, error=("TypeError",)) for call, word in [
        ("local_conv2d(X, L, flip=True", "flip"), ("tiled_conv2d(X, P, groups=1", "groups"),
        ("conv_transpose2d(X, U, connections=T", "connections"),
        ("tiled_conv2d(X, P, output_padding=0", "output_padding")]),
    # Tables of connected channels.
    *(row("table", f"conv2d(X, W, connections={table})", "conv2d", "connections", *words)
      for table, *words in [
          ("T.T", "(2, 3)", "(3, 2)"), ("T[:, :1]", "(3, 1)", "(3, 2)"), ("T[0]", "(2,)", "(3, 2)"),
          ("T[None]", "(1, 3, 2)", "(3, 2)"), ("False", "()", "(3, 2)"), ("True", "()", "(3, 2)"),
          ("np.ones((3, 0), bool)", "(3, 0)", "(3, 2)"), ("np.ones((0, 2), bool)", "(0, 2)"),
          ("np.ones((0, 0), bool)", "(0, 0)"), ("np.zeros(0, bool)", "(0,)"),
          ("np.broadcast_to(np.True_, (2**30, 2**30))", str(2**30), "(3, 2)"),
          ("T[..., None, None]", "(3, 2, 1, 1)", "(3, 2)")]),
    *(row("table", f"conv2d(X, W, connections={table})", "conv2d", "connections", *words,
          error=("TypeError",)) for table, *words in [
              ("T.astype(int)", "int64", "bool"), ("T.astype(np.uint8)", "uint8", "bool"),
              ("T.astype(float)", "float64", "bool"), ("T.astype(object)", "object", "bool"),
              ("[]", "float64", "bool"), ("0", "int64", "bool"), ("'full'", "<U4", "bool"),
              ("[[1, 0], [1, 1], [0, 1]]", "int64", "bool")]),
    row("table", "conv2d(X, W, connections=[[True], [True, False]])", "conv2d", "connections",
        error=WRONG_KIND),
    row("table", "conv2d(X, W, connections=np.ma.masked_array(T))", "conv2d", "connections",
        "masked", error=("TypeError",)),
    row("table", "conv2d(X, ones(4, 1, 3, 3), groups=2, connections=np.ones((4, 2), bool))",
        "conv2d", "connections", "groups = 2"),
    row("table", "conv2d(X, ones(4, 1, 3, 3), groups=2, connections=np.ones((4, 1), bool))",
        "conv2d", "connections", "groups = 2"),
    row("table", "conv1d(X1, ones(3, 2, 3), connections=T.T)", "conv1d", "connections", "(2, 3)"),
    row("table", "conv3d(X3, ones(3, 2, 3, 3, 3), connections=T.T)", "conv3d", "connections",
        "(2, 3)"),
    row("table", "conv2d(X, ones(3, 2, 3), connections=T)", "conv2d"),
    row("table", "conv2d(ones(1, 0, 5, 5), ones(3, 0, 3, 3), connections=np.ones((3, 0), bool))",
        "conv2d", "connections", "(3, 0)"),
    row("table", "conv2d(X, ones(0, 2, 3, 3), connections=np.ones((0, 2), bool))", "conv2d",
        "connections", "(0, 2)"),
    row("table", "conv2d(ones(1, 3, 7, 8), W, connections=T)", "conv2d", "weight", "3"),
]

RESULTS = [
    # Layers without input channels are their bias alone; empty batches; no output channels.
    (7, "same(local_conv2d(ones(1, 0, 3, 4), ones(2, 2, 3, 0, 2, 2), np.arange(12.).reshape(2, 2, "
        "3)), np.arange(12., dtype='f4').reshape(1, 2, 2, 3))"),
    (7, "same(tiled_conv1d(ones(2, 0, 6), ones(1, 2, 0, 2), [[5, 7]]),"
        " np.float32([[[5, 7, 5, 7, 5]]] * 2))"),
    (7, "same(tiled_conv2d(ones(3, 4, 0), ones(2, 3, 1, 0, 1, 1), layout='NHWC'), 0 * ones(3, 4, "
        "2))"),
    (7, "same(conv_transpose2d(ones(1, 0, 2, 3), ones(0, 2, 2, 2), [4, 5], stride=2),"
        " np.float32([4, 5]).reshape(1, 2, 1, 1) * ones(1, 2, 4, 6))"),
    (7, "same(conv_transpose1d(ones(2, 0, 2), ones(0, 2, 2)), 0 * ones(2, 2, 3))"),
    (8, "same(local_conv2d(ones(0, 2, 7, 8), L), ones(0, 3, 5, 6))"),
    (8, "same(local_conv1d(ones(0, 7, 2), L1, layout='NWC'), ones(0, 5, 3))"),
    (8, "same(tiled_conv2d(ones(0, 2, 7, 8), P, padding=1), ones(0, 3, 7, 8))"),
    (8, "same(tiled_conv3d(ones(0, 2, 5, 6, 7, dtype=int), P3), ones(0, 3, 3, 4, 5, dtype=float))"),
    (8, "same(conv_transpose2d(ones(0, 2, 7, 8), U), ones(0, 3, 9, 10))"),
    (8, "same(conv_transpose2d(ones(0, 7, 8, 2), U, stride=2, layout='NHWC'), ones(0, 15, 17, 3))"),
    ("8k", "same(local_conv2d(X, ones(0, 5, 6, 2, 3, 3)), ones(1, 0, 5, 6))"),
    ("8k", "same(tiled_conv2d(X, ones(0, 2, 2, 2, 3, 3), ones(0, 2, 2)), ones(1, 0, 5, 6))"),
    ("8k", "same(conv_transpose2d(X, ones(2, 0, 3, 3), ones(0)), ones(1, 0, 9, 10))"),
    (9, "same(tiled_conv2d(ones(1, 2, 0, 5), ones(3, 2, 4, 2, 3, 3), ones(3, 2, 4), padding=2),"
        " ones(1, 3, 2, 7))"),
    (9, "same(local_conv1d(ones(2, 0), ones(1, 2, 2, 3), [[5, 7]], padding='full'),"
        " np.float32([[5, 7]]))"),
    # Steps that are never taken may have any size; periods may exceed the output.
    (12, "same(tiled_conv2d(X, P, stride=2**31 - 1), tiled_conv2d(X, P)[:, :, :1, :1])"),
    (12, "same(local_conv2d(X, ones(3, 1, 1, 2, 3, 3), stride=2**40), 18 * ones(1, 3, 1, 1))"),
    (12, "same(conv_transpose2d(ones(1, 2, 1, 1), U, stride=2**40), 2 * ones(1, 3, 3, 3))"),
    (13, "same(conv_transpose1d(X1, ones(2, 3, 1), dilation=2**40), 2 * ones(1, 3, 7))"),
    (13, "same(tiled_conv1d(X1, ones(3, 2, 2, 1), dilation=2**40), 2 * ones(1, 3, 7))"),
    (13, "same(conv2d(X, ones(3, 2, 3, 1), dilation=(2**40, 1), padding='same', connections=T),"
         " 2 * ones(1, 3, 7, 8))"),
    (13, "same(conv_transpose2d(X, ones(2, 1, 3, 1), dilation=(2**40, 1), padding='same'),"
         " 2 * ones(1, 1, 7, 8))"),
    ("period", "same(tiled_conv2d(X, ones(3, 100, 100, 2, 3, 3)), 18 * ones(1, 3, 5, 6))"),
    ("period", "same(tiled_conv1d(X1, many(1, 2**20, 2, 3)), 6 * ones(1, 1, 5))"),
    # Rows of a table without a pair are the bias alone, whatever stands in the arrays.
    (35, "same(conv2d(X, W, [1, 2, 3], connections=~T), np.float32([1, 2, 3]).reshape(3, 1, 1)"
         " * ones(1, 3, 5, 6))"),
    (35, "same(conv2d(X * np.nan, W * np.inf, connections=~T, layout='NCHW'), 0 * ones(1, 3, 5, "
         "6))"),
    (35, "same(conv2d(X, W, connections=[[True, False], [False, False], [True, True]]),"
         " np.float32([9, 0, 18]).reshape(3, 1, 1) * ones(1, 3, 5, 6))"),
    (35, "same(conv1d(X1, ones(3, 2, 3), connections=np.eye(3, 2, dtype=bool)),"
         " np.float32([3, 3, 0]).reshape(3, 1) * ones(1, 3, 5))"),
    (35, "same(conv2d(ones(0, 2, 7, 8), W, connections=T), ones(0, 3, 5, 6))"),
    (35, "same(conv3d(X3, ones(3, 2, 3, 3, 3), connections=T), 54 * ones(1, 3, 3, 4, 5))"),
    # Any strides, any address, any dtype.
    (38, "all(same(op(np.arange(112.).reshape(1, 2, 7, 8)[:, ::-1, ::-1, ::-1], w),"
         " want(np.arange(112.)[::-1].reshape(1, 2, 7, 8), w)) for op, want, w in"
         " [(local_conv2d, reference.local_conv2d, L), (tiled_conv2d, reference.tiled_conv2d, P),"
         " (conv_transpose2d, reference.conv_transpose2d, U)])"),
    (38, "same(local_conv2d(many(1, 2, 7, 8), many(3, 5, 6, 2, 3, 3), many(3, 5, 6)),"
         " 19 * ones(1, 3, 5, 6))"),
    (38, "same(tiled_conv2d(np.frombuffer(b'0' + X.tobytes(), 'f4', 112, 1).reshape(X.shape), P),"
         " 18 * ones(1, 3, 5, 6))"),
    (38, "same(conv_transpose2d(X.astype('>f4'), U.astype('>f8'), padding=2), 18 * ones(1, 3, 5, 6,"
         " dtype=float))"),
    (38, "(lambda x: same(conv_transpose2d(x, ones(2, 2, 3, 3), padding=1, out=x),"
         " reference.conv_transpose2d(X, ones(2, 2, 3, 3), padding=1)))(X.copy())"),
    (39, "same(local_conv2d(X > 0, L > 0, ones(3, 5, 6) > 0), 19 * ones(1, 3, 5, 6))"),
    (42, "same(tiled_conv2d(X.astype(np.float16), P), 18 * ones(1, 3, 5, 6))"),
    (42, "same(conv_transpose2d(X.astype(np.int64), U, padding=2), 18 * ones(1, 3, 5, 6, "
         "dtype=np.float64))"),
    (40, "bool(np.isnan(tiled_conv1d(X1 * np.nan, P1)).all())"),
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
