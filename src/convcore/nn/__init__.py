"""Networks of this package's layers: built, counted, trained, saved.

A layer is a function of arrays with a gradient; :class:`Sequential` is a list of layers, itself a
layer. ``models`` has LeNet-5 and AlexNet, ``data`` has digits to train them with.
"""

from convcore.nn import data as data
from convcore.nn import layers, training
from convcore.nn import models as models
from convcore.nn.io import load, load_torch, save
from convcore.nn.layers import *  # noqa: F403
from convcore.nn.summary import Row, Summary, summary
from convcore.nn.training import *  # noqa: F403

__all__ = ["Row", "Summary", "load", "load_torch", "save", "summary"]
__all__ += layers.__all__
__all__ += training.__all__

# Users import from here; where a layer is defined may change.
for _name in __all__:
    globals()[_name].__module__ = "convcore.nn"


def __dir__() -> list[str]:
    return sorted([*__all__, "data", "models"])
