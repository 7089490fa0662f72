"""Optimizers: rules that change parameters in place, by their gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from convcore.nn.layers.base import Layer, Named
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array
from convcore.spec.options import as_float

Rate = float | Callable[[int], float]


class Optimizer(Named):
    """What the rules have in common: a learning rate, steps, and memory for each parameter.

    Your own rule overrides ``_change`` and names in ``memory`` what it keeps for each parameter:
    arrays of its shape. ``_recall`` gives them, checkpoints hold them.

    Parameters
    ----------
    learning_rate : float, or function of an int
        A function is called with the number of steps done before.
    weight_decay : float
        How much of each parameter is added to its gradient.

    Examples
    --------
    >>> class Sign(Optimizer):
    ...     def _change(self, name, gradient, rate):
    ...         return rate * np.sign(gradient)
    >>> Sign(0.5, 0.0)
    Sign(0.5)
    """

    memory: tuple[str, ...] = ()  # what a rule keeps for each parameter

    def __init__(self, learning_rate: Rate, weight_decay: float) -> None:
        self.op = type(self).__name__
        self.learning_rate: Rate = (
            learning_rate if callable(learning_rate)
            else as_float(self.op, "learning_rate", learning_rate, 0)
        )  # fmt: skip
        self.weight_decay = as_float(self.op, "weight_decay", weight_decay, 0)
        self.steps = 0
        self.state: dict[str, dict[str, Array]] = {name: {} for name in self.memory}

    def step(self, model: Layer, gradients: Mapping[str, Array] | None = None) -> None:
        """Change a model's parameters by their gradients.

        Parameters
        ----------
        model : Layer
            Always the same one: memory is kept by the parameters' names.
        gradients : mapping of str to ndarray, optional
            By the parameters' names. Default: those of the model's last backward.

        Raises
        ------
        ValueError
            For a frozen model, and for parameters without a gradient.
        """
        if gradients is None:
            gradients = model.gradients
        rate: Any = self.learning_rate
        if callable(rate):
            rate = as_float(self.op, "learning_rate(steps)", rate(self.steps), 0)
        self.steps += 1
        for name, parameter in model.parameters().items():
            gradient = gradients.get(name)
            if gradient is None or not parameter.flags.writeable:
                reason = "has no gradient; call backward"
                if gradient is not None:
                    reason = "is frozen; call unfreeze()"
                raise ValueError(f"{self.op}: parameter {name!r} {reason}")
            if gradient.dtype == np.float16:  # its squares would underflow
                gradient = gradient.astype(np.float32)
            if self.weight_decay:
                gradient = gradient + self.weight_decay * parameter
            parameter -= self._change(name, gradient, float(rate))

    def _change(self, name: str, gradient: Array, rate: float) -> Array:
        """What to subtract from a parameter."""
        raise NotImplementedError

    def _recall(self, kind: str, name: str, like: Array) -> Array:
        """What is kept for a parameter; zeros at first."""
        kept = self.state[kind]
        if name not in kept:
            kept[name] = np.zeros_like(like)
        return kept[name]

    def arrays(self) -> dict[str, Array]:
        """All arrays that the rule keeps, for a checkpoint."""
        return {
            f"{kind}.{name}": array
            for kind, kept in self.state.items() for name, array in kept.items()
        }  # fmt: skip

    def restore(self, arrays: Mapping[str, Array], steps: int) -> None:
        """Restore what :meth:`arrays` returned."""
        self.steps = steps
        self.state = {kind: {} for kind in self.memory}
        for key, array in arrays.items():
            kind, _, name = key.partition(".")
            self.state[kind][name] = array.copy()

    def _words(self) -> dict[str, object]:
        return {"weight_decay": self.weight_decay}

    def __repr__(self) -> str:
        """Return the call that makes it."""
        rate = "<function>" if callable(self.learning_rate) else f"{self.learning_rate!r}"
        words = [rate, *(f"{name}={value}" for name, value in self._words().items() if value)]
        return f"{self.op}({', '.join(words)})"


class SGD(Optimizer):
    r"""Gradient descent, with momentum.

    .. math:: v \leftarrow \mu v + g + \lambda w, \qquad w \leftarrow w - \eta v

    for each parameter w, with its gradient g.

    Parameters
    ----------
    learning_rate : float, or function of an int
        :math:`\eta`; a function is called with the number of steps done before.
    momentum : float
        :math:`\mu`, from 0 to less than 1.
    weight_decay : float
        :math:`\lambda`, for biases too.

    Raises
    ------
    ValueError, TypeError
        For numbers out of range.

    See Also
    --------
    Adam, fit

    Notes
    -----
    PyTorch's ``SGD`` is the same. Krizhevsky et al. (2012) multiply :math:`\eta` into v.

    Examples
    --------
    >>> from convcore import nn
    >>> layer = nn.Linear(1, 1, bias=False, rng=0)
    >>> layer.weight[...] = 3
    >>> result = layer.forward([[2.0]])
    >>> _ = layer.backward([[1.0]])
    >>> nn.SGD(0.5).step(layer)
    >>> layer.weight.tolist()
    [[2.0]]
    """

    memory = ("velocity",)

    def __init__(
        self, learning_rate: Rate = 0.01, momentum: float = 0.0, weight_decay: float = 0.0
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.momentum = as_float(self.op, "momentum", momentum, 0, 1)

    def _change(self, name: str, gradient: Array, rate: float) -> Array:
        if not self.momentum:
            return gradient * rate
        velocity = self._recall("velocity", name, gradient)
        velocity *= self.momentum
        velocity += gradient
        return velocity * rate

    def _words(self) -> dict[str, object]:
        return {"momentum": self.momentum, **super()._words()}


class Adam(Optimizer):
    r"""Gradient descent with a step of its own for each weight.

    .. math::

        m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad
        v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \quad
        w \leftarrow w - \eta \,
            \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \varepsilon}

    for each parameter w with its gradient g, in step t = 1, 2, ...

    Parameters
    ----------
    learning_rate : float, or function of an int
        :math:`\eta`; a function is called with the number of steps done before.
    betas : (float, float)
        :math:`\beta_1` and :math:`\beta_2`, from 0 to less than 1.
    eps : float
        :math:`\varepsilon`.
    weight_decay : float
        Added to the gradient, times the weight.

    Raises
    ------
    ValueError, TypeError
        For numbers out of range.

    See Also
    --------
    SGD, fit

    Notes
    -----
    Kingma and Ba (2015); PyTorch's ``Adam`` is the same.

    Examples
    --------
    >>> from convcore import nn
    >>> layer = nn.Linear(1, 1, bias=False, rng=0)
    >>> layer.weight[...] = 3
    >>> result = layer.forward([[2.0]])
    >>> _ = layer.backward([[1.0]])
    >>> nn.Adam(0.5).step(layer)
    >>> layer.weight.tolist()
    [[2.5]]
    """

    memory = ("mean", "square")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"{self.op}: betas must be two numbers, got {short_repr(betas)}")
        self.betas = tuple(as_float(self.op, "betas", beta, 0, 1) for beta in betas)
        self.eps = as_float(self.op, "eps", eps, 0)

    def _change(self, name: str, gradient: Array, rate: float) -> Array:
        first, second = self.betas
        mean = self._recall("mean", name, gradient)
        square = self._recall("square", name, gradient)
        mean *= first
        mean += (1 - first) * gradient
        square *= second
        square += (1 - second) * gradient * gradient
        change = np.sqrt(square / (1 - second**self.steps))
        change += self.eps
        np.divide(mean, change, out=change)
        change *= rate / (1 - first**self.steps)
        return change

    def _words(self) -> dict[str, object]:
        usual = {"betas": (0.9, 0.999), "eps": 1e-8}
        return {k: getattr(self, k) for k, v in usual.items() if getattr(self, k) != v} | (
            super()._words()
        )
