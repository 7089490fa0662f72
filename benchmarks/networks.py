"""Whole networks: what a frozen one answers, and one step of training.

The runner takes each for a layer. The operands are the images and the parameters, in the order in
which the network names them, and every library is given the same.
"""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from convcore import nn

from .measured import Measured

NETWORKS = {  # how each is built, and the shape of one image
    "lenet5": (nn.models.lenet5, (1, 32, 32)),
    "alexnet": (nn.models.alexnet, (3, 227, 227)),
}


def arrays_of(model):
    """Return (layer, attribute) of every parameter, in the order of `model.parameters()`."""
    return [(layer, name) for layer in model for name in layer.parameters()]


@cache
def _numbers(net):
    """Return (shapes of the parameters, multiply-adds of each layer, shape of one result).

    Those of one image; the weights that are drawn for it are let go.
    """
    create, shape = NETWORKS[net]
    model = create(rng=0)
    shapes = [shape, *model.shapes(shape)]
    each = [layer.count(size).multiply_adds for layer, size in zip(model, shapes[:-1], strict=True)]
    return [array.shape for array in model.parameters().values()], each, shapes[-1]


@dataclass(frozen=True)
class Network(Measured):
    """The scores that a frozen network gives n images."""

    kind = "network"
    rate = "GFLOP/s"
    roof = "peak"
    gives_planes = False

    net: str

    def __post_init__(self):
        if self.net not in NETWORKS:
            raise ValueError(f"no network {self.net!r}, only {', '.join(NETWORKS)}")

    @property
    def input_shape(self):
        return self.n, *NETWORKS[self.net][1]

    @property
    def output_shape(self):
        return self.n, *_numbers(self.net)[2]

    @property
    def parameter_shapes(self):
        return _numbers(self.net)[0]

    @property
    def operand_shapes(self):
        return self.input_shape, *self.parameter_shapes

    @property
    def flops(self):
        """Two for each multiply-add of the direct sums, taps that fall on padding counted too."""
        return 2 * self.n * sum(_numbers(self.net)[1])

    @property
    def work(self):
        return self.flops

    @property
    def shape_text(self):
        batch = self.input_shape if self.n > 1 else self.input_shape[1:]
        return f"{'x'.join(map(str, batch))} {self.net}"

    @property
    def labels(self):
        """The right classes, drawn at random; what training asks for."""
        classes = _numbers(self.net)[2][0]
        return np.random.default_rng(1).integers(0, classes, self.n)

    def data(self):
        """Return the images, normal numbers, and the parameters: a fresh network's weights.

        Fresh biases are zeros, which would hide that a library leaves them out; these are not.
        """
        rng = np.random.default_rng(0)
        parameters = NETWORKS[self.net][0](rng=0).parameters()
        for name, array in parameters.items():
            if name.endswith("bias"):
                array[...] = 0.1 * rng.standard_normal(array.shape, np.float32)
        return rng.standard_normal(self.input_shape, np.float32), *parameters.values()

    def model(self, parameters):
        """Return convcore's network with these arrays, not copies of them."""
        model = NETWORKS[self.net][0](rng=0)
        for (layer, name), array in zip(arrays_of(model), parameters, strict=True):
            setattr(layer, name, array)
        return model

    def prepare(self, operands):
        """Return (convcore's call, how its result is read)."""
        x, *parameters = operands
        # Freezing is for the network alone: through these views the arrays stay as they are.
        model = self.model([array.view() for array in parameters])
        model.freeze()
        return partial(model.forward, x), lambda y: y


@dataclass(frozen=True)
class Step(Network):
    """One step of training: forward, loss, backward, update; its result are the parameters."""

    learning_rate = 0.01
    momentum = 0.9

    @property
    def output_shape(self):
        return (sum(int(np.prod(shape)) for shape in self.parameter_shapes),)

    @property
    def flops(self):
        """Three times those of forward, for two gradients; none of the first layer's input."""
        each = _numbers(self.net)[1]
        return 2 * self.n * (3 * sum(each) - each[0])

    @property
    def shape_text(self):
        return f"{super().shape_text} step"

    def prepare(self, operands):
        """Return (convcore's call, how the parameters are read after it)."""
        x, *parameters = operands
        model, labels = self.model([array.copy() for array in parameters]), self.labels
        model.train()
        optimizer = nn.SGD(self.learning_rate, self.momentum)

        def call():
            gradient = nn.cross_entropy(model.forward(x), labels).gradient
            model.backward(gradient, need_dx=False)
            optimizer.step(model)

        return call, lambda _: flat(model.parameters().values())


def flat(arrays):
    """Return all numbers of some arrays in a row."""
    return np.concatenate([array.ravel() for array in arrays])


WHOLE = {"network": Network, "step": Step}  # by operator
