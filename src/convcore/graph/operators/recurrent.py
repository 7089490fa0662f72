"""Recurrent layers: RNN, GRU and LSTM."""

from __future__ import annotations

from collections.abc import Sequence

from convcore.graph.operators.linear import product
from convcore.graph.operators.recurrent_steps import Activation, Options, State, Step, run_layer
from convcore.graph.operators.registry import operator
from convcore.spec.operands import Array


def _bounded(x: Array, clip: float | None) -> Array:
    return x.clip(-clip, clip) if clip else x


def _all(given: tuple[Array | None, ...], number: int) -> list[Array | None]:
    """Return the optional inputs, None for those that are absent."""
    return [*given, *(None,) * (number - len(given))]


@operator("RNN")
def rnn(
    x: Array,
    w: Array,
    r: Array,
    *optional: Array | None,
    activations: Sequence[str] | None = None,
    activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
    output_sequence: int = 1,
) -> tuple[Array, ...]:
    """``h = f(w x + r h + b)`` at each step: h of all steps, and the last."""
    b, lengths, h = _all(optional, 3)
    hidden = r.shape[-1]

    def make(way: int, functions: list[Activation]) -> tuple[Array, Array | None, Step]:
        (f,) = functions
        kept = r[way].T
        bias = None if b is None else b[way, :hidden] + b[way, hidden:]

        def step(share: Array, state: State) -> State:
            return (f(_bounded(share + product(state[0], kept), clip)),)

        return w[way], bias, step

    options = Options(
        hidden,
        ("Tanh",),
        direction,
        activations,
        activation_alpha,
        activation_beta,
        layout,
    )
    return run_layer("RNN", x, lengths, [h], make, options)


@operator("GRU")
def gru(
    x: Array,
    w: Array,
    r: Array,
    *optional: Array | None,
    activations: Sequence[str] | None = None,
    activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
    linear_before_reset: int = 0,
    output_sequence: int = 1,
) -> tuple[Array, ...]:
    """``h = (1 - z) * n + z * h`` at each step: h of all steps, and the last.

    z and r are ``f(w x + r h + b)``, and n is ``g(w x + r (r * h) + b)``, or with
    ``linear_before_reset`` ``g(w x + r * (r h + b) + b)``.
    """
    b, lengths, h = _all(optional, 3)
    hidden = r.shape[-1]
    two = 2 * hidden

    def make(way: int, functions: list[Activation]) -> tuple[Array, Array | None, Step]:
        f, g = functions
        gates, new = r[way, :two].T, r[way, two:].T
        bias: Array | None = None
        late: Array | float = 0.0  # the state's bias of n, which the reset gate scales
        if b is not None:
            bias = b[way, : 3 * hidden].copy()
            bias[:two] += b[way, 3 * hidden : 3 * hidden + two]
            late = b[way, 3 * hidden + two :]
            if not linear_before_reset:
                bias[two:] += late

        def step(share: Array, state: State) -> State:
            (old,) = state
            both = f(_bounded(share[:, :two] + product(old, gates), clip))
            update, reset = both[:, :hidden], both[:, hidden:]
            if linear_before_reset:
                inner = reset * (product(old, new) + late)
            else:
                inner = product(reset * old, new)
            y = g(_bounded(share[:, two:] + inner, clip))
            return (y + update * (old - y),)

        return w[way], bias, step

    options = Options(
        hidden,
        ("Sigmoid", "Tanh"),
        direction,
        activations,
        activation_alpha,
        activation_beta,
        layout,
    )
    return run_layer("GRU", x, lengths, [h], make, options)


@operator("LSTM")
def lstm(
    x: Array,
    w: Array,
    r: Array,
    *optional: Array | None,
    activations: Sequence[str] | None = None,
    activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
    layout: int = 0,
    output_sequence: int = 1,
) -> tuple[Array, ...]:
    """``c = f * c + i * n`` and ``h = o * tanh(c)`` at each step: h of all steps, last h and c.

    The gates i, o and f are ``f(w x + r h + p * c + b)``, n is ``g(w x + r h + b)``.
    """
    b, lengths, h, c, p = _all(optional, 5)
    hidden = r.shape[-1]
    three = 3 * hidden

    def make(way: int, functions: list[Activation]) -> tuple[Array, Array | None, Step]:
        f, g, last = functions
        kept = r[way].T
        bias = None if b is None else b[way, : 4 * hidden] + b[way, 4 * hidden :]
        peep = None if p is None else p[way].reshape(3, hidden)

        def step(share: Array, state: State) -> State:
            old, cell = state
            x = share + product(old, kept)
            if peep is not None:
                x[:, :hidden] += peep[0] * cell
                x[:, 2 * hidden : three] += peep[2] * cell
            x = _bounded(x, clip)
            gates = f(x[:, :three])  # i, o, f
            enter, leave, stay = (gates[:, k : k + hidden] for k in range(0, three, hidden))
            if input_forget:
                stay = 1 - enter
            new = stay * cell + enter * g(x[:, three:])
            if peep is not None:
                seen = share[:, hidden : 2 * hidden] + product(old, kept[:, hidden : 2 * hidden])
                leave = f(_bounded(seen + peep[1] * new, clip))
            return leave * last(new), new

        return w[way], bias, step

    options = Options(
        hidden,
        ("Sigmoid", "Tanh", "Tanh"),
        direction,
        activations,
        activation_alpha,
        activation_beta,
        layout,
    )
    return run_layer("LSTM", x, lengths, [h, c], make, options)
