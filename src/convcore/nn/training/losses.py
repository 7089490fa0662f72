"""Losses, with the gradients that training begins with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from convcore.spec.errors import short_repr
from convcore.spec.operands import Array, DType, as_array, check_dtype, result_dtypes


class Loss(NamedTuple):
    """A loss of a batch and its gradient.

    Parameters
    ----------
    value : float
        The mean over the batch.
    gradient : ndarray
        Of the value with respect to the network's result.

    Examples
    --------
    >>> mse([[1.0, 2.0]], [[1.0, 0.0]])
    Loss(value=2.0, gradient=array([[0., 2.]]))
    """

    value: float
    gradient: Array


Losses: TypeAlias = Callable[[Any, Any], Loss]


def cross_entropy(scores: ArrayLike, labels: ArrayLike) -> Loss:
    r"""Return the loss of a classifier, from scores and the right classes.

    .. math:: L = \frac{1}{N} \sum_{n} \Bigl( \log \sum_j e^{z_{n,j}} - z_{n,y_n} \Bigr), \qquad
              \frac{\partial L}{\partial z_{n,j}}
              = \frac{1}{N} \Bigl( \frac{e^{z_{n,j}}}{\sum_i e^{z_{n,i}}} - [j = y_n] \Bigr)

    Parameters
    ----------
    scores : array_like, shape (N, classes)
        Scores z, before any softmax.
    labels : array_like of int, shape (N,)
        The right classes y, from 0 to classes - 1.

    Returns
    -------
    Loss
        ``value`` and ``gradient``, of the shape of ``scores``.

    Raises
    ------
    ValueError, TypeError
        For shapes that do not match, an empty batch, and labels that are not classes.

    See Also
    --------
    mse, Softmax

    Notes
    -----
    PyTorch: ``torch.nn.functional.cross_entropy``; Keras: ``SparseCategoricalCrossentropy`` with
    ``from_logits=True``.

    Examples
    --------
    >>> loss = cross_entropy([[0.0, 0.0]], [1])
    >>> round(loss.value, 6), loss.gradient.tolist()
    (0.693147, [[0.5, -0.5]])
    """
    op = "cross_entropy"
    z, dtype = _scores(op, "scores", scores)
    if z.ndim != 2 or not z.size:
        raise ValueError(f"{op}: scores must have shape (N, classes), not empty, got {z.shape}")
    y = as_array(op, "labels", labels)
    if y.dtype.kind not in "iu":
        raise TypeError(f"{op}: labels must be integers, got dtype {y.dtype}")
    if y.shape != z.shape[:1]:
        raise ValueError(f"{op}: labels must have shape {z.shape[:1]}, got {y.shape}")
    wrong = (y < 0) | (y >= z.shape[1])
    if wrong.any():
        place = int(np.argmax(wrong))
        raise ValueError(
            f"{op}: labels must be from 0 to {z.shape[1] - 1}, got {y[place]} at [{place}]"
        )
    each = np.arange(len(y)), y
    z = z - z.max(axis=1, keepdims=True)  # exp must not overflow
    gradient = np.exp(z)
    total = gradient.sum(axis=1, keepdims=True)
    value = float((np.log(total[:, 0]) - z[each]).mean(dtype=np.float64))
    gradient /= total
    gradient[each] -= 1
    gradient /= len(y)
    return Loss(value, gradient.astype(dtype, copy=False))


def mse(result: ArrayLike, target: ArrayLike) -> Loss:
    r"""Return the mean of the squared differences of numbers and targets.

    .. math:: L = \frac{1}{n} \sum_i (y_i - t_i)^2, \qquad
              \frac{\partial L}{\partial y_i} = \frac{2}{n} (y_i - t_i)

    Parameters
    ----------
    result : array_like
        The network's result y, n numbers.
    target : array_like
        The wanted numbers t, of the same shape.

    Returns
    -------
    Loss
        ``value`` and ``gradient``, of the shape of ``result``.

    Raises
    ------
    ValueError, TypeError
        For different shapes, and arrays that are empty or not real.

    See Also
    --------
    cross_entropy

    Notes
    -----
    PyTorch: ``torch.nn.functional.mse_loss``.

    Examples
    --------
    >>> mse([[1.0, 2.0]], [[1.0, 0.0]]).value
    2.0
    """
    op = "mse"
    y, dtype = _scores(op, "result", result)
    t, _ = _scores(op, "target", target)
    if t.shape != y.shape:
        raise ValueError(f"{op}: target must have the result's shape {y.shape}, got {t.shape}")
    if not y.size:
        raise ValueError(f"{op}: result must not be empty, got shape {y.shape}")
    gradient = y - t.astype(y.dtype, copy=False)
    value = float(np.square(gradient, dtype=np.float64).mean())
    gradient *= 2 / y.size
    return Loss(value, gradient.astype(dtype, copy=False))


def has_classes(result: Array, wanted: Array) -> bool:
    """Whether targets are classes: then it can be counted how many results are right."""
    return result.ndim == 2 and wanted.ndim == 1 and wanted.dtype.kind in "iu"


def check_loss(op: str, found: object, result: Array) -> Loss:
    """Check what a loss function returned for a result: a number and its gradient."""
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise TypeError(
            f"{op}: loss must return a Loss, a value and its gradient, got {short_repr(found)}"
        )
    value, gradient = found
    no_number = isinstance(value, (bool, np.bool, str, bytes))
    try:
        if no_number or np.ndim(value) or np.iscomplexobj(value):
            raise TypeError
        value = float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(
            f"{op}: loss must return a value that is one real number, got {short_repr(value)}"
        ) from None
    name = "the gradient that loss returns"
    gradient = as_array(op, name, gradient)
    check_dtype(op, name, gradient.dtype)
    if gradient.shape != result.shape:
        raise ValueError(
            f"{op}: loss must return a gradient of shape {result.shape}, as the model's result "
            f"has, got {gradient.shape}"
        )
    return Loss(value, gradient)


def _scores(op: str, name: str, value: ArrayLike) -> tuple[Array, DType]:
    """An array of real numbers to compute with, and the dtype of its gradient."""
    array = as_array(op, name, value)
    check_dtype(op, name, array.dtype)
    dtype, work = result_dtypes(op, array.dtype, array.dtype, name)
    return array.astype(work, copy=False), dtype
