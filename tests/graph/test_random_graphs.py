"""Random graphs of layers and what stands between them: optimised, they give the same numbers."""

import numpy as np
import pytest

from convcore.graph.network import Network
from convcore.graph.passes import optimize
from tests.support.graphs import by_node, graph, node, value

pytestmark = pytest.mark.auto
CHANNELS, SIZE = 4, 6
UNARY = ("Relu", "HardSwish", "Sigmoid", "Tanh", "LeakyRelu", "Gelu", "Softplus", "Identity")
SHAPES = [(4, 1, 1), (1, 4, 1, 1), (1,), (), (6,), (4, 1, 6), (1, 4, 6, 6)]


class Builder:
    """A graph whose values all have the shape of its input."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.constants, self.values = [], {}, ["x"]
        wide = seed % 2  # many kernels of one cell: channels last pays
        for _ in range(self.rng.integers(25, 40) if wide else self.rng.integers(4, 14)):
            chance = [0.62, 0.04] if wide else [0.2, 0.12]
            self._add(self.rng.choice(8, p=[*chance, *[(1 - sum(chance)) / 6] * 6]))

    def normal(self, *shape):
        return self.constant(self.rng.standard_normal(shape) / 2)

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array, np.float32)
        return name

    def put(self, op, inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(node(op, inputs, name, **attributes))
        return name

    def any(self, choices):
        return choices[self.rng.integers(len(choices))]

    def _add(self, kind):
        x, other = self.values[-1], self.any(self.values)
        if kind == 0:
            y = self.put("Conv", f"{x} {self.normal(CHANNELS, CHANNELS, 1, 1)}")
        elif kind == 1:
            weight = self.normal(CHANNELS, 1, 3, 3)
            y = self.put("Conv", f"{x} {weight}", group=CHANNELS, pads=[1] * 4)
        elif kind == 2:
            y = self.put(self.any(UNARY), x)
        elif kind == 3:
            pair = self.any([f"{x} {other}", f"{other} {x}"])
            y = self.put(self.any(("Add", "Mul", "Sub")), pair)
        elif kind == 4:
            y = self.put(self.any(("Add", "Mul", "Div")), f"{x} {self.normal(*self.any(SHAPES))}")
        elif kind == 5:
            op = self.any(("MaxPool", "AveragePool"))
            y = self.put(op, x, kernel_shape=[3, 3], pads=[1] * 4)
        elif kind == 6:
            both = self.put("Concat", f"{x} {other}", axis=self.any((1, -3)))
            y = self.put("Conv", f"{both} {self.normal(CHANNELS, 2 * CHANNELS, 1, 1)}")
        else:
            y = self._rare(x)
        self.values.append(y)

    def _rare(self, x):
        kind = self.rng.integers(4)
        if kind == 0:
            gate = self.put("Sigmoid", self.put("GlobalAveragePool", x))
            return self.put("Mul", f"{x} {gate}")
        if kind == 1:
            numbers = [self.constant(self.rng.uniform(0.3, 2, CHANNELS)) for _ in range(4)]
            return self.put("BatchNormalization", " ".join([x, *numbers]))
        if kind == 2:
            return self.put("Softmax", x, axis=self.any((1, -1, 2)))
        slopes = self.normal(*self.any([(4, 1, 1), (1, 1, 1), (6,), (1,)]))
        return self.put("PRelu", f"{x} {slopes}")

    def graph(self):
        outputs = [self.values[-1]]
        if self.rng.random() < 0.4:
            outputs[0] = self.put("Flatten", outputs[0])
        if self.rng.random() < 0.3:
            outputs.append(self.any(self.values[1:]))
        inputs = [value("x", ("N", CHANNELS, SIZE, SIZE))]
        names = " ".join(dict.fromkeys(outputs))
        return graph(self.nodes, inputs, names, **self.constants)


@pytest.mark.parametrize("first", range(0, 120, 30))
def test_results(first):
    for seed in range(first, first + 30):
        of = Builder(seed).graph()
        x = np.random.default_rng(seed).standard_normal((2, CHANNELS, SIZE, SIZE))
        x = x.astype(np.float32)
        network, wanted = Network(of), by_node(of, {"x": x})
        for _ in range(3):
            for found, result in zip(network.run(x).values(), wanted, strict=True):
                assert (found.shape, found.dtype) == (result.shape, result.dtype), seed
                scale = np.abs(result).max(initial=1e-30, where=np.isfinite(result))
                np.testing.assert_allclose(
                    found / scale, result / scale, rtol=1e-3, atol=1e-4, err_msg=str(seed)
                )


def test_the_graphs_have_what_is_optimised():
    """Of many, some get channels last, and most get shorter."""
    graphs = [Builder(seed).graph() for seed in range(120)]
    made = [[each.key for each in optimize(of).nodes] for of in graphs]
    assert sum("Transpose" in keys for keys in made) >= 3
    assert sum(len(keys) < len(of.nodes) for keys, of in zip(made, graphs, strict=True)) > 60
