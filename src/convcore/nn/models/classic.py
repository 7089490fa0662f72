"""LeNet-5 and AlexNet, with initial weights."""

import numpy as np

from convcore.connections import lenet5_c3
from convcore.nn.layers.activations import Dropout, Flatten, ReLU, Tanh
from convcore.nn.layers.base import Layer
from convcore.nn.layers.conv import Conv2d
from convcore.nn.layers.dense import Linear, Subsample2d
from convcore.nn.layers.parameters import Rng, floating
from convcore.nn.layers.pool_max import MaxPool2d
from convcore.nn.layers.sequential import Sequential
from convcore.nn.models.parts import HE
from convcore.spec.options import as_bool, as_generator, as_int


def lenet5(modern: bool = False, *, rng: Rng = None, dtype: object = np.float32) -> Sequential:
    """Build LeNet-5, for images of 32 x 32 and ten classes.

    C1, S2, C3 with its table of connections, S4, C5, F6 and the output, the squashing functions
    between them.

    Parameters
    ----------
    modern : bool
        Whether to have ReLU for the scaled tanh, and max pooling for the trainable subsampling. C3
        keeps its table.
    rng : numpy.random.Generator or int, optional
        Where the weights are drawn from.
    dtype : float16, float32 or float64
        Of the parameters.

    Returns
    -------
    Sequential
        From (N, 1, 32, 32) to ten scores, (N, 10), for :func:`convcore.nn.cross_entropy`.

    Raises
    ------
    ValueError, TypeError
        For arguments of the wrong kind.

    Notes
    -----
    LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document recognition*,
    Proceedings of the IEEE 86 (1998). The paper's output layer compares F6 with drawn bitmaps
    (radial basis functions); here it is a dense layer. A :class:`convcore.nn.Flatten` after C5
    takes its maps of one cell as numbers. Derivation: :doc:`/learn/lenet5`.

    Examples
    --------
    >>> model = lenet5(rng=0)
    >>> model.forward(np.zeros((64, 1, 32, 32), np.float32)).shape
    (64, 10)
    >>> model["C3"].count((6, 14, 14)).parameters
    1516
    """
    modern = as_bool("lenet5", "modern", modern)
    rng = as_generator("lenet5", rng, fresh=True)
    dtype = floating("lenet5", dtype)

    def squash() -> Layer:
        return ReLU() if modern else Tanh(scaled=True)

    def pool(channels: int) -> Layer:
        return MaxPool2d(2) if modern else Subsample2d(channels, 2, dtype=dtype)

    new = {"rng": rng, "gain": HE if modern else 1.0, "dtype": dtype}
    layers: dict[str, Layer] = {"C1": Conv2d(1, 6, 5, **new)}  # type: ignore[arg-type]
    layers |= {"C1 squashed": squash(), "S2": pool(6), "S2 squashed": squash()}
    table = lenet5_c3()
    layers["C3"] = Conv2d(6, 16, 5, connections=table, **new)  # type: ignore[arg-type]
    layers |= {"C3 squashed": squash(), "S4": pool(16), "S4 squashed": squash()}
    layers["C5"] = Conv2d(16, 120, 5, **new)  # type: ignore[arg-type]
    layers |= {"C5 squashed": squash(), "flat": Flatten()}
    layers["F6"] = Linear(120, 84, **new)  # type: ignore[arg-type]
    layers["F6 squashed"] = squash()
    layers["output"] = Linear(84, 10, rng=rng, dtype=dtype)
    if modern:  # max pooling of what is not negative is not negative
        del layers["S2 squashed"], layers["S4 squashed"]
    return Sequential(layers, input_shape=(1, 32, 32))


def alexnet(
    groups: bool = False, *, classes: int = 1000, rng: Rng = None, dtype: object = np.float32
) -> Sequential:
    """Build AlexNet, for colour images of 227 x 227.

    Parameters
    ----------
    groups : bool
        Whether Conv-2, Conv-4 and Conv-5 have two groups of channels, as the paper trained them on
        two processors. Otherwise all channels are connected, as in :doc:`/learn/alexnet`.
    classes : int
        Outputs.
    rng : numpy.random.Generator or int, optional
        Where the weights are drawn from.
    dtype : float16, float32 or float64
        Of the parameters, which take 250 MB in float32.

    Returns
    -------
    Sequential
        From (N, 3, 227, 227) to scores, (N, classes).

    Raises
    ------
    ValueError, TypeError, MemoryError
        For arguments of the wrong kind, and where there is no memory for the weights.

    Notes
    -----
    Krizhevsky, Sutskever and Hinton, *ImageNet classification with deep convolutional neural
    networks* (2012). The paper says 224 and means 227: with 224 the first layer does not come to
    55 x 55. Its normalisation of local responses, which has no parameters, is left out. Derivation:
    :doc:`/learn/alexnet`.

    Examples
    --------
    >>> model = alexnet(rng=0)
    >>> model.count((3, 227, 227)).parameters
    62378344
    """
    op = "alexnet"
    parts = 2 if as_bool(op, "groups", groups) else 1
    classes = as_int(op, "classes", classes, 1)
    rng = as_generator(op, rng, fresh=True)
    dtype = floating(op, dtype)

    def conv(in_: int, out: int, size: int, stride: int = 1, padding: int = 0, g: int = 1) -> Layer:
        return Conv2d(in_, out, size, stride, padding, groups=g, rng=rng, gain=HE, dtype=dtype)

    def dense(in_: int, out: int, gain: float = HE) -> Layer:
        return Linear(in_, out, rng=rng, gain=gain, dtype=dtype)

    return Sequential(
        {
            "Conv-1": conv(3, 96, 11, stride=4),
            "ReLU-1": ReLU(),
            "MaxPool-1": MaxPool2d(3, 2),
            "Conv-2": conv(96, 256, 5, padding=2, g=parts),
            "ReLU-2": ReLU(),
            "MaxPool-2": MaxPool2d(3, 2),
            "Conv-3": conv(256, 384, 3, padding=1),
            "ReLU-3": ReLU(),
            "Conv-4": conv(384, 384, 3, padding=1, g=parts),
            "ReLU-4": ReLU(),
            "Conv-5": conv(384, 256, 3, padding=1, g=parts),
            "ReLU-5": ReLU(),
            "MaxPool-3": MaxPool2d(3, 2),
            "flat": Flatten(),
            "FC-1": dense(256 * 6 * 6, 4096),
            "ReLU-6": ReLU(),
            "Dropout-1": Dropout(0.5, rng),
            "FC-2": dense(4096, 4096),
            "ReLU-7": ReLU(),
            "Dropout-2": Dropout(0.5, rng),
            "FC-3": dense(4096, classes, 1.0),
        },
        input_shape=(3, 227, 227),
    )
