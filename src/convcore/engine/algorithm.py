"""The algorithm of a call: what the caller, the program and the operands allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcore.spec.options import ALGORITHMS, check_choice

if TYPE_CHECKING:
    from convcore.spec.operands import Array

_default = "auto"  # set_algorithm or CONVCORE_ALGORITHM


def algorithm_for(asked: str, x: Array, weight: Array) -> str:
    """Return the algorithm of a call; fast ones would round sums of integers."""
    if x.dtype.kind != "f" or weight.dtype.kind != "f":
        return "direct"
    return _default if asked == "auto" else asked


def default_algorithm() -> str:
    """Return what calls that ask for ``"auto"`` get."""
    return _default


class set_algorithm:
    """Set the algorithm of all later calls in this process that name none but ``"auto"``.

    In a ``with`` statement the setting before comes back at the end of the block. An object may be
    entered again.

    Parameters
    ----------
    algorithm : {"auto", "direct", "winograd", "fft", "separable"}
        ``"auto"``: what is fastest inside the stated error. ``"direct"``: each output is one fixed
        chain of multiply-adds. Others are used where they can compute the layer.

    Raises
    ------
    ValueError, TypeError
        If ``algorithm`` is none of these words, or no string.

    See Also
    --------
    conv2d : what each algorithm does.

    Notes
    -----
    The environment variable ``CONVCORE_ALGORITHM`` sets it when convcore is imported. Integers and
    bools are always computed directly.

    Examples
    --------
    >>> import convcore
    >>> with convcore.set_algorithm("direct"):
    ...     y = convcore.conv1d([[[1.0, 2.0, 3.0]]], [[[1.0, 1.0]]])
    >>> y.tolist()
    [[[3.0, 5.0]]]
    """

    def __init__(self, algorithm: str) -> None:
        global _default
        self._chosen = check_choice("set_algorithm", "algorithm", algorithm, ALGORITHMS)
        self._before = [_default]  # of each block that has not ended, and of this call
        self._is_called = True
        _default = self._chosen

    def __enter__(self) -> None:
        """Begin the block."""
        global _default
        if not self._is_called:
            self._before.append(_default)
        self._is_called = False
        _default = self._chosen

    def __exit__(self, *exception: object) -> None:
        """End the block."""
        global _default
        _default = self._before.pop()
