"""Networks of this package's layers: built, counted, trained, saved.

A layer is a function of arrays with a gradient; :class:`Sequential` is a list of layers, itself a
layer. ``models`` has LeNet-5 and AlexNet, ``data`` has digits to train them with.
"""

from convcore.nn import data as data
from convcore.nn import models as models
from convcore.nn._activations import Dropout, Flatten, ReLU, Sigmoid, Softmax, Tanh
from convcore.nn._base import Layer
from convcore.nn._dense import Linear, Subsample2d
from convcore.nn._files import load, save
from convcore.nn._losses import Loss, cross_entropy, mse
from convcore.nn._optimizers import SGD, Adam, Optimizer
from convcore.nn._pooling import (
    AdaptiveAvgPool2d,
    AdaptiveMaxPool2d,
    AvgPool2d,
    LpPool2d,
    MaxPool2d,
    WeightedPool2d,
)
from convcore.nn._sequential import Sequential
from convcore.nn._summary import Row, Summary, summary
from convcore.nn._training import Epoch, Evaluation, evaluate, fit
from convcore.nn._unshared import LocalConv2d, TiledConv2d
from convcore.nn._weighted import Conv1d, Conv2d, Conv3d, ConvTranspose2d

__all__ = [
    "SGD",
    "Adam",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "AvgPool2d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose2d",
    "Dropout",
    "Epoch",
    "Evaluation",
    "Flatten",
    "Layer",
    "Linear",
    "LocalConv2d",
    "Loss",
    "LpPool2d",
    "MaxPool2d",
    "Optimizer",
    "ReLU",
    "Row",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Subsample2d",
    "Summary",
    "Tanh",
    "TiledConv2d",
    "WeightedPool2d",
    "cross_entropy",
    "evaluate",
    "fit",
    "load",
    "mse",
    "save",
    "summary",
]
