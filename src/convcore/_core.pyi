import collections.abc
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

BORDERS: tuple[str, ...]
ALGORITHMS: tuple[str, ...]
FAST_ALGORITHMS: tuple[str, ...]
POOLS: tuple[str, ...]
WEIGHINGS: tuple[str, ...]

ACTIVATIONS: dict[str, int]

@disjoint_base
class PackedWeights:
    @property
    def nbytes(self) -> int: ...

@disjoint_base
class Conv:
    def __init__(
        self,
        axes: collections.abc.Sequence[tuple[int, int, int, int, int, int]],
        *,
        n: int,
        groups: int,
        c: int,
        k: int,
        channels_last: bool,
        border: collections.abc.Sequence[tuple[str | float, str | float]] | None = None,
        period: collections.abc.Sequence[int] | None = None,
        table: tuple[NDArray[Any], NDArray[Any]] | None = None,
        weights: tuple[int, int, int, int, NDArray[Any]] | None = None,
        algorithm: str = "auto",
        transform: collections.abc.Sequence[int] | None = None,
    ) -> None: ...
    def forward(
        self,
        x: NDArray[Any],
        weight: NDArray[Any] | PackedWeights,
        bias: NDArray[Any] | None,
        y: NDArray[Any],
        threads: int,
        post: tuple[NDArray[Any] | None, str | None, float, float] | None = None,
    ) -> None: ...
    def prepare(self, weight: NDArray[Any]) -> PackedWeights: ...
    def accepts(self, packed: PackedWeights, itemsize: int) -> bool: ...
    def fft_tile(self, itemsize: int) -> tuple[list[int], list[int]] | None: ...
    def pack_size(self, itemsize: int = 4) -> int: ...
    def explain(self, itemsize: int = 4) -> list[tuple[str, str]]: ...
    def input_gradient(
        self, grad: NDArray[Any], weight: NDArray[Any], dx: NDArray[Any], threads: int
    ) -> None: ...
    def weight_gradient(
        self, x: NDArray[Any], grad: NDArray[Any], dweight: NDArray[Any], threads: int
    ) -> None: ...

@disjoint_base
class Pool:
    def __init__(
        self,
        axes: collections.abc.Sequence[tuple[int, int, int, int, int, int]],
        *,
        kind: str,
        p: float,
        n: int,
        channels: int,
        after: collections.abc.Sequence[int],
        adaptive: collections.abc.Sequence[bool],
        adjoint: bool,
        count_padding: bool,
        channels_last: bool,
        sources: collections.abc.Sequence[tuple[int, int]] | None = None,
        border: collections.abc.Sequence[tuple[str | float, str | float]] | None = None,
    ) -> None: ...
    def explain(self) -> list[tuple[str, str]]: ...
    @property
    def is_box(self) -> bool: ...
    def windows(self, axis: int, table: NDArray[Any]) -> None: ...
    def forward(
        self, x: NDArray[Any], y: NDArray[Any], index: NDArray[Any] | None, threads: int
    ) -> None: ...
    def max_backward(
        self, grad: NDArray[Any], index: NDArray[Any], dx: NDArray[Any], threads: int
    ) -> None: ...
    def norm_backward(
        self,
        grad: NDArray[Any],
        x: NDArray[Any],
        y: NDArray[Any],
        dx: NDArray[Any],
        threads: int,
    ) -> None: ...

@disjoint_base
class Sequence:
    def __init__(self, places: int) -> None: ...
    def add_layer(
        self,
        layer: Conv,
        weight: NDArray[Any] | PackedWeights,
        bias: NDArray[Any] | None,
        post: tuple[str | None, float, float],
        itemsize: int,
        places: tuple[int, int | None, int],
    ) -> None: ...
    def add_pool(self, pool: Pool, itemsize: int, places: tuple[int, int]) -> None: ...
    def run(self, arrays: list[NDArray[Any]], threads: int) -> None: ...

def rank_taps(array: NDArray[Any], box: bool) -> int: ...
def run_filter(
    x: NDArray[Any],
    y: NDArray[Any],
    *,
    how: str,
    shape: tuple[int, ...],
    lanes: int,
    border: tuple[tuple[str | float, str | float], ...],
    offsets: NDArray[np.int64],
    rank: int = 0,
    weights: NDArray[np.float64] | None = None,
    sign: float = 1.0,
    divisor: float = 1.0,
    threads: int,
) -> None: ...

@disjoint_base
class XlaCall:
    def __init__(
        self,
        product: str,
        owner: Conv | Pool,
        itemsize: int,
        threads: int,
        phases: collections.abc.Sequence[tuple[Conv, list[int], list[int], list[int]]] = (),
        *,
        swapped: bool = False,
    ) -> None: ...
    @property
    def address(self) -> int: ...

def xla_targets() -> tuple[dict[str, object], int]: ...
def is_plain(value: object) -> bool: ...
def round_to(src: NDArray[Any], dst: NDArray[Any]) -> None: ...
def read_integers(src: NDArray[Any], dst: NDArray[Any]) -> None: ...
def algorithm_names() -> tuple[str, ...]: ...
def isa_levels() -> list[tuple[str, bool]]: ...
def choose_isa(name: str) -> None: ...
def isa() -> str: ...
def kernel_names() -> list[str]: ...
def compiler() -> tuple[str, str]: ...
def has_openmp() -> bool: ...
def usable_threads() -> int: ...
def processors() -> int: ...
def fma_probe(itemsize: int, rounds: int) -> int: ...
def watch_scratch(word: int) -> None: ...
def scratch_was_used() -> bool: ...
