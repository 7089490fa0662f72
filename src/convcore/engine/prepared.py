"""Layers whose weights are packed once, for any number of calls."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from threading import Lock
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcore._core import Conv
from convcore.engine.activation import Activation
from convcore.engine.algorithm import algorithm_for
from convcore.engine.buffers import bias_as_contiguous
from convcore.engine.epilogue import PostOps
from convcore.engine.execute import run
from convcore.engine.explain import Explanation, explain
from convcore.engine.plan import (
    ConvPlan,
    Plan,
    Prepared,
    check_separable,
    conv_plan,
    transposed_plan,
)
from convcore.engine.separable import Factored
from convcore.engine.sequence import LayerTask
from convcore.engine.threads import threads_for
from convcore.spec.errors import out_of_memory, short_repr
from convcore.spec.layer import LayerSpec
from convcore.spec.operands import (
    Array,
    DType,
    DTypes,
    as_array,
    as_contiguous,
    check_bias,
    check_dtype,
    result_dtypes,
)
from convcore.spec.options import LAYOUTS
from convcore.spec.problem import SHARED
from convcore.spec.registry import find, layer_name

MOST_PLANS = 16  # that a layer keeps, one for each shape; many share packed weights


class Ready(NamedTuple):
    """What calls with inputs of one shape and dtype share."""

    plan: Plan
    prepared: Prepared
    dtypes: DTypes
    core: Conv | None  # what computes the layer in one call, with what follows; None: nothing does


class PreparedLayer:
    """A layer with its weights: call it with x. Made by :func:`prepare`.

    Attributes
    ----------
    operator : str
        The public name of its operator.
    weight, bias : ndarray
        Its own copies, read-only; ``bias`` may be None.
    activation, options : str, tuple or None; mapping
        As given to :func:`prepare`, copied.

    See Also
    --------
    prepare

    Examples
    --------
    >>> import convcore
    >>> convcore.prepare("conv1d", [[[1.0, -1.0]]], activation="relu")
    PreparedLayer('conv1d', weight (1, 1, 2), activation='relu')
    """

    def __init__(
        self,
        operator: str | Callable[..., Any],
        weight: ArrayLike,
        bias: ArrayLike | None,
        activation: str | tuple[Any, ...] | None,
        options: dict[str, Any],
    ) -> None:
        op = "prepare"
        self._kind, self._axes = find(op, operator)
        self.operator = layer_name(self._kind.kind, self._axes)
        op = f"{op}: {self.operator}"
        if not self._kind.has_weight:
            raise TypeError(f"{op}: operator must be a layer with weights, got {operator!r}")
        options = deepcopy(options)
        self.options = MappingProxyType(options)
        self._read, self._asked = self._kind.read_call(op, self._axes, options)
        if self._kind.has_algorithms:
            self._read["algorithm"] = self._asked
        self._flip = self._read.pop("flip", False)
        self.weight = _owned(op, "weight", weight)
        self.bias = None if bias is None else _owned(op, "bias", bias)
        known = {name: value for name, value in self._read.items() if name != "algorithm"}
        self._spec = LayerSpec(self._kind, self._axes, self.weight.shape, None, known)
        self._spec.kernel(op)
        channels = len(self.weight)
        if self._kind.transposed:
            channels = self.weight.shape[1] * self._read["groups"]
        elif len(self.weight) % self._read.get("groups", 1):
            raise ValueError(
                f"{op}: groups must divide the output channels ({len(self.weight)}), got "
                f"{self._read['groups']}"
            )
        if self.bias is not None:
            outputs = self.weight.shape[1 : 1 + self._axes] if self._kind.sharing != SHARED else ()
            check_bias(op, self.bias, (channels, *outputs))
        self._activation = None if activation is None else Activation(op, activation, channels)
        post = PostOps(None, self._activation, 0)
        self._follows = post.in_core()
        self._simple = (None, 0.0, 0.0) if self._follows is None else self._follows[1:]
        self._post_in_core = self._activation is None or self._follows is not None
        self._ready: dict[tuple[tuple[int, ...], DType, str], Ready] = {}
        self._lock = Lock()

    def __call__(
        self,
        x: ArrayLike,
        residual: ArrayLike | None = None,
        out: Array | None = None,
        *,
        threads: int | None = None,
    ) -> Array:
        """Compute the layer: its operator, then plus ``residual``, then its activation.

        Parameters
        ----------
        x : array_like
            As of the operator.
        residual : array_like, optional
            What is added, of the result's shape.
        out : ndarray, optional
            Array to write the result to, as of the operator.
        threads : int, optional
            As of the operator.

        Returns
        -------
        ndarray
            What the operator and NumPy give one after the other, bit for bit, if both have the
            dtype that is computed in and the activation has no exponential; float16 is rounded
            once, at the end.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As the operator, and for a residual of another shape or kind.
        """
        op = self.operator
        x = as_array(op, "x", x)
        ready = self._ready_for(x)
        core = ready.core
        if core is not None and _is_plain(x, ready, residual, out):
            # Nearly every call: nothing is left to be checked or converted.
            y = np.empty(ready.plan.y_shape, x.dtype) if out is None else out
            follows: Any = self._follows if residual is None else (residual, *self._simple)
            packed: Any = ready.prepared.weight
            count = threads_for(op, threads)
            try:
                core.forward(x, packed, ready.prepared.bias, y, count, follows)
            except MemoryError as error:
                raise out_of_memory(op, error, x=x, weight=self.weight) from None
            return y
        post = None
        if residual is not None or self._activation is not None:
            post = self._post_ops(ready, residual, out)
        return run(
            op, ready.plan, (x, self.weight, self.bias), ready.dtypes,
            threads=threads_for(op, threads), out=out, prepared=ready.prepared, post=post,
        )  # fmt: skip

    def task(self, x: Array) -> LayerTask | None:
        """The layer as a task of the core, for arrays like x; None: the core is not enough."""
        ready = self._ready_for(x)
        weight = ready.prepared.weight
        if ready.core is None or isinstance(weight, Factored):
            return None
        return LayerTask(ready.core, weight, ready.prepared.bias, self._simple, x.itemsize)

    def _ready_for(self, x: Array) -> Ready:
        key = x.shape, x.dtype, algorithm_for(self._asked, x, self.weight)
        ready = self._ready.get(key)
        if ready is None:
            with self._lock:
                ready = self._ready[key] = self._make(x)
                if len(self._ready) > MOST_PLANS:
                    del self._ready[next(iter(self._ready))]
        return ready

    def _make(self, x: Array) -> Ready:
        """Plan the layer for inputs like x, and pack the weight for the plan."""
        op, weight, bias, axes = self.operator, self.weight, self.bias, self._axes
        dtypes = result_dtypes(op, x.dtype, weight.dtype)
        plan: Plan
        if self._kind.transposed:
            plan = transposed_plan(op, x, weight, axes=axes, **self._read)
        else:
            sharing = str(self._kind.sharing)
            plan = conv_plan(op, x, weight, axes=axes, sharing=sharing, **self._read)
        if bias is not None:
            bias = bias_as_contiguous(op, bias, plan.bias_shape, dtypes)
        compute = as_contiguous(op, "weight", weight, dtypes.compute)
        if self._flip:
            compute = np.ascontiguousarray(np.flip(compute, tuple(range(2, axes + 2))))
        if self._asked == "separable" and isinstance(plan, ConvPlan):
            check_separable(op, plan, compute)
        before = [each.prepared for each in self._ready.values() if each.dtypes == dtypes]
        core = None
        if (
            isinstance(plan, ConvPlan)
            and plan.is_one_call
            and self._post_in_core
            and dtypes.compute == dtypes.result == x.dtype
        ):
            core = plan.core
        return Ready(plan, plan.prepare(compute, bias, before=before), dtypes, core)

    def _post_ops(self, ready: Ready, residual: ArrayLike | None, out: object) -> PostOps:
        op, more = self.operator, None
        if residual is not None:
            more = as_array(op, "residual", residual)
            check_dtype(op, "residual", more.dtype)
            if more.shape != ready.plan.y_shape:
                raise ValueError(
                    f"{op}: residual must have the result's shape {ready.plan.y_shape}, got "
                    f"{more.shape}"
                )
            more = as_contiguous(op, "residual", more, ready.dtypes.compute)
            if isinstance(out, np.ndarray) and np.may_share_memory(more, out):
                more = more.copy()  # the layer is written there before this is added
        after = 0 if self._read["layout"] == LAYOUTS[self._axes][1] else self._axes
        return PostOps(more, self._activation, after)

    @property
    def activation(self) -> str | tuple[Any, ...] | None:
        """What follows, as :func:`prepare` takes it."""
        return None if self._activation is None else self._activation.given()

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the result for an input of this shape."""
        return self._spec.on(self.operator, x_shape).y_shape

    @property
    def nbytes(self) -> int:
        """Bytes of what it owns: weight and bias, and what plans have made of them so far."""
        arrays = [self.weight] if self.bias is None else [self.weight, self.bias]
        made = {id(each.prepared.weight): each.prepared.nbytes for each in self._ready.values()}
        return sum(array.nbytes for array in arrays) + sum(made.values())

    def explain(self, x_shape: tuple[int, ...]) -> Explanation:
        """List every algorithm for an input of this shape: :func:`convcore.explain`."""
        return explain(
            self.operator, x_shape, self.weight.shape, dtype=self.weight.dtype, **self.options
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle its arguments; weights are packed again where they are needed."""
        arguments = self.operator, self.weight, self.bias, self.activation, dict(self.options)
        return PreparedLayer, arguments

    def __repr__(self) -> str:
        """In one line."""
        words = [repr(self.operator), f"weight {self.weight.shape}"]
        words += [f"{word}={short_repr(value)}" for word, value in self.options.items()]
        if self.activation is not None:
            words.append(f"activation={self.activation!r}")
        return f"PreparedLayer({', '.join(words)})"


def _is_plain(x: Array, ready: Ready, residual: Any, out: Any) -> bool:
    """Whether kernels can read and write these arrays as they are."""
    if not x.flags.c_contiguous or not x.flags.aligned or type(x) is not np.ndarray:
        return False
    for given in (residual, out):
        if given is not None and not (
            type(given) is np.ndarray
            and given.dtype is x.dtype
            and given.shape == ready.plan.y_shape
            and given.flags.carray
        ):
            return False
    if out is None:
        return True
    return not any(np.may_share_memory(out, other) for other in (x, residual) if other is not None)


def _owned(op: str, name: str, value: ArrayLike) -> Array:
    given = as_array(op, name, value)
    check_dtype(op, name, given.dtype)
    array = np.array(given)
    array.flags.writeable = False
    return array


def prepare(
    operator: str | Callable[..., Any],
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    activation: str | tuple[Any, ...] | None = None,
    **options: Any,
) -> PreparedLayer:
    """Prepare a layer for many calls: its weights are checked, copied and packed once.

    Packing, and Winograd's, Fourier's and separable kernels' transforms, happen at the first call
    with inputs of a kind; later ones save them. Results are those of the operator, bit for bit.

    Parameters
    ----------
    operator : function or str
        A convolution, transposed, tiled or local: ``convcore.conv2d`` or ``"conv2d"``.
    weight, bias : array_like
        As of the operator. They are copied: later changes are not seen.
    activation : str or tuple, optional
        What follows: ``"relu"``, ``"relu6"``, ``"leaky_relu"``, ``"elu"``, ``"tanh"``,
        ``"scaled_tanh"``, ``"sigmoid"``, ``"silu"``, ``"hardsigmoid"``, ``"hardswish"``,
        ``"gelu"``; or a name with parameters, ``("leaky_relu", 0.1)``, ``("elu", 0.5)``,
        ``("clip", -1, 1)``, ``("scaled_tanh", 1.7159, 2 / 3)``, ``("prelu", slopes)`` with a
        slope for each channel.
    **options
        Options of the operator but ``threads`` and ``out``, which each call has.

    Returns
    -------
    PreparedLayer
        ``layer(x, residual=None, out=None)``; ``layer.explain(x_shape)``, ``layer.nbytes``. Any
        number of threads may call it at once. It can be pickled.

    Raises
    ------
    ValueError, TypeError
        As the operator. Sizes that depend on x are checked in the calls.

    See Also
    --------
    PreparedLayer, explain

    Notes
    -----
    A residual and an activation are computed with the sums, while these are in the cache. What
    follows a local, tiled, transposed or separable layer, and "prelu", take a pass of their own
    over the result. Activations with an exponential (elu, tanh, sigmoid, silu, gelu) are within 4
    units of the last place; the others are exact.

    Examples
    --------
    >>> import numpy as np
    >>> import convcore
    >>> layer = convcore.prepare(convcore.conv1d, [[[1.0, -1.0]]], activation="relu")
    >>> layer([[3.0, 1.0, 2.0]])
    array([[2., 0.]])
    """
    return PreparedLayer(operator, weight, bias, activation, options)
