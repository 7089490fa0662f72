"""Options and words that two places have to know alike."""

from convcore import _core
from convcore.spec.options import BORDERS


def test_borders():
    assert BORDERS == _core.BORDERS
