"""What can be wrong with an argument, as expressions."""

NUMBERS = ("-1", "0", "2**31", "2**62", "2**63", "-2**63", "2**63 - 1", "10**30", "1.5", "2.0",
           "nan", "inf", "'1'", "''", "None", "True", "()", "[]", "[1.5]", "('a', 'b')", "b'1'",
           "{}", "1j", "object()", "np.array(2)", "np.array([1, 2])", "np.int64(2)", "np.uint8(1)",
           "np.float32(1)", "(1,)", "(1, 2)", "(1, 2, 3)", "(1, 2, 3, 4)", "(0, 1)", "(1, -1)",
           "(1, 2**62)", "(1, None)", "((1, 2),)", "((1, 2), (3, 4))", "((1,), (2,))",
           "((1, 2, 3),)",
           "(((1,),),)", "'valid'", "{1, 2}", "iter((1, 2))", "slice(1)", "np.bool_(True)",
           "np.array(['1'])", "range(2)", "np.datetime64('2020')")
PADDINGS = (*NUMBERS, "'sames'", "'VALID'", "('same', 'vali')", "((0, 'same'),)", "('same',)",
            "((-1, 0),)", "((0, 2**62),)", "((2**62, 2**62),)", "'full'", "(2**31, 0)")
WORDS = ("'NHWX'", "''", "5", "None", "b'NCHW'", "['NCHW']", "('N', 'C')", "'nchw'", "'zero'",
         "'constant'", "True", "object()", "'N' * 10**5", "'\\x00'", "np.str_('zeros')", "'NCHW'",
         "'NCW'", "'edge'", "nan", "'direct'")
FLAGS = ("0", "1", "2", "None", "'yes'", "''", "1.0", "np.bool_(True)", "np.array(True)",
         "np.array([True, False])", "[]", "[True]", "object()", "nan")
NEEDS = ("True", "None", "()", "(True,)", "(True, True)", "(True,) * 4", "(1, 0, 1)",
         "(None, True, True)", "'yes'", "'abc'", "[True, False, True]", "np.array([1, 1, 0])",
         "np.array([True, True, False])", "(False, False, False)", "5", "{0: True}",
         "iter((True, True, True))")
ORDERS = ("0", "0.5", "-1", "nan", "-inf", "'2'", "None", "True", "1j", "10**400", "2**63",
          "np.float32(2)", "np.array(2.0)", "np.array([2.0, 3.0])", "[2]", "object()", "1 - 1e-16",
          "1e308", "np.longdouble(2)", "__import__('fractions').Fraction(5, 2)",
          "__import__('decimal').Decimal(2)")
ARRAYS = ("{0}[None]", "{0}[..., None]", "{0}[0]", "{0}[..., 0]", "{0}[:0]", "{0}[..., :0]",
          "{0}.ravel()", "{0}.T", "np.concatenate([{0}, {0}])",
          "np.concatenate([{0}, {0}], axis=-1)", "{0}.astype(object)", "{0}.astype(str)",
          "{0}.astype('c8')", "{0}.astype('g')", "{0}.astype('m8[s]')", "{0}.astype('V3')",
          "{0}.astype([('a', 'f4')])", "None", "5", "1.5", "'abc'", "b'abc'", "object()", "[]",
          "[[1, 2], [3]]", "[[[[['a']]]]]", "{{}}", "np.array(2.0)", "np.array(None)",
          "np.zeros((1,) * 40)", "np.zeros(())", "range(5)", "iter([1])", "np.float32(1)",
          "np.ma.masked_array({0})", "memoryview({0}.astype('f4', order='C'))", "1j", "nan",
          "as_strided(np.zeros(1, 'f4'), (2**31,) + {0}.shape[1:], (0,) * {0}.ndim)",
          "as_strided(np.zeros(1, 'f4'), {0}.shape[:-1] + (2**40,), (0,) * {0}.ndim)",
          "as_strided(np.zeros(1, 'f4'), (2**16,) * {0}.ndim, (0,) * {0}.ndim)"
          " if {0}.ndim < 4 else None",
          "np.empty({0}.shape[:-1] + (0,))", "np.empty((0,) * {0}.ndim)")
INDICES = (*ARRAYS, "{0} + 1", "{0} - 1", "-{0}", "{0} + 2**62", "{0} * 0", "{0}.astype('f4')",
           "{0}[..., ::-1]", "{0}.astype('u8') + 2**63", "{0} * 0 + 2**40", "{0} > 0")
CONNECTIONS = (*ARRAYS, "{0}.astype(int)", "{0}.astype('u1')", "~{0} & {0}", "{0}.tolist()",
               "{0}[:, 0]", "np.ones((2, 2), bool)", "{0}.astype(float)", "True",
               "np.zeros((0, 0), bool)")
OUTS = ("{0}.tolist()", "5", "'abc'", "bytearray(64)", "{0}[None]", "{0}[..., :0]", "{0}.ravel()",
        "np.zeros({0}.shape, 'f2')", "np.zeros({0}.shape, 'f4')", "np.zeros({0}.shape, 'f8')",
        "np.zeros({0}.shape, 'i4')", "np.zeros({0}.shape, object)", "np.zeros({0}.shape, '>f4')",
        "np.zeros({0}.shape[::-1], {0}.dtype)", "np.broadcast_to({0}, (2,) + {0}.shape)[0]",
        "np.broadcast_to({0}[..., :1], {0}.shape)", "True", "()", "[]", "({0},)", "({0}, {0}, {0})",
        "as_strided(np.zeros(1, {0}.dtype), {0}.shape, (0,) * {0}.ndim)",
        "as_strided(np.zeros(2 * {0}.size + 1, {0}.dtype), {0}.shape,"
        " ({0}.itemsize,) * {0}.ndim)",
        "as_strided(np.zeros(sum({0}.shape) + 1, {0}.dtype), {0}.shape,"
        " ({0}.itemsize,) * {0}.ndim)",
        "np.ma.masked_array({0})", "{0}.astype({0}.dtype.newbyteorder())")
THREE_OUTS = ("want", "(None, None, None)", "()", "(None,)", "(None,) * 4", "5", "'abc'", "{{}}",
              "{{0: None}}", "np.zeros(3)", "[[], None, None]", "(5, None, None)",
              "({0}, {0}, {0})", "({1}, {0}, {0})", "(None, None, np.zeros(3))",
              "({0}.ravel(), None, None)", "(np.zeros({0}.shape, 'f2'), None, None)",
              "(as_strided(np.zeros(1, {0}.dtype), {0}.shape, (0,) * {0}.ndim), None, None)",
              "iter((None, None, None))", "({0}[None], None, None)", "({0}, {0}.ravel(), None)")
SIDES = (*WORDS, "True", "1j", "()", "('wrap',) * 4", "(('edge', 0.0, 1.0),) * 3",
         "(None,) * 3", "10**400", "float('nan')", "-1", "[['wrap', 2]]")
BY_NAME = {"padding": PADDINGS, "border": SIDES, "layout": WORDS, "algorithm": WORDS, "mode": WORDS,
           "flip": FLAGS, "ceil_mode": FLAGS, "count_include_pad": FLAGS, "return_indices": FLAGS,
           "normalize": FLAGS, "needs": NEEDS, "p": ORDERS, "connections": CONNECTIONS,
           "indices": INDICES}
OF_KIND = {
    "conv": ("stride", "padding", "dilation", "groups", "flip", "border", "algorithm",
             "connections"),
    "conv_transpose": ("stride", "padding", "dilation", "groups", "output_padding", "border"),
    "local_conv": ("stride", "padding", "dilation", "border"),
    "tiled_conv": ("stride", "padding", "dilation", "border"),
    "max_pool": ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices",
                 "border"),
    "avg_pool": ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "count_include_pad",
                 "border"),
    "lp_pool": ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "p", "border"),
    "l2_pool": ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "border"),
    "weighted_pool": ("stride", "padding", "dilation", "ceil_mode", "normalize", "border"),
    "adaptive_avg_pool": ("output_size",),
    "adaptive_max_pool": ("output_size", "return_indices"),
    "convolve": ("mode",),
    "correlate": ("mode",),
}
LINEAR = ("conv", "conv_transpose", "local_conv", "tiled_conv")


def names(call):
    """The names of all arguments of a call's operator."""
    options = list(OF_KIND[call.kind])
    if call.kind in ("convolve", "correlate"):
        return ["x", "w", *options]
    arrays = ["grad"] * call.backward + ["x"]
    if call.kind in LINEAR:
        arrays += ["weight", "bias"]
        options += ["needs"] * call.backward
    arrays += ["window"] * (call.kind == "weighted_pool")
    options += ["indices"] * (call.backward and "max_pool" in call.kind)
    return [*arrays, *options, "layout", "threads", "out"]


def spoil(call, random):
    """The call with one argument replaced; what replaces it may turn out to be right."""
    name = random.choice(names(call))
    if name in call.operands:
        choices = [text.format(name) for text in
                   (INDICES if name == "indices" else
                    CONNECTIONS if name == "connections" else ARRAYS)]
        operands = dict(call.operands)                     # expressions are about arrays
        if operands[name].memory in ("list", "far"):
            operands[name] = type(operands[name])(operands[name].dtype, operands[name].values,
                                                  operands[name].seed)
        call = call.like(operands=operands)
    elif name == "out":
        three = call.kind in LINEAR and call.backward
        if three:
            first, second = ["want[0]", "want[1]"]
            choices = [text.format(first, second) for text in THREE_OUTS]
        else:
            choices = [text.format("want") for text in OUTS]
        call = call.like(out=None)
    elif name in ("bias", "connections", "indices"):       # not given: an array of another operand
        choices = [text.format("x") for text in ARRAYS]
        operands = dict(call.operands)
        operands["x"] = type(operands["x"])(operands["x"].dtype, operands["x"].values,
                                            operands["x"].seed)
        call = call.like(operands=operands)
    else:
        choices = BY_NAME.get(name, NUMBERS)
    return call.like(wrong=(name, random.choice(choices)))
