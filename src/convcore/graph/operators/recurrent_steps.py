"""The steps of recurrent layers: their directions, their ends, and their activations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from convcore.graph.operators.activations import (
    elu,
    hard_sigmoid,
    leaky_relu,
    relu,
    sigmoid,
    softplus,
    softsign,
    thresholded_relu,
)
from convcore.graph.operators.arguments import check_word
from convcore.graph.operators.linear import product
from convcore.spec.operands import Array

Activation = Callable[[Array], Array]
State = tuple[Array, ...]  # the output of the step first, then what else is kept
# The gates' share of the input at a step, and the state before it, give the state after it.
Step = Callable[[Array, State], State]
# Of a direction and its activations: weights of the input, its bias, and the step.
Make = Callable[[int, list[Activation]], tuple[Array, Array | None, Step]]

# Activations that take no number, one (alpha), or two (alpha, beta), with the defaults.
PLAIN: dict[str, Activation] = {
    "Relu": relu,
    "Tanh": np.tanh,
    "Sigmoid": sigmoid,
    "Softsign": softsign,
    "Softplus": softplus,
}
NUMBERED: dict[str, tuple[Callable[..., Array], tuple[float, ...]]] = {
    "Affine": (lambda x, alpha, beta: alpha * x + beta, (1.0, 0.0)),
    "LeakyRelu": (lambda x, alpha: leaky_relu(x, alpha=alpha), (0.01,)),
    "ThresholdedRelu": (lambda x, alpha: thresholded_relu(x, alpha=alpha), (1.0,)),
    "ScaledTanh": (lambda x, alpha, beta: alpha * np.tanh(beta * x), (1.0, 1.0)),
    "HardSigmoid": (
        lambda x, alpha, beta: hard_sigmoid(x, alpha=alpha, beta=beta),
        (0.2, 0.5),
    ),
    "Elu": (lambda x, alpha: elu(x, alpha=alpha), (1.0,)),
}


class Options(NamedTuple):
    """What the layers have in common."""

    hidden: int
    default: tuple[str, ...]  # activations of a direction
    direction: str
    activations: Sequence[str] | None
    alphas: Sequence[float] | None
    betas: Sequence[float] | None
    layout: int


DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}


def read_activations(
    op: str,
    words: Sequence[str],
    alphas: Sequence[float] | None,
    betas: Sequence[float] | None,
) -> list[Activation]:
    """Return the functions that words name; each takes what it needs of the numbers, in order."""
    rows = [list(alphas or ()), list(betas or ())]
    known = {name.lower(): name for name in (*PLAIN, *NUMBERED)}
    found: list[Activation] = []
    for word in words:
        name = known.get(word.lower(), word)
        check_word(op, "activations", name, known.values())
        if name in PLAIN:
            found.append(PLAIN[name])
        else:
            function, defaults = NUMBERED[name]
            pairs = zip(rows, defaults, strict=False)
            found.append(_with(function, [row.pop(0) if row else one for row, one in pairs]))
    return found


def _with(function: Callable[..., Array], numbers: list[float]) -> Activation:
    return lambda x: function(x, *numbers)


def _stepwise(x: Array, lengths: Array | None, backward: bool, state: State, step: Step) -> State:
    """Run the steps of (steps, batch, gates); return the outputs, and the last state."""
    outputs = np.zeros((*x.shape[:2], state[0].shape[-1]), x.dtype)
    ends = None if lengths is None or (lengths == len(x)).all() else lengths[:, None]
    order = range(len(x))
    for time in reversed(order) if backward else order:
        new = step(x[time], state)
        if ends is None:
            outputs[time] = new[0]
            state = new
        else:  # beyond its end an example keeps its state, and its output is 0
            runs = time < ends
            np.copyto(outputs[time], new[0], where=runs)
            state = tuple(np.where(runs, *both) for both in zip(new, state, strict=True))
    return outputs, *state


def run_layer(
    op: str,
    x: Array,
    lengths: Array | None,
    initial: Sequence[Array | None],
    make: Make,
    options: Options,
) -> tuple[Array, ...]:
    """Return the outputs of all steps and directions, and the last states."""
    check_word(op, "direction", options.direction, DIRECTIONS)
    number, each = DIRECTIONS[options.direction], len(options.default)
    words = list(options.activations or options.default * number)
    if op == "RNN":  # its default is two words whatever the direction
        words = words[:number]
    if len(words) != number * each:
        raise ValueError(f"{op}: activations must be {number * each} words, got {len(words)}")
    functions = read_activations(op, words, options.alphas, options.betas)
    if options.layout:
        x = x.swapaxes(0, 1)
        initial = [None if one is None else one.swapaxes(0, 1) for one in initial]
    zeros = np.zeros((x.shape[1], options.hidden), x.dtype)
    results = []
    for way in range(number):
        weight, bias, step = make(way, functions[way * each : (way + 1) * each])
        shares = product(x, weight.T)  # of all steps in one product
        if bias is not None:
            shares += bias
        state = tuple(zeros if one is None else one[way] for one in initial)
        backward = options.direction == "reverse" or way == 1
        results.append(_stepwise(shares, lengths, backward, state, step))
    outputs, *states = (np.stack(arrays, -3) for arrays in zip(*results, strict=True))
    if options.layout:
        return outputs.transpose(2, 0, 1, 3), *(one.swapaxes(0, 1) for one in states)
    return outputs, *states
