"""Small calls of every operator, for the tests of bridges: shapes, and options that differ."""

from typing import Any, NamedTuple

import numpy as np

from convcore.spec.registry import AXES, OPERATORS, layer_name

# of a kind: the shapes of x, weight and bias, each for d axes
WEIGHTED = {
    "conv": lambda d: ((2, 2, *[4] * d), (2, 2, *[3] * d), (2,)),
    "conv_transpose": lambda d: ((2, 2, *[3] * d), (2, 2, *[2] * d), (2,)),
    "local_conv": lambda d: ((2, 2, *[4] * d), (2, *[3] * d, 2, *[2] * d), (2, *[3] * d)),
    "tiled_conv": lambda d: ((2, 2, *[4] * d), (2, *[2] * d, 2, *[2] * d), (2, *[2] * d)),
}

# of a kind: options that are added one set at a time; the first has to be there
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "conv": [
        {}, {"stride": 2, "padding": 1}, {"padding": "same", "border": "wrap"},
        {"padding": 1, "border": 2.5, "dilation": 2}, {"groups": 2, "flip": True},
        {"connections": np.array([[True, False], [True, True]])}, {"algorithm": "direct"},
    ],
    "conv_transpose": [
        {}, {"stride": 2, "output_padding": 1}, {"padding": 1, "border": "reflect"},
        {"groups": 2}, {"padding": "same", "dilation": 2},
    ],
    "local_conv": [{}, {"border": "edge"}],
    "tiled_conv": [{}, {"padding": 1, "border": 1.5}, {"stride": 2}],
    "max_pool": [
        {"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 2, "stride": 1, "padding": 1, "border": 0.25},
        {"kernel_size": 2, "dilation": 2, "stride": 1}, {"kernel_size": 3, "ceil_mode": True},
    ],
    "avg_pool": [
        {"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 3, "padding": 1, "count_include_pad": True, "ceil_mode": True},
        {"kernel_size": 2, "stride": 1, "padding": 1, "border": 0.5},
    ],
    "lp_pool": [
        {"kernel_size": 2}, {"kernel_size": 3, "p": 3.0, "padding": 1, "border": -1.5},
        {"kernel_size": 2, "p": 1.0, "stride": 1}, {"kernel_size": 2, "p": float("inf")},
        {"kernel_size": 2, "p": 1.5, "ceil_mode": True},
    ],
    "l2_pool": [{"kernel_size": 2}, {"kernel_size": 3, "stride": 1, "padding": 1}],
    "weighted_pool": [{}, {"normalize": False, "stride": 1}, {"padding": 1, "border": "symmetric"},
                      {"padding": 1, "ceil_mode": True}],
    "adaptive_avg_pool": [{"output_size": 3}, {"output_size": 1}],
    "adaptive_max_pool": [{"output_size": 3}, {"output_size": 1}],
}  # fmt: skip


class BridgeCall(NamedTuple):
    """A call of a public function, by shapes."""

    kind: str
    axes: int
    x: tuple[int, ...]
    weight: tuple[int, ...] | None
    bias: tuple[int, ...] | None
    options: dict[str, Any]

    @property
    def name(self) -> str:
        """The public function's name."""
        return layer_name(self.kind, self.axes)

    def __str__(self) -> str:
        words = [
            f"{k}={v if not isinstance(v, np.ndarray) else 'table'}"
            for k, v in self.options.items()
        ]
        return "-".join([self.name, *words])

    def arrays(self, seed: int = 0) -> dict[str, Any]:
        """Random operands; a window is one of them."""
        rng = np.random.default_rng(seed)
        found: dict[str, Any] = {"x": rng.normal(size=self.x)}
        if self.weight is not None:
            found["weight"] = rng.normal(size=self.weight)
            found["bias"] = rng.normal(size=self.bias)
        if self.kind == "weighted_pool":
            found["window"] = rng.uniform(0.5, 1, [2] * self.axes)
        return found


def calls(kind: str, axes: int) -> list[BridgeCall]:
    """Calls of one operator, each with other options."""
    if kind not in WEIGHTED:
        x = (2, 2, *[5] * axes)
        return [BridgeCall(kind, axes, x, None, None, options) for options in OPTIONS[kind]]
    found = []
    for options in OPTIONS[kind]:
        x, weight, bias = WEIGHTED[kind](axes)
        if options.get("groups", 1) > 1:
            weight = (weight[0], 1, *weight[2:])
        if options.get("algorithm") or options.get("dilation", 1) > 1:
            x = (*x[:2], *[5] * axes)
        found.append(BridgeCall(kind, axes, x, weight, bias, options))
    return found


CALLS = [call for kind in OPERATORS for axes in AXES for call in calls(kind, axes)]
FIRST = {(call.kind, call.axes): call for call in reversed(CALLS)}
