"""A plugin of pytest: SciPy's own tests of its filters call convcore's functions.

    python -m pytest -p tests.bridges.scipy_with_convcore --pyargs scipy.ndimage.tests.test_filters

SciPy's functions keep their identity, which its tests compare; their code is exchanged. What
convcore hands on goes to SciPy's code of before.
"""

import sys
import types

import scipy.ndimage

from convcore import ndimage
from convcore.ndimage import elsewhere

NAMES = sorted(set(ndimage.__all__) & set(scipy.ndimage.__all__))
calls, handed_on = [], []
inside = False  # whether SciPy's own code is at work, which calls its functions too


def copy(function):
    """Return a function with the code of before."""
    other = types.FunctionType(function.__code__, function.__globals__, function.__name__,
                               function.__defaults__, function.__closure__)  # fmt: skip
    other.__kwdefaults__ = function.__kwdefaults__
    return other


def answer(name, args, kwargs):
    """Call convcore's function of a name."""
    if inside:
        return before[name](*args, **kwargs)
    calls.append(name)
    return getattr(ndimage, name)(*args, **kwargs)


class Before:
    """Stands for ``scipy.ndimage`` where convcore asks for it."""

    def __getattr__(self, name):
        def call(*args, **kwargs):
            global inside
            handed_on.append(name)
            inside = True
            try:
                return before[name](*args, **kwargs)
            finally:
                inside = False

        return call


before = {name: copy(getattr(scipy.ndimage, name)) for name in NAMES}
elsewhere.import_module = lambda name: Before()
for name in NAMES:
    scope = {}
    here = f"__import__('sys').modules[{__name__!r}]"
    source = f"def {name}(*args, **kwargs): return {here}.answer({name!r}, args, kwargs)"
    exec(source, scope)
    function = getattr(scipy.ndimage, name)
    function.__code__, function.__defaults__ = scope[name].__code__, None
    function.__kwdefaults__ = None
assert sys.modules[__name__].answer is answer


def pytest_terminal_summary(terminalreporter):
    """Say how many calls there were."""
    terminalreporter.write_line(f"convcore: {len(calls)} calls, {len(handed_on)} handed on")
