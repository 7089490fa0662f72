"""Equal bits: one problem in every way that promises the same numbers, compared bit by bit.

Each problem is computed with 1, 2, 3 and 7 threads, with the channels first and last, and image by
image beside the batch; all of that in a process for each instruction set, whose bits are compared
as well: those of the sets with fused multiply-add, and for maxima, averages and norms of all. A NaN
is as good as another.
"""

import hashlib
import json
import os
import subprocess
import sys
from random import Random

import numpy as np

import convcore
from tools.fuzz.call import LAYOUTS, LINEAR, SIGNAL, Operand, build
from tools.fuzz.check import Finding
from tools.fuzz.generate import legal
from tools.fuzz.shrink import shrink, snippet

FUSED = ("x86-64-v3", "x86-64-v4")
FOLDED = ("max_pool", "avg_pool", "lp_pool", "l2_pool", "adaptive_avg_pool", "adaptive_max_pool")
VALUES = ("fractions", "mixed", "mixed", "special", "tiny", "huge", "zeros")


def problem(seed, number):
    """Make a legal call with a batch, of floats that lie in memory as arrays do.

    A third are large enough that their work is shared between threads.
    """
    random = Random(f"bits {seed} {number}")
    while True:
        call = legal(random)
        if call.kind not in SIGNAL:
            call = call.like(n=random.randint(2, 4))
        dtype, values = random.choice(("float32", "float32", "float64")), random.choice(VALUES)
        if call.kind not in SIGNAL and random.random() < 0.33:
            call = _larger(random, call)
        operands = {
            name: operand
            if name in ("connections", "window")
            else Operand(operand.dtype if name == "indices" else dtype, values, operand.seed)
            for name, operand in call.operands.items()
        }
        call = call.like(operands=operands, out=None)
        try:
            _computed(call, build(call).given)
        except ValueError:  # not legal after all
            continue
        return call


def _larger(random, call):
    times = random.choice((8, 16, 21))
    space = tuple(size * random.choice((2, 3, 5)) if size else size for size in call.space)
    if call.kind == "local_conv":  # a kernel for each output: few are many
        return call.like(space=space)
    if call.kind in LINEAR:
        return (
            call.like(c=call.c * times, k=call.k * (1 if call.groups > 1 else times))
            if call.groups == 1
            else call.like(space=space)
        )
    return call.like(c=call.c * times, space=space)


def _computed(call, given, **more):
    """The results of a call, as a list without Nones."""
    with np.errstate(all="ignore"):
        results = getattr(convcore, call.op)(**{**given, **more})
    results = results if isinstance(results, tuple) else (results,)
    return [result for result in results if result is not None]


def digest(results):
    """The first digits of the SHA-256 sum of some arrays' bits."""
    total = hashlib.sha256()
    for result in results:
        if result.dtype.kind == "f":
            result = np.where(np.isnan(result), result.dtype.type(np.nan), result)
        total.update(np.ascontiguousarray(result).tobytes())
    return total.hexdigest()[:16]


def examine(call):
    """What differs between two ways to compute a call, or None."""
    given = build(call).given
    given.pop("threads", None)
    if call.kind in SIGNAL:
        return None  # it has neither threads nor layouts
    base = _computed(call, given, threads=1)
    for threads in (2, 3, 7):
        if digest(_computed(call, given, threads=threads)) != digest(base):
            return Finding("bits", f"{threads} threads")
    # without fused multiply-add products are rounded too, and so differ between kernels
    if call.kind not in FOLDED and convcore.build_info()["isa"] == "baseline":
        return None
    if digest(_other_layout(call, given)) != digest(base):
        return Finding("bits", "layout")
    # the gradients of weights and biases are sums over the batch, the first result is not
    if call.n and (
        not call.backward or call.kind not in LINEAR or call.options.get("needs", (True,))[0]
    ):
        whole = base if "max_pool" in call.kind else base[:1]
        for i in range(call.n):
            one = {
                name: value[i : i + 1] if name in ("grad", "x", "indices") else value
                for name, value in given.items()
            }
            alone = _computed(call, one)[: len(whole)]
            if digest(alone) != digest([result[i : i + 1] for result in whole]):
                return Finding("bits", "one image")
    return None


def _other_layout(call, given):
    """The results by way of the other layout, put back."""
    images = (1, -1) if not call.last else (-1, 1)
    other = {
        name: np.ascontiguousarray(np.moveaxis(value, *images))
        if name in ("grad", "x", "indices")
        else value
        for name, value in given.items()
    }
    results = _computed(call, other, layout=LAYOUTS[call.nd][not call.last])
    if call.kind in LINEAR and call.backward:
        if not call.options.get("needs", (True,))[0]:
            return results
        return [np.moveaxis(results[0], *images[::-1]), *results[1:]]
    return [np.moveaxis(result, *images[::-1]) for result in results]


def tell(seed, first, count):
    """Print the sum of each problem and what differs, as lines of JSON: a process's share."""
    for number in range(first, first + count):
        call = problem(seed, number)
        found = examine(call)
        said = ""
        if found is not None:
            try:
                smaller, found = shrink(call, found, lambda c: examine(c) if c.n else None)
            except Exception:  # then the call as it was
                smaller = call
            said = f"{found.text}\n{smaller}\n{snippet(smaller)}"
        given = build(call).given
        print(json.dumps([digest(_computed(call, given)), said]), flush=True)


def run(seed, first, count):
    """Compare `count` problems over everything; 1 if bits differ."""
    levels = convcore.build_info()["isa_available"]
    told = {level: _process(level, seed, first, count) for level in levels}
    findings = compared = 0
    for number in range(first, first + count):
        call = problem(seed, number)
        answers = {level: lines[number - first] for level, lines in told.items()}
        differ = [f"{level}: {said}" for level, (_, said) in answers.items() if said]
        alike = [level for level in levels if level in FUSED or call.kind in FOLDED]
        compared += len(alike) > 1
        if len({answers[level][0] for level in alike}) > 1:
            differ.append(f"instruction sets {answers}\n{call}")
        if differ:
            findings += 1
            print(f"== problem {number} of seed {seed}, {call.op}: {'; '.join(differ)}\n")
    print(
        f"{count} problems at {', '.join(levels)}, {compared} of them compared between sets: "
        f"{findings} differ"
    )
    return 1 if findings else 0


def _process(level, seed, first, count):
    code = f"from tools.fuzz import bits; bits.tell({seed}, {first}, {count})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "CONVCORE_ISA": level},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
