"""Expressions that may crash the interpreter, evaluated where that is one failed test.

They run in another process, one after the other; if it ends before its time, the expression that it
was at has failed, and another process takes up the rest.
"""

import json
import subprocess

import pytest

BASE = """
import json
import numpy as np
import convcore
from convcore import reference

try:                                                       # a runaway allocation fails, here
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
except ImportError:
    pass


def ones(*shape, dtype=np.float32):
    return np.ones(shape, dtype)


def many(*shape):
    # An array of any size that takes four bytes.
    return np.broadcast_to(np.float32(1), shape)


def same(got, want):
    return got.shape == want.shape and got.dtype == want.dtype and bool((got == want).all())


HUGE, LONG = 2**63 - 1, 2**31
"""

LOOP = """
for expression in sys.argv[1:]:
    try:
        result = eval(expression)
    except Exception as error:
        answer = [[kind.__name__ for kind in type(error).__mro__], str(error)]
    else:
        answer = [[], repr(result) if isinstance(result, bool) else
                  f"a result of shape {getattr(result, 'shape', None)}"]
    print(json.dumps(answer), flush=True)
"""

WRONG_KIND = ("TypeError", "ValueError")
TOO_LARGE = ("ValueError", "MemoryError")


def row(number, expression, *words, error=("ValueError",)):
    """An expression that must raise one of `error`, with these words in the text."""
    return pytest.param(expression, words, error, id=f"{number}-{expression}")


def evaluate(run_python, prelude, expressions):
    """What each expression comes to: [names of the exception's classes, its text].

    A result has no such names, and its text says which it is, or what its shape is.
    """
    answers = {}
    left = list(dict.fromkeys(expressions))
    while left:
        try:
            done = run_python(prelude + LOOP, *left, check=False, timeout=120)
            end, lines = f"the process ended with status {done.returncode}", done.stdout
        except subprocess.TimeoutExpired as late:
            end, lines = "no answer in time", (late.stdout or b"").decode()
        found = [json.loads(line) for line in lines.splitlines()]
        answers.update(zip(left, found, strict=False))
        left = left[len(found) :]
        if left:
            answers[left.pop(0)] = [["a crash"], end]
    return answers


def assert_refused(answer, words, error):
    """An exception of one of these kinds, with these words in its text."""
    kinds, text = answer
    assert set(kinds) & set(error), f"{kinds[:1]} {text}"
    assert not [word for word in words if word not in text], text
