"""Sizes of convolutions and poolings, what their outputs see, and what a layer counts. Pure Python.

Letters: ``n`` input size, ``kernel``, ``stride``, ``dilation`` of one axis. A kernel whose taps are
``dilation`` cells apart spans ``dilation * (kernel - 1) + 1`` cells. Every function of sizes takes
one axis (integers) or several at once (tuples, one entry an axis).
"""

from convcore.geometry._counting import Count, Layer, count
from convcore.geometry._fields import Field, receptive_field
from convcore.geometry._sizes import axis_size as axis_size
from convcore.geometry._sizes import fitting_size as fitting_size
from convcore.geometry._sizes import output_size, padding_for
from convcore.geometry._sizes import padding_pair as padding_pair
from convcore.geometry._sizes import span as span
from convcore.geometry._sizes import transposed_axis as transposed_axis
from convcore.geometry._windows import Window as Window
from convcore.geometry._windows import adaptive_windows, input_usage, windows

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
