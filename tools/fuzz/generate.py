"""Random calls: legal, and with something wrong."""

from math import inf
from random import Random

from tools.fuzz import sizes
from tools.fuzz.call import FLOATS, LAYOUTS, LINEAR, SIGNAL, Call, Operand, Out
from tools.fuzz.memory import LAID
from tools.fuzz.wrong import spoil

POOLS = ("max_pool", "avg_pool", "lp_pool", "l2_pool", "weighted_pool")
ADAPTIVE = ("adaptive_avg_pool", "adaptive_max_pool")
KINDS = [*LINEAR, *LINEAR, "conv", "conv", *POOLS, *POOLS, *ADAPTIVE, *SIGNAL]
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool")
BORDERS = ("zeros", "edge", "reflect", "symmetric", "wrap")
ORDERS = (1, 1.0, 1.5, 2, 2.0, 2.5, 3, 4.0, 7, 30, 100.5, 1000, 1e6, inf)
LISTED = ("float64", "int64", "bool")  # what NumPy makes of a list of numbers
FEW, COUNTS = (1, 1, 2, 2, 3, 4, 5), (1, 2, 3, 4, 6, 8, 9, 12, 15, 16, 17, 24, 32, 33, 48, 65)
WRONG = 0.25  # of the calls


def call_of(seed, number):
    """Make the call `number` of the run `seed`."""
    random = Random(f"{seed} {number}")
    call = legal(random)
    return spoil(call, random) if random.random() < WRONG else call


def legal(random):
    """Make a call that is legal, or nearly always."""
    kind, nd = random.choice(KINDS), random.choice((1, 1, 2, 2, 2, 3))
    if kind in SIGNAL:
        return _signal(random, kind, nd)
    call = _shape(random, Call(kind, nd, backward=random.random() < 0.45))
    call = _dtypes(random, call)
    return call.like(out=_out(random, call)) if random.random() < 0.35 else call


# Sizes and options


def _shape(random, call):
    """Sizes and options; a large call now and then, wide or with many channels."""
    nd, kind = call.nd, call.kind
    large = random.random() < 0.06
    options = {}
    if random.random() < 0.4:
        options["layout"] = random.choice(LAYOUTS[nd])
    k = c = g = 1
    if kind in LINEAR:
        c, k = random.choice(FEW), random.choice(FEW)
        if large:
            c, k = random.choice(((c, random.choice(COUNTS)), (random.choice(COUNTS), k)))
    else:
        c = random.choice(COUNTS if large else FEW)
    if kind in ("conv", "conv_transpose") and random.random() < 0.3:
        g = random.choice((1, 2, 3, c))
        c, k = -(-c // g) * g, -(-k // g) * g
        options["groups"] = g
    if random.random() < 0.03:
        c = 0
    if kind in LINEAR and random.random() < 0.03:
        k = 0
    call = call.like(
        n=random.choice((None, 1, 1, 2, 3, 0 if random.random() < 0.3 else 2)), c=c, k=k
    )
    if kind in ADAPTIVE:
        call = _adaptive(random, call, options)
    else:
        call = _sliding(random, call, options, large and max(c, k) < 12)
    call = call.like(options=_more_options(random, call, options))
    if kind == "tiled_conv":
        call = call.like(period=tuple(random.choice((1, 1, 2, 2, 3, 5)) for _ in range(nd)))
    return call


def _adaptive(random, call, options):
    most = {1: 20, 2: 8, 3: 4}[call.nd]
    space = tuple(random.randint(1, most) for _ in range(call.nd))
    wanted = tuple(random.choice((1, 2, random.randint(1, most), None)) for _ in range(call.nd))
    options["output_size"] = random.choice((wanted, wanted, wanted[0]))
    return call.like(space=space)


def _sliding(random, call, options, large):
    nd, kind = call.nd, call.kind
    taps = {1: (1, 2, 3, 4, 5), 2: (1, 2, 3, 3), 3: (1, 2, 2)}[nd]
    kernel = [random.choice(taps) for _ in range(nd)]
    most = {1: 20, 2: 6, 3: 3}[nd]
    space = [random.randint(0, most) for _ in range(nd)]
    if large:  # long rows, or long windows on them
        axis = random.randrange(nd)
        space[axis] += random.choice((17, 33, 64, 90))
        if random.random() < 0.5:
            kernel[axis] = random.choice((9, 12, 17, 24, 33))
            space[axis] += kernel[axis]
    stride = [random.choice((1, 1, 2, 3)) for _ in range(nd)]
    dilation = [random.choice((1, 1, 1, 2, 3)) for _ in range(nd)]
    if random.random() < 0.6:
        stride = [random.choice((1, 2, 3, 5))] * nd
    if random.random() < 0.7:
        dilation = [random.choice((1, 1, 1, 2))] * nd
    if kind.endswith("pool") and random.random() < 0.3:
        stride = None
    if stride is not None:
        if kind.endswith("pool") or stride != [1] * nd or random.random() < 0.3:
            options["stride"] = _spelled(random, stride)
        if stride == [1] * nd and kind != "conv_transpose" and random.random() < 0.02:
            options["stride"] = random.choice((2**31, 2**62, 2**63 - 1))
    elif random.random() < 0.3:
        options["stride"] = None
    if dilation != [1] * nd or random.random() < 0.2:
        options["dilation"] = _spelled(random, dilation)
    reach = [(r - 1) * d for r, d in zip(kernel, dilation, strict=True)]
    options.update(_padding(random, nd, reach))
    if kind == "conv_transpose":
        if random.random() < 0.4:
            options["output_padding"] = _spelled(random, [random.randrange(s) for s in stride])
        space = [max(n, 1) for n in space]
    elif random.random() < 0.95:  # what the kernel sees is there
        pads = options.get("padding", "valid")
        pads = pads if isinstance(pads, tuple) else (pads,) * nd
        for i, (entry, reached) in enumerate(zip(pads, reach, strict=True)):
            cells = sum(sizes.pair(entry, space[i], reached, 1))
            space[i] += max(reached + 1 - cells - space[i], 0)
    if kind.endswith("pool") and kind != "weighted_pool":
        options["kernel_size"] = _spelled(random, kernel)
    return call.like(space=tuple(space), kernel=tuple(kernel))


def _spelled(random, values):
    """One value for all axes where they are equal, or a tuple or list."""
    if len(set(values)) == 1 and random.random() < 0.7:
        return values[0]
    return list(values) if random.random() < 0.1 else tuple(values)


def _padding(random, nd, reach):
    """A padding of any spelling, mostly less than what the kernel sees."""

    def pair():
        return (random.randint(0, 3), random.randint(0, 3))

    def some(reached):
        return random.randint(0, max(reached, 1))

    form = random.randrange(8)
    if form < 2:
        return {}
    if form == 2:
        return {"padding": random.choice(("valid", "same", "same_lower", "full"))}
    if form == 3:
        return {"padding": some(min(reach))}
    if form == 4:
        return {"padding": tuple(some(r) for r in reach)}
    if form == 5:
        return {"padding": tuple((some(r), some(r)) for r in reach)}
    if form == 6:
        return {
            "padding": tuple(
                random.choice(("same", "full", some(r), (some(r), some(r)))) for r in reach
            )
        }
    return {"padding": tuple(pair() for _ in range(nd))}


def _more_options(random, call, options):
    def perhaps(name, choices, chance=0.3):
        if random.random() < chance:
            options[name] = random.choice(choices)

    kind, both = call.kind, (False, True)
    perhaps("threads", (None, 1, 2, 3, 7), 0.2)
    if kind == "conv":
        perhaps("flip", both)
        perhaps("algorithm", ("auto", "direct"), 0.1)
    if (kind in LINEAR or kind in POOLS) and random.random() < 0.4:
        options["border"] = _border(random, call.nd)
    if kind in POOLS:
        perhaps("ceil_mode", both, 0.4)
    if kind == "avg_pool":
        perhaps("count_include_pad", both, 0.5)
    if kind == "lp_pool":
        perhaps("p", ORDERS, 0.9)
    if kind == "weighted_pool":
        perhaps("normalize", both, 0.5)
    if "max_pool" in kind:
        perhaps("return_indices", both, 0.4)
    if kind in LINEAR and call.backward:
        perhaps("needs", [(x, w, b) for x in both for w in both for b in both], 0.5)
    return options


def _border(random, nd):
    """A border of any spelling; its numbers are those that every dtype has."""
    sides = (*BORDERS, 0.0, 1.0)
    form = random.randrange(4)
    if form == 0:
        return random.choice(sides)
    if form == 1:
        return tuple(random.choice(sides) for _ in range(nd))
    return tuple((random.choice(sides), random.choice(sides)) for _ in range(nd))


def _signal(random, kind, nd):
    most = {1: 30, 2: 7, 3: 4}[nd]
    space, kernel = ([random.randint(1, most) for _ in range(nd)] for _ in range(2))
    if random.random() < 0.8:
        kernel = [min(a, b, 5) for a, b in zip(space, kernel, strict=True)]
        if random.random() < 0.2:
            space, kernel = kernel, space
    options = {"mode": random.choice(("full", "same", "valid"))} if random.random() < 0.8 else {}
    call = Call(kind, nd, space=tuple(space), kernel=tuple(kernel), options=options)
    return call.like(operands=_operands(random, ("x", "w")))


# Operands


def _dtypes(random, call):
    names = ["grad"] * call.backward + ["x"]
    if call.kind in LINEAR:
        names += ["weight"] + ["bias"] * (random.random() < 0.6)
    operands = _operands(random, names, call)
    if call.kind == "conv" and call.groups == 1 and random.random() < 0.15:
        operands["connections"] = Operand(
            "bool", "integers", random.getrandbits(30), _memory(random)
        )
    if call.kind == "weighted_pool":
        values = ("positive", "positive", "integers", "fractions")
        operands["window"] = Operand(
            random.choice(("float64", "float32", "int64", "float16")),
            random.choice(values),
            random.getrandbits(30),
            _memory(random),
        )
    if "max_pool" in call.kind and call.backward and random.random() < 0.4:
        operands["indices"] = Operand(
            random.choice(("int64", "int64", "int32", "uint16")),
            "integers",
            random.getrandbits(30),
            _memory(random),
        )
    return call.like(operands=operands)


def _operands(random, names, call=None):
    """Operands of one dtype, or of several, with values of one kind, or of several."""
    several, mixed = random.random() < 0.15, random.random() < 0.15
    dtype, kind = _dtype(random), _values(random)
    operands, far = {}, False
    for name in names:
        dtype = _dtype(random) if several else dtype
        kind = _values(random) if mixed else kind
        laid = _memory(random)
        if (laid == "far" and far) or (laid == "list" and dtype not in LISTED):
            laid = "plain"  # there is one such memory
        far = far or laid == "far"
        operands[name] = Operand(
            dtype,
            kind if dtype in FLOATS or kind == "extreme" else "integers",
            random.getrandbits(30),
            laid,
        )
    return operands


def _dtype(random):
    return random.choice((*FLOATS, "float32", "float32", "float64", random.choice(INTEGERS)))


def _values(random):
    return random.choice(
        (
            "integers",
            "integers",
            "integers",
            "fractions",
            "mixed",
            "special",
            "special",
            "huge",
            "tiny",
            "zeros",
            "extreme",
        )
    )


def _memory(random):
    return random.choice(list(LAID)) if random.random() < 0.4 else "plain"


# Results


def _out(random, call):
    if call.kind in LINEAR and call.backward:
        chosen, used = [], set()
        for result in call.results():
            out = _one_out(random, call) if result and random.random() < 0.7 else None
            if out and out.over in used:
                out = Out()
            if out:
                used.add(out.over)
            chosen.append(out)
        return tuple(chosen)
    return _one_out(random, call)


def _one_out(random, call):
    if random.random() < 0.5:
        laid = (
            "plain",
            "fortran",
            "permuted",
            "reversed",
            "spaced",
            "inside",
            "unaligned",
            "odd_ones",
            "fields",
        )
        return Out(random.choice(laid), seed=random.getrandbits(30))
    over = random.choice(
        [
            name
            for name, operand in call.operands.items()
            if name != "connections" and operand.memory != "far"
        ]
        or [""]
    )
    shift = random.choice((None, None, 0, 0, 8, -8, 4, -16, 64, 1, -3))
    return Out(over=over, shift=shift, backwards=random.random() < 0.3)
