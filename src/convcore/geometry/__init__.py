"""Sizes, windows, receptive fields and counts of convolutions and poolings, in pure Python.

``n`` is the input size of an axis; ``kernel``, ``stride`` and ``dilation`` belong to the same axis.
A kernel whose taps are ``dilation`` cells apart spans ``dilation * (kernel - 1) + 1`` cells. The
functions of sizes take one axis (integers) or several (tuples with one entry for each axis).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convcore.geometry._counting import Count, Layer, count
    from convcore.geometry._fields import Field, receptive_field
    from convcore.geometry._sizes import output_size, padding_for
    from convcore.geometry._windows import adaptive_windows, input_usage, windows
    from convcore.spec.windows import Window as Window

__all__ = [
    "Count",
    "Field",
    "Layer",
    "adaptive_windows",
    "count",
    "input_usage",
    "output_size",
    "padding_for",
    "receptive_field",
    "windows",
]

# The modules of the names, imported at their first use.
_MODULES = {
    "_counting": ("Count", "Layer", "count"),
    "_fields": ("Field", "receptive_field"),
    "_sizes": ("output_size", "padding_for"),
    "_windows": ("Window", "adaptive_windows", "input_usage", "windows"),
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        from importlib import import_module

        for module, names in _MODULES.items():
            if name in names:
                found = import_module(f"convcore.geometry.{module}")
                for public in names:  # users import from here; where a name is defined may change
                    globals()[public] = value = getattr(found, public)
                    value.__module__ = "convcore.geometry"
                return globals()[name]
        raise AttributeError(f"module 'convcore.geometry' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(name for names in _MODULES.values() for name in names)
