"""The fuzzer finds what is put in, makes it small, and finds nothing in a short run of its own."""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import convcore
from tools.fuzz import bits, memory
from tools.fuzz.call import Call, Operand, Out, build
from tools.fuzz.check import examine
from tools.fuzz.generate import KINDS, call_of
from tools.fuzz.shrink import shrink, snippet

ROOT = Path(__file__).resolve().parents[2]

CALL = Call(
    "conv",
    2,
    n=2,
    c=3,
    k=4,
    space=(6, 7),
    kernel=(2, 3),
    options={"stride": (2, 1), "padding": "same", "threads": 2},
    operands={
        "x": Operand(memory="reversed"),
        "weight": Operand(memory="fortran"),
        "bias": Operand(),
    },
)


def planted(monkeypatch, change, name="conv2d"):
    """Replace an operator by one with a fault, which answers for every rank."""
    for nd in "123":
        right = getattr(convcore, name.replace("2", nd))
        wrong = functools.wraps(right)(functools.partial(change, right))
        monkeypatch.setattr(convcore, name.replace("2", nd), wrong)


def test_equal_seeds_make_equal_calls():
    assert [call_of(3, i) for i in range(50)] == [call_of(3, i) for i in range(50)]
    assert call_of(3, 0) != call_of(4, 0)
    assert {call_of(0, i).kind for i in range(400)} == set(KINDS)
    assert {call_of(0, i).wrong is None for i in range(50)} == {True, False}


def test_a_right_answer_is_no_finding():
    assert examine(CALL) is None


def _off(right, *args, **more):
    y = right(*args, **more)
    y.flat[-1] += 1
    return y


def _writes_to_x(right, x, weight, **more):
    y = right(x, weight, **more)
    x.flat[0] += 1
    return y


def _wrong_type(right, *args, **more):
    return right(*args, **more).astype(np.float64)


def _refuses(right, *args, **more):
    raise ValueError("conv2d: x must be larger")


def _breaks(right, *args, **more):
    raise KeyError("x")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (_off, "numbers"),
        (_writes_to_x, "changed"),
        (_wrong_type, "result"),
        (_refuses, "refused"),
        (_breaks, "text"),
    ],
)
def test_faults_are_found(monkeypatch, change, kind):
    planted(monkeypatch, change)
    assert examine(CALL).kind == kind


def test_what_is_taken_and_should_not_be_is_found(monkeypatch):
    call = CALL.like(wrong=("stride", "0"))
    assert examine(call) is None
    planted(monkeypatch, lambda right, **more: right(**{**more, "stride": 1}))
    assert examine(call).kind == "accepted"


def test_memory_beside_out_is_watched(monkeypatch):
    def beside(right, out, **more):
        y = right(out=out, **more)
        memory_of = y
        while isinstance(memory_of.base, np.ndarray):
            memory_of = memory_of.base
        memory_of.view(np.uint8).reshape(-1)[-1] ^= 1
        return y

    call = CALL.like(out=Out("spaced", seed=1))
    assert examine(call) is None
    planted(monkeypatch, beside)
    assert examine(call).kind == "changed"


def test_findings_become_small_and_run(monkeypatch):
    planted(monkeypatch, _off)
    call, found = shrink(CALL, examine(CALL), examine)
    assert (call.op, call.n, call.c, call.k, call.space) == ("conv1d", None, 1, 1, (1,))
    assert not set(call.options) - {"padding"}
    printed = []
    exec(snippet(call), {"print": printed.append})
    ours, theirs = printed
    assert ours - theirs == 1
    assert found.kind == "numbers"


@pytest.mark.parametrize("kind", memory.LAID)
def test_values_stay_wherever_they_lie(kind):
    values = np.arange(1.0, 25).reshape(2, 3, 1, 4)
    for seed in range(20):
        laid = memory.lay(values, kind, seed)
        assert np.shape(laid) == values.shape
        if kind not in ("broadcast", "windows"):  # there several places are one cell
            np.testing.assert_array_equal(laid, values)
            assert memory.lay(values[:0], kind, seed).shape == (0, 3, 1, 4)


@pytest.mark.parametrize("number", range(40))
def test_out_lies_over_operands_as_it_should(number):
    call = next(
        call
        for i in range(number * 40, number * 40 + 4000)
        if (call := call_of(1, i)).wrong is None
        and isinstance(call.out, Out)
        and call.out.over
        and all(np.prod(s) for s in call.shapes().values())
    )
    arguments = build(call)
    out, operand = arguments.outs[0], arguments.given[call.out.over]
    np.testing.assert_array_equal(operand, arguments.plain[call.out.over])
    assert (out.shape, out.dtype) == call.results()[0]
    if call.out.shift == 0:
        assert np.may_share_memory(out, operand)


@pytest.mark.parametrize("number", range(12))
def test_equal_bits_of_a_few_problems(number):
    assert bits.examine(bits.problem(0, number)) is None


def test_unequal_bits_are_found(monkeypatch):
    def last_bit(right, *args, threads=None, **more):
        y = right(*args, **more)
        return np.nextafter(y, np.inf) if threads == 3 else y

    planted(monkeypatch, last_bit)
    assert bits.examine(CALL).text == "3 threads"


def command(*arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "tools.fuzz", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_the_command_counts_and_ends_with_1_for_findings():
    done = command("--calls", 40, "--jobs", 2)
    assert re.search(r"^40 calls: \d+ compared.* (\d+) findings$", done.stdout, re.MULTILINE)
    assert done.returncode == (" 0 findings" not in done.stdout)


def test_a_crash_names_the_call_and_the_others_are_made(tmp_path):
    # found by each process when it starts, as Python looks for it
    (tmp_path / "sitecustomize.py").write_text(
        "import convcore, os\nconvcore.tiled_conv2d = lambda **operands: os.abort()\n"
    )
    number = next(i for i in range(400) if call_of(0, i).op == "tiled_conv2d")
    done = command(
        "--first",
        number - 1,
        "--calls",
        3,
        PYTHONPATH=f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    )
    assert f"== call {number} of seed 0, tiled_conv2d: the process ended: " in done.stdout
    assert "print(convcore.tiled_conv2d(" in done.stdout
    assert re.search(r"^3 calls: ", done.stdout, re.MULTILINE)
    assert done.returncode == 1
