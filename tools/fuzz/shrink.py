"""A call with a finding, made smaller, and printed as Python."""

import numpy as np

from tools.fuzz.call import SIGNAL, Call, Operand, Out, build, values

PLAIN_VALUES = ("integers",)


def shrink(call, found, examine, limit=600):
    """The smallest call found that has the same finding: each step has to keep it.

    `found` is the finding and `examine` what finds it, for at most `limit` calls.
    """
    key, tried, going = found.key(call), 0, True
    while going and tried < limit:
        going = False
        for smaller in _smaller(call):
            tried += 1
            try:
                again = examine(smaller)
            except Exception:  # no call comes of that
                continue
            if again is not None and again.key(smaller) == key:
                call, found, going = smaller, again, True
                break
            if tried >= limit:
                break
    return call, found


def _smaller(call):
    """Calls that have a little less of something."""
    for name in ("n", "c", "k"):
        value = getattr(call, name)
        if value not in (None, 0, 1):
            yield call.like(**{name: 1})
            yield call.like(**{name: value // 2})
            yield call.like(**{name: value - 1})
    if call.n is not None:
        yield call.like(n=None)
    for name in call.options:
        options = {key: value for key, value in call.options.items() if key != name}
        if name not in ("kernel_size", "output_size"):
            yield call.like(options=options)
    for name in ("bias", "connections", "indices"):
        if name in call.operands:
            yield call.like(
                operands={key: operand for key, operand in call.operands.items() if key != name}
            )
    if call.out is not None:
        yield call.like(out=None)
        if isinstance(call.out, tuple):
            for i, out in enumerate(call.out):
                if out is not None:
                    yield call.like(out=(*call.out[:i], None, *call.out[i + 1 :]))
        elif call.out != Out(over=call.out.over):
            yield call.like(out=Out(over=call.out.over))
    for axis in range(call.nd):
        yield from _shorter(call, axis)
    for name, operand in call.operands.items():
        for simple in (
            Operand(operand.dtype, operand.values, operand.seed),
            Operand(operand.dtype, "integers", operand.seed, operand.memory),
            Operand("float32", operand.values, operand.seed, operand.memory),
        ):
            if simple != operand and name not in ("connections", "indices"):
                yield call.like(operands={**call.operands, name: simple})
    if call.nd > 1 and call.kind not in SIGNAL:
        for axis in range(call.nd):
            yield _without(call, axis)


def _shorter(call, axis):
    """Calls with fewer cells along an axis, in the input, the kernel and the period."""
    for field in ("space", "kernel", "period"):
        sizes = getattr(call, field)
        if not sizes or sizes[axis] < 2:
            continue
        for size in (1, sizes[axis] // 2, sizes[axis] - 1):
            changed = (*sizes[:axis], size, *sizes[axis + 1 :])
            options = call.options
            if field == "kernel" and "kernel_size" in options:
                options = {**options, "kernel_size": changed}
            yield call.like(**{field: changed}, options=options)


def _without(call, axis):
    """The same call with one axis less."""

    def cut(value):
        return (
            (*value[:axis], *value[axis + 1 :])
            if isinstance(value, (tuple, list)) and len(value) == call.nd
            else value
        )

    options = {
        name: cut(value) if name != "needs" else value
        for name, value in call.options.items()
        if name != "layout"
    }
    return Call(
        call.kind,
        call.nd - 1,
        call.backward,
        call.n,
        call.c,
        call.k,
        cut(call.space),
        cut(call.kernel),
        cut(call.period),
        options,
        call.operands,
        call.out,
        call.wrong,
    )


def snippet(call):
    """The call as Python that can be run from the root of the repository."""
    arguments, shapes = build(call.like(wrong=None)), call.shapes()
    lines = [
        "import numpy as np",
        "from numpy import inf, nan",
        "from numpy.lib.stride_tricks import as_strided",
        "",
        "import convcore",
        "from convcore import reference",
        "from tools.fuzz.memory import lay",
        "",
    ]
    names, wide = {}, call.out if isinstance(call.out, tuple) else (call.out,)
    over = {out.over for out in wide if out is not None and out.over}
    for name, operand in call.operands.items():
        given = arguments.given[name]
        laid = (
            np.asarray(arguments.plain[name])
            if name == "indices" or operand.memory in ("broadcast", "windows")
            else values(operand, shapes[name])
        )
        text = f"np.array({_literal(laid)}, {operand.dtype!r}).reshape({laid.shape})"
        if operand.memory != "plain" and name not in over:
            text = f"lay({text}, {operand.memory!r}, {operand.seed})"
        lines.append(f"{name} = {text}")
        names[name] = name
        if name in over:
            lines += _over(name, given)
    options = {name: repr(value) for name, value in call.options.items()}
    options = {**names, **options}
    if call.out is not None:
        outs = [
            _out(out, array, lines, i)
            for i, (out, array) in enumerate(zip(wide, arguments.outs, strict=True))
        ]
        options["out"] = f"({', '.join(outs)})" if isinstance(call.out, tuple) else outs[0]
    if call.wrong is not None:
        results = [
            result and f"np.zeros({result[0]}, {result[1].name!r})" for result in call.results()
        ]
        want = results[0] if len(results) == 1 else f"[{', '.join(map(str, results))}]"
        if "want" in call.wrong[1]:
            lines.append(f"want = {want}")
        options[call.wrong[0]] = call.wrong[1]
    said = ", ".join(f"{name}={text}" for name, text in options.items())
    lines += [f"print(convcore.{call.op}({said}))"]
    asked = ", ".join(
        f"{name}={f'np.array({text})' if name in names else text}"
        for name, text in options.items()
        if name not in ("out", "threads", "algorithm")
    )
    if not over:  # else the operands have been written to
        lines += [f"print(reference.{call.op}({asked}))"]
    return "\n".join(lines)


def _literal(array):
    return repr(array.ravel().tolist())


def _over(name, given):
    """Move an operand into bytes that a result shares."""
    root = given if given.base is None else given.base
    start = given.ctypes.data - root.ctypes.data
    return (
        [
            f"memory_of_{name} = np.full({root.nbytes}, 255, np.uint8)",
            f"{name}, values = np.ndarray({given.shape}, {given.dtype.str!r}, memory_of_{name}, "
            f"{start}), {name}",
            f"{name}[...] = values",
        ]
        if root is not given
        else []
    )


def _out(out, array, lines, i):
    """The expression of an array to write to; what it needs is added to the lines."""
    if out is None or array is None:
        return "None"
    if not out.over:
        return f"lay(np.zeros({array.shape}, {array.dtype.name!r}), {out.memory!r}, {out.seed})"
    if array.base is None:
        return out.over
    start = array.ctypes.data - array.base.ctypes.data
    lines.append(
        f"out{i} = np.ndarray({array.shape}, {array.dtype.name!r}, "
        f"memory_of_{out.over}, {start}, {array.strides})"
    )
    return f"out{i}"
