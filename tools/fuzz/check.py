"""What counts as a finding: `examine` makes a call and returns what is wrong with the answer.

- A result has the oracle's shape, dtype and numbers (see `bounds`), is native, new or `out` itself.
- Operands are as they were, and so is the memory around `out`; after a refusal `out` is, too.
- What the oracle refuses is refused, and only that. A refusal is a ValueError, TypeError or
  MemoryError whose text begins with the operator's name and has the name of an argument.

The oracle is not asked about everything; each exception says why.
"""

import inspect
import operator
import re
import warnings
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

import convcore
from convcore import reference
from tools.fuzz.bounds import fault
from tools.fuzz.call import LINEAR, build, written

LONGEST_TEXT = 1000
MASKED = ("conv", "max_pool", "avg_pool", "lp_pool", "l2_pool", "weighted_pool")
INTEGERS = ("kernel_size", "stride", "padding", "dilation", "output_padding", "output_size")


@dataclass(frozen=True)
class Finding:
    """What is wrong with a call: the kind of fault, and the fault."""

    kind: str
    text: str

    def key(self, call):
        """Equal for findings that are likely to have one cause."""
        words = re.sub(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?|inf|nan|0x\w+", "#", self.text)
        wrong = call.wrong[0] if call.wrong else ""
        words = words.replace(f"{call.nd}d", "d") if self.kind in ("refused", "text") else ""
        return f"{self.kind} {call.kind}{' backward' * call.backward} {wrong} {words[:60]}"


def examine(call, tally=None):
    """What is wrong with the answer to a call, or None.

    `tally` counts how many calls had a result that was compared, were refused, and so on.
    """
    try:
        arguments = build(call)
    except (TypeError, ValueError, IndexError, AttributeError, OverflowError):
        if call.wrong is None:
            raise
        _count(tally, "not made")  # there is no such wrong argument
        return None
    got = error = None
    try:
        # NumPy warns of overflow in some of the conversions from and to float16
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = getattr(convcore, call.op)(**arguments.given)
    except Exception as raised:
        error = raised
    found = _changed(call, arguments, error)
    if found is None and error is not None:
        found = _form(call, error)
    if found is None:
        found = _against_oracle(call, arguments, got, error, tally)
    return found


def _count(tally, outcome):
    if tally is not None:
        tally[outcome] += 1


# What must not change


def _changed(call, arguments, error):
    mine = [out for out in arguments.outs if out is not None]
    for operand, before in arguments.kept:
        if operand.tobytes() != before and not any(
            np.may_share_memory(operand, out) for out in mine
        ):
            return Finding("changed", "an operand is not what it was before the call")
    given = arguments.given.get("out")
    if (call.wrong is not None and call.wrong[0] == "out") or given is None:
        return None
    for out, (root, before) in zip(mine, arguments.around, strict=True):
        after = np.frombuffer(before, np.uint8) if error else written(out, before, root)
        if not np.array_equal(root, after):
            return Finding(
                "changed",
                "out was written to, and the call was refused"
                if error is not None
                else "memory beside out was written to",
            )
    return None


# How a refusal looks


def _form(call, error):
    text = str(error)
    if not isinstance(error, (ValueError, TypeError, MemoryError)):
        return Finding("text", f"{type(error).__name__} instead of a refusal: {text}")
    if not text.startswith(f"{call.op}: "):
        return Finding("text", f"{type(error).__name__} does not name the operator: {text}")
    names = inspect.signature(getattr(convcore, call.op)).parameters
    if isinstance(error, MemoryError):
        names = [*names, "result", "scratch", "memory"]  # no argument is to blame
    if not any(re.search(rf"\b{name}\b", text) for name in names):
        return Finding("text", f"{type(error).__name__} names no argument: {text}")
    if len(text) > LONGEST_TEXT:
        return Finding("text", f"{type(error).__name__} of {len(text)} characters")
    return None


# What the oracle says


def _against_oracle(call, arguments, got, error, tally):
    _count(
        tally,
        "refused"
        if error is not None
        else "not compared"
        if _beyond_oracle(call, arguments)
        else "compared",
    )
    if not _own_rules(call, arguments):
        return None if error is not None else Finding("accepted", f"took {call.wrong}")
    if _beyond_oracle(call, arguments):
        return None
    options = {
        name: value
        for name, value in arguments.given.items()
        if name not in ("threads", "algorithm", "out") and name not in arguments.plain
    }
    for name in INTEGERS:  # an array of one number is a number
        if isinstance(options.get(name), np.ndarray) and options[name].ndim == 0:
            options[name] = options[name][()]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = getattr(reference, call.op)(**arguments.plain, **options)
    except MemoryError:
        return None
    except Exception as refused:
        if error is not None or ("have the sum 0" in str(refused) and got.size == 0):
            return None  # nothing is divided by that sum
        return Finding(
            "accepted", f"took what the oracle refuses: {type(refused).__name__}: {refused}"
        )
    if not _suitable(call, arguments.given.get("out"), want):
        return None if error is not None else Finding("accepted", "wrote to an unsuitable out")
    if error is not None:
        if (
            _large_integers(arguments)
            or any(abs(number) >= 2**31 for number in _numbers(list(options.values())))
            or any(isinstance(value, range) for value in options.values())
        ):
            return None  # these may be refused, or right
        return Finding("refused", f"{type(error).__name__}: {error}")
    return _compare(call, arguments, options, got, want)


def _own_rules(call, arguments):
    """What the oracle does not mind, and a call may not have."""
    threads = arguments.given.get("threads")
    if threads is not None:
        try:
            number = operator.index(threads)
        except TypeError:
            return False
        if isinstance(threads, (bool, np.bool_)) or not 1 <= number <= 1024:
            return False
    algorithm = arguments.given.get("algorithm", "auto")
    if not isinstance(algorithm, str) or algorithm not in ("auto", "direct"):
        return False
    if np.ndim(arguments.given.get("groups", 1)):  # there are no axes to give one each
        return False
    if isinstance(arguments.given.get("output_size"), (bool, np.bool_)):
        return False  # nowhere is a bool a number
    if hasattr(arguments.given.get("needs"), "__next__"):  # which can be read once alone
        return False
    # a mask would be lost, or stay as it was
    given = [
        value
        for name, value in arguments.given.items()
        if name != "x" or call.kind not in MASKED  # of which some know what to make
    ]
    out = arguments.given.get("out")
    given += out if isinstance(out, (list, tuple)) else []
    return not any(isinstance(value, np.ma.MaskedArray) for value in given)


def _suitable(call, out, want):
    """Whether `out` may be written to, if the result is `want`."""
    if out is None:
        return True
    if call.kind in LINEAR and call.backward:
        if not isinstance(out, (tuple, list)) or len(out) != 3:
            return False
    else:
        out, want = (out,), want if isinstance(want, tuple) else (want,)
    for array, result in zip(out, want, strict=False):
        if array is None:
            continue
        if (
            result is None
            or not isinstance(array, np.ndarray)
            or not array.flags.writeable
            or (array.shape, array.dtype) != (result.shape, result.dtype)
            or _own_overlap(array)
        ):
            return False
    arrays = [array for array in out if array is not None]
    return not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def _own_overlap(array):
    """Whether two numbers of an array share memory."""
    starts = [0]
    for size, stride in zip(array.shape, array.strides, strict=True):
        if size > 1:
            starts = [start + i * stride for start, i in product(starts, range(size))]
    return array.size > 1 and any(b - a < array.itemsize for a, b in pairwise(sorted(starts)))


def _beyond_oracle(call, arguments):
    """Whether the oracle would take too long, for it has its padding in memory and lists its taps.

    So it would for huge numbers, but not for huge strides of a convolution, which just end it.
    """
    costly = {
        name: value
        for name, value in arguments.given.items()
        if name in (*INTEGERS, "groups") and (name != "stride" or call.kind == "conv_transpose")
    }
    return any(size > 10_000 for size in _numbers(list(costly.values()))) or any(
        isinstance(value, np.ndarray) and max(value.size, *value.shape, 0) > 10**5
        for value in arguments.plain.values()
    )


def _numbers(value):
    value = value.tolist() if isinstance(value, np.ndarray) else value
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, (int, np.integer)):
        yield int(value)


def _large_integers(arguments):
    """Whether an operand has integers that float64 does not have."""
    given = [value for value in arguments.plain.values() if value is not None]
    try:
        arrays = [np.asarray(value) for value in given]
    except (ValueError, OverflowError):  # no array, so no integers
        return False
    return any(
        array.size
        and array.dtype.kind in "iu"
        and (int(array.max()) > 2**53 or int(array.min()) < -(2**53))
        for array in arrays
    )


def _compare(call, arguments, options, got, want):
    several = isinstance(want, tuple)
    if several != isinstance(got, tuple) or (several and len(got) != len(want)):
        return Finding("result", f"{type(got).__name__} instead of {type(want).__name__}")
    pairs = list(zip(got, want, strict=True)) if several else [(got, want)]
    for which, (ours, theirs) in enumerate(pairs):
        if theirs is None and ours is None:
            continue
        name = f"result {which}: " if several else ""
        if (
            not isinstance(ours, np.ndarray)
            or theirs is None
            or (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype)
            or not ours.dtype.isnative
        ):
            return Finding("result", f"{name}{_described(ours)} instead of {_described(theirs)}")
        if ours.dtype.kind == "f" and not (several and "max_pool" in call.kind and which == 1):
            text = fault(call, arguments.plain, options, which if several else 0, ours, theirs)
        else:
            text = None if np.array_equal(ours, theirs) else _difference(ours, theirs)
        if text is not None:
            return Finding("numbers", name + text)
        found = _where(call, arguments, which, ours)
        if found is not None:
            return found
    return None


def _described(array):
    return f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else repr(array)


def _difference(ours, theirs):
    place = tuple(map(int, np.argwhere(ours != theirs)[0]))
    return f"at {place}: {ours[place]!r} instead of {theirs[place]!r}"


def _where(call, arguments, which, ours):
    """A result is `out`, or new memory that can be written to."""
    given = arguments.given.get("out")
    given = given[which] if isinstance(given, (tuple, list)) and which < len(given) else given
    if isinstance(given, np.ndarray) and not (which and "max_pool" in call.kind):
        return None if ours is given else Finding("result", "the result is not out")
    if not ours.flags.writeable:
        return Finding("result", "the result cannot be written to")
    if any(np.may_share_memory(ours, operand) for operand, _ in arguments.kept):
        return Finding("result", "the result is a view of an operand")
    return None
