"""The golden sums: what every case of the tables comes to, bit by bit.

    python -m tools.golden --write           # at every instruction set of this machine
    python -m tools.golden                   # compare, and name what differs

`tests/golden.txt` has a line for each case: the CRC-32 of its name, four sums at the levels with
fused multiply-add and, where they differ, those of the baseline. The four are of float32 and
float64 forward, then backward, each the beginning of a SHA-256. Sums are direct.
`tests/test_golden.py` compares at the level that runs.

Operands are hashes of integers (`tools.numbers`): no generator's stream and no function of the C
library takes part in making them.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np

import convcore
from tools import numbers

FILE = Path(__file__).resolve().parents[1] / "tests" / "golden.txt"
FUSED = ("x86-64-v3", "x86-64-v4")
DIGITS = 4  # of each of the four sums
PARTS = ("float32", "float64", "float32 backward", "float64 backward")


def column():
    """Which sums this process has to have: "fused", "baseline", or None elsewhere than on x86."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    return "fused" if convcore.build_info()["isa"] in FUSED else "baseline"


def tables():
    """The tables of cases by name; each case has `call` and `back`."""
    from tests.tables import gradient_cases, pool_cases

    return {"layers": gradient_cases.GRADIENTS, "poolings": pool_cases.POOLINGS}


def name_of(case):
    """A name that no other case has."""
    return f"{case.op} {case.x} {getattr(case, 'weight', '')} {case.name}"


def key(name):
    """What the file has for a case's name."""
    return f"{zlib.crc32(name.encode()):08x}"


def _numbers(case, operand, shape, dtype):
    seed = zlib.crc32(f"{operand} of {name_of(case)}".encode())
    return numbers.fractions(seed, shape).astype(dtype)


def _options(case):
    """The options, with arrays that no generator has made."""
    options, seed = dict(case.options), zlib.crc32(name_of(case).encode())
    if "window" in options:
        least = 1 if options.get("normalize", True) else -4
        options["window"] = numbers.integers(seed, options["window"], least, 5).astype(float)
    least = {"random": 3, "dense": 1}.get(options.get("connections"))
    if least is not None:  # of five
        options["connections"] = numbers.integers(seed, case.weight[:2], 0, 5) >= least
    elif "connections" in options:
        options["connections"] = case.arguments()["connections"]
    return options


def _of_layer(case, dtype):
    """The results of a linear operator, and its gradients."""
    bias = _numbers(case, "bias", case.bias_shape, dtype) if case.bias else None
    x, weight = (_numbers(case, name, getattr(case, name), dtype) for name in ("x", "weight"))
    options = _options(case)
    y = getattr(convcore, case.op)(x, weight, bias, **options)
    grad = _numbers(case, "grad", y.shape, dtype)
    return [y], getattr(convcore, f"{case.op}_backward")(grad, x, weight, bias, **options)


def _of_pooling(case, dtype):
    """The result of a pooling, with the indices of a maximum, and its gradient."""
    x, options = _numbers(case, "x", case.x, dtype), _options(case)
    more = {"return_indices": True} if case.is_max else {}
    y = getattr(convcore, case.op)(x, **options, **more)
    y = y if isinstance(y, tuple) else (y,)
    grad = _numbers(case, "grad", y[0].shape, dtype)
    return y, [getattr(convcore, f"{case.op}_backward")(grad, x, **options)]


def sums(case):
    """The four sums of a case, in one word."""
    of = _of_layer if hasattr(case, "weight") else _of_pooling
    parts = [of(case, dtype) for dtype in (np.float32, np.float64)]
    return "".join(_sum(part[way]) for way in (0, 1) for part in parts)


def _sum(arrays):
    """The beginning of the SHA-256 of some arrays; a NaN is as good as another."""
    total = hashlib.sha256()
    for array in arrays:
        if array is not None:
            if array.dtype.kind == "f":
                array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
            total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:DIGITS]


def read():
    """The golden sums: {key: {"fused": sums, "baseline": sums}}."""
    lines = map(str.split, FILE.read_text(encoding="utf-8").splitlines())
    return {name: {"fused": words[0], "baseline": words[-1]} for name, *words in lines}


def differences(cases, level):
    """What differs from the golden sums, as lines of text that name the case and the part."""
    golden, found = read(), []
    for case in cases:
        name = name_of(case)
        got, want = sums(case), golden.get(key(name), {}).get(level, "")
        parts = [
            part
            for i, part in enumerate(PARTS)
            if got[i * DIGITS : (i + 1) * DIGITS] != want[i * DIGITS : (i + 1) * DIGITS]
        ]
        if parts:
            found.append(f"{name}: {', '.join(parts) if want else f'not in {FILE.name}'}")
    return found


def _at(level):
    """The sums of all cases at one instruction set."""
    code = (
        "import json; from tools import golden; print(json.dumps({golden.name_of(case): "
        "golden.sums(case) for cases in golden.tables().values() for case in cases}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "CONVCORE_ISA": level, "CONVCORE_ALGORITHM": "direct"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def write():
    """Write the file anew; the fused levels have to agree."""
    available = convcore.build_info()["isa_available"]
    fused = [_at(level) for level in FUSED if level in available]
    if not fused or column() is None:
        sys.exit("golden sums are written on x86-64 processors with fused multiply-add")
    differ = [name for name in fused[0] if any(sums[name] != fused[0][name] for sums in fused)]
    if differ:
        sys.exit("the levels differ, so there is no golden sum of\n" + "\n".join(differ))
    baseline = _at("baseline")
    lines = {
        key(name): f"{word}{'' if baseline[name] == word else ' ' + baseline[name]}"
        for name, word in fused[0].items()
    }
    if len(lines) < len(fused[0]):
        sys.exit("two names have one CRC-32: rename a case")
    FILE.write_text("".join(f"{name} {words}\n" for name, words in lines.items()), encoding="utf-8")
    print(f"{FILE}: {len(lines)} cases, {FILE.stat().st_size} bytes")


def main(arguments=None):
    """Run the command; the exit code is 1 if sums differ."""
    parser = argparse.ArgumentParser("python -m tools.golden", description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the file anew")
    if parser.parse_args(arguments).write:
        return write()
    if column() is None:
        sys.exit("there are golden sums of x86-64 alone")
    with convcore.set_algorithm("direct"):
        found = [line for cases in tables().values() for line in differences(cases, column())]
    print("\n".join(found) or "no difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
