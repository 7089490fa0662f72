"""Training and testing: batches through a model, a loss, a rule that changes the parameters."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcore import _args
from convcore._args import Array
from convcore.nn import _files
from convcore.nn._activations import Dropout
from convcore.nn._base import Layer, check_model
from convcore.nn._checkpoint import Checkpoint, print_of, state_of
from convcore.nn._losses import Loss, cross_entropy
from convcore.nn._optimizers import Optimizer
from convcore.nn._progress import Progress
from convcore.nn._weighted import Rng

Losses = Callable[[Any, Any], Loss]


class Epoch(NamedTuple):
    """One pass of training over all examples.

    Parameters
    ----------
    epoch : int
        From 1.
    loss : float
        Mean over the examples, each as it was trained with.
    accuracy : float or None
        Share of the examples whose class had the highest score; None without classes.
    validation_loss, validation_accuracy : float or None
        Of the validation data after the epoch; None without them.

    Examples
    --------
    >>> Epoch(1, 0.5, 0.75)
    Epoch(epoch=1, loss=0.5, accuracy=0.75, validation_loss=None, validation_accuracy=None)
    """

    epoch: int
    loss: float
    accuracy: float | None
    validation_loss: float | None = None
    validation_accuracy: float | None = None


class Evaluation(NamedTuple):
    """How good a model is on some data.

    Parameters
    ----------
    loss : float
        Mean over the examples.
    accuracy : float or None
        Share of the examples whose class had the highest score; None without classes.
    confusion : ndarray of int, shape (classes, classes), or None
        How many examples of each class (row) were taken for each class (column).

    Examples
    --------
    >>> Evaluation(0.5, 0.75, np.array([[2, 1], [0, 1]])).confusion.sum()
    np.int64(4)
    """

    loss: float
    accuracy: float | None
    confusion: Array | None


def evaluate(
    model: Layer,
    x: ArrayLike,
    y: ArrayLike,
    *,
    loss: Losses = cross_entropy,
    batch_size: int = 256,
) -> Evaluation:
    """Run a model over data and compare its results with what they should be.

    Parameters
    ----------
    model : Layer
        Most often a :class:`Sequential`.
    x : array_like, shape (N, ...)
        Examples.
    y : array_like, shape (N, ...)
        Classes or wanted values, as ``loss`` takes them.
    loss : callable
        :func:`cross_entropy`, :func:`mse`, or a function of a batch's results and wanted values
        that returns a :class:`Loss`.
    batch_size : int
        Examples at a time.

    Returns
    -------
    Evaluation
        ``loss``, and for classes ``accuracy`` and ``confusion``.

    Raises
    ------
    ValueError, TypeError
        As :func:`fit`.

    See Also
    --------
    fit

    Examples
    --------
    >>> from convcore import nn
    >>> model = nn.Linear(2, 2, rng=0)
    >>> model.weight[...] = np.eye(2)
    >>> nn.evaluate(model, [[1.0, 0.0], [0.0, 1.0], [3.0, 1.0]], [0, 1, 1]).confusion.tolist()
    [[1, 0], [1, 1]]
    """
    op = "evaluate"
    batch_size = _args.whole(op, "batch_size", batch_size, 1)
    x, y = _data(op, check_model(op, model), x, y, loss, batch_size)
    trained = [layer.training for layer in model.layers()]
    model.train(False)
    try:
        return _evaluated(model, x, y, loss, batch_size)
    finally:
        for layer, training in zip(model.layers(), trained, strict=True):
            layer.training = training


def fit(
    model: Layer,
    x: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: Optimizer,
    loss: Losses = cross_entropy,
    epochs: int = 1,
    batch_size: int = 32,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    augment: Callable[[Array, np.random.Generator], ArrayLike] | None = None,
    rng: Rng = None,
    progress: bool = True,
    checkpoint: _files.Name | None = None,
) -> list[Epoch]:
    """Train a model: in each epoch all examples once, in random order, a batch at a time.

    Parameters
    ----------
    model : Layer
        Most often a :class:`Sequential`. Its parameters are changed in place.
    x : array_like, shape (N, ...)
        Examples.
    y : array_like, shape (N, ...)
        Classes or wanted values, as ``loss`` takes them.
    optimizer : SGD or Adam
        How parameters follow their gradients.
    loss : callable
        :func:`cross_entropy`, :func:`mse`, or a function of a batch's results and wanted values
        that returns a :class:`Loss`.
    epochs : int
        How often every example is used.
    batch_size : int
        Examples a step; the last batch of an epoch may be smaller.
    validation : (x, y), optional
        Data to evaluate the model with after each epoch.
    augment : callable, optional
        A function of a batch of examples and a generator that returns the batch to train with
        instead, moved or turned a little, say.
    rng : numpy.random.Generator or int, optional
        Decides the order, what ``augment`` does and what :class:`Dropout` drops. The same one
        gives the same bits, on one machine with any number of threads. None: another order each
        time.
    progress : bool
        Show it on standard error: a bar by tqdm where that is installed, else a line an epoch.
    checkpoint : str or path, optional
        A file that is written after every epoch, under another name and then renamed. Where it is
        there already, training continues from it and ends with the same bits as without the
        interruption. Needs safetensors (``pip install "convcore[nn]"``).

    Returns
    -------
    list of Epoch
        Losses and accuracies, epoch by epoch; after an interruption those before it, too.

    Raises
    ------
    ValueError, TypeError
        For data that are empty, not finite, or do not fit the model or the loss; for a loss that
        is not finite; for a frozen model; for a checkpoint of another run or model.
    ImportError
        For a checkpoint without safetensors.
    OSError
        Where the checkpoint cannot be written.

    See Also
    --------
    evaluate, save

    Examples
    --------
    Two classes, told apart by the sign:

    >>> from convcore import nn
    >>> x = np.linspace(-1, 1, 20)[:, np.newaxis]
    >>> y = (x[:, 0] > 0).astype(int)
    >>> model = nn.Linear(1, 2, rng=0)
    >>> history = nn.fit(model, x, y, optimizer=nn.SGD(1.0), epochs=5, batch_size=4, rng=0,
    ...                  progress=False)
    >>> history[0].loss > history[-1].loss, history[-1].accuracy
    (True, 0.95)
    """
    op = "fit"
    epochs = _args.whole(op, "epochs", epochs, 1)
    batch_size = _args.whole(op, "batch_size", batch_size, 1)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{op}: optimizer must be SGD or Adam, got {_args.shown(optimizer)}")
    generator = _args.generator(op, rng, fresh=True)
    progress = _args.flag(op, "progress", progress)
    _check_callable(op, "loss", loss)
    if augment is not None:
        _check_callable(op, "augment", augment)
    parameters = check_model(op, model).parameters()
    if not parameters:
        raise ValueError(f"{op}: the model has no parameters to train")
    for name, parameter in parameters.items():
        if not parameter.flags.writeable:
            raise ValueError(f"{op}: parameter {name} is frozen: unfreeze() the model")
    x, y = _data(op, model, x, y, loss, batch_size)
    if validation is not None:
        validation = _validation(op, model, validation, loss, batch_size)
    saved = None
    if checkpoint is not None:
        start = None if rng is None else state_of(generator)
        saved = Checkpoint(checkpoint, model, optimizer, generator, {
            "batch_size": batch_size, "optimizer": repr(optimizer), "rng": start,
            "loss": getattr(loss, "__name__", "a loss"), "data": [print_of(x), print_of(y)],
            "model": repr(model),
        })  # fmt: skip
    history = [] if saved is None else [Epoch(*epoch) for epoch in saved.resume()]
    if len(history) > epochs:
        raise ValueError(
            f"{op}: checkpoint {checkpoint} has {len(history)} epochs, more than the {epochs} asked"
        )
    lent = [layer for layer in model.layers() if isinstance(layer, Dropout)]
    owned = [layer.rng for layer in lent]
    shown = Progress(progress, epochs, -(-len(x) // batch_size))
    try:
        for layer in lent:
            layer.rng = generator
        for number in range(len(history) + 1, epochs + 1):
            model.train()
            batches = _batches(x, y, generator, batch_size, augment)
            done = _epoch(model, optimizer, loss, batches, number, shown)
            model.train(False)
            _check_parameters(model, number)
            if validation is not None:
                found = _evaluated(model, *validation, loss, batch_size)
                done = done._replace(
                    validation_loss=found.loss, validation_accuracy=found.accuracy
                )
            history.append(done)
            if saved is not None:
                saved.write(history)
            shown.end(done)
    finally:
        shown.close()
        model.train(False)
        for layer, mine in zip(lent, owned, strict=True):
            layer.rng = mine
    return history


def _batches(
    x: Array, y: Array, generator: np.random.Generator, batch_size: int, augment: Any
) -> Iterator[tuple[Array, Array]]:
    """All examples in random order, a batch at a time."""
    order = generator.permutation(len(x))
    for begin in range(0, len(x), batch_size):
        chosen = order[begin : begin + batch_size]
        batch = x[chosen]
        if augment is not None:
            batch = _args.array("fit", "augment(x, rng)", augment(batch, generator))
        yield batch, y[chosen]


def _epoch(
    model: Layer, optimizer: Optimizer, loss: Losses, batches: Iterable[tuple[Array, Array]],
    number: int, shown: Progress,
) -> Epoch:  # fmt: skip
    total, right, examples, classes = 0.0, 0, 0, False
    for place, (batch, wanted) in enumerate(batches):
        result = model.forward(batch)
        value, gradient = loss(result, wanted)
        if not np.isfinite(value):
            raise ValueError(
                f"fit: the loss became {value} in epoch {number}, batch {place + 1}: the "
                "parameters have run away, which a smaller learning rate may prevent"
            )
        model.backward(gradient, need_dx=False)
        with np.errstate(over="ignore", invalid="ignore"):  # found after the epoch
            optimizer.step(model)
        total += value * len(wanted)
        examples += len(wanted)
        classes = _has_classes(result, wanted)
        if classes:
            right += int((result.argmax(axis=1) == wanted).sum())
        shown.step(number, value)
    return Epoch(number, total / examples, right / examples if classes else None)


def _check_callable(op: str, name: str, value: object) -> None:
    if not callable(value):
        raise TypeError(f"{op}: {name} must be a function, got {_args.shown(value)}")


def _check_parameters(model: Layer, number: int) -> None:
    """Refuse parameters that the last step of an epoch has spoilt, before they are written."""
    for name, parameter in model.parameters().items():
        if not np.isfinite(parameter).all():
            raise ValueError(
                f"fit: parameter {name} is not finite after epoch {number}: the parameters have "
                "run away, which a smaller learning rate may prevent"
            )


def _evaluated(model: Layer, x: Array, y: Array, loss: Losses, batch_size: int) -> Evaluation:
    total, confusion = 0.0, None
    for result, wanted in _results(model, x, y, batch_size):
        if not np.isfinite(result).all():
            raise ValueError("evaluate: the model's results are not finite")
        total += loss(result, wanted).value * len(wanted)
        if _has_classes(result, wanted):
            if confusion is None:
                confusion = np.zeros((result.shape[1],) * 2, np.int64)
            np.add.at(confusion, (wanted, result.argmax(axis=1)), 1)
    for layer in model.layers():
        layer._kept = None  # nobody asks for gradients here
    accuracy = None if confusion is None else float(np.trace(confusion)) / len(x)
    return Evaluation(total / len(x), accuracy, confusion)


def _results(
    model: Layer, x: Array, y: Array, batch_size: int
) -> Iterator[tuple[Array, Array]]:
    for begin in range(0, len(x), batch_size):
        part = slice(begin, begin + batch_size)
        yield model.forward(x[part]), y[part]


def _has_classes(result: Array, wanted: Array) -> bool:
    return result.ndim == 2 and wanted.ndim == 1 and wanted.dtype.kind in "iu"


# Data


def _data(
    op: str, model: Layer, x: ArrayLike, y: ArrayLike, loss: Losses, batch_size: int, of: str = ""
) -> tuple[Array, Array]:
    """The examples and what they should give, checked before anything is computed."""
    examples, wanted = _args.array(op, f"{of}x", x), _args.array(op, f"{of}y", y)
    for name, array in ((f"{of}x", examples), (f"{of}y", wanted)):
        _args.check_dtype(op, name, array.dtype)
        if array.ndim == 0 or array.size == 0:
            raise ValueError(f"{op}: {name} is empty, shape {array.shape}, expected some examples")
        bad = ~np.isfinite(array)
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ValueError(
                f"{op}: {name}{list(place)} is {array[place]}, expected finite numbers"
            )
    if len(examples) != len(wanted):
        raise ValueError(
            f"{op}: {of}x has {len(examples)} examples and {of}y {len(wanted)}, expected as many"
        )
    if model.axes is not None and examples.ndim != model.axes + 1:
        raise ValueError(
            f"{op}: {of}x must have {model.axes + 1} axes, the examples' first, got shape "
            f"{examples.shape}"
        )
    shape = model.output_shape(examples.shape[1:])
    for begin in range(0, len(wanted), batch_size):  # the loss knows what it takes
        part = wanted[begin : begin + batch_size]
        try:
            loss(np.zeros((len(part), *shape), np.float32), part)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{op}: {of}y, from example {begin} on: {error}") from None
    return examples, wanted


def _validation(
    op: str, model: Layer, data: Any, loss: Losses, batch_size: int
) -> tuple[Array, Array]:
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise TypeError(f"{op}: validation must be a pair (x, y), got {type(data).__name__}")
    x, y = data
    return _data(op, model, x, y, loss, batch_size, "validation ")
