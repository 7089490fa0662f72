"""Training and evaluation, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcore.nn.io.disk import Name
from convcore.nn.io.files import kind_of
from convcore.nn.layers.activations import Dropout
from convcore.nn.layers.base import Layer, check_model
from convcore.nn.layers.parameters import Rng
from convcore.nn.training.checkpoint import Checkpoint, start_of
from convcore.nn.training.examples import check_examples, check_validation
from convcore.nn.training.fingerprint import fingerprint
from convcore.nn.training.losses import Losses, check_loss, cross_entropy, has_classes
from convcore.nn.training.optimizers import Optimizer
from convcore.nn.training.parallel import PartsStep, Pass, Team, WholeStep
from convcore.nn.training.progress import Progress
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array, as_array
from convcore.spec.options import as_bool, as_generator, as_int

# Computes the loss and the gradients of a batch.
Step = Callable[[Array, Array, "np.random.Generator"], Pass]


class Epoch(NamedTuple):
    """One pass of training over all examples.

    Parameters
    ----------
    epoch : int
        From 1.
    loss : float
        Mean over the examples, each with the parameters of its step.
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
    """Run a model over data and compare its results with their targets.

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
    _check_callable(op, "loss", loss)
    batch_size = as_int(op, "batch_size", batch_size, 1)
    x, y = check_examples(op, check_model(op, model), (x, y), loss=loss, batch_size=batch_size)
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
    checkpoint: Name | None = None,
    parts: int = 1,
    comm: Any = None,
) -> list[Epoch]:
    """Train a model: every epoch uses all examples once, in random order, batch by batch.

    Parameters
    ----------
    model : Layer
        Most often a :class:`Sequential`. Its parameters are changed in place.
    x : array_like, shape (N, ...)
        Examples.
    y : array_like, shape (N, ...)
        Classes or wanted values, as ``loss`` takes them.
    optimizer : SGD or Adam
        The rule that changes parameters by their gradients.
    loss : callable
        :func:`cross_entropy`, :func:`mse`, or a function of a batch's results and wanted values
        that returns a :class:`Loss`.
    epochs : int
        How many times every example is used.
    batch_size : int
        Examples a step; the last batch of an epoch may be smaller.
    validation : (x, y), optional
        Data to evaluate the model with after each epoch.
    augment : callable, optional
        A function of a batch of examples and a generator. It returns the batch to train with,
        shifted or rotated for example.
    rng : numpy.random.Generator or int, optional
        Decides the order, what ``augment`` does and what :class:`Dropout` drops. The same seed
        gives the same bits on one machine, with any number of threads. Default: a new seed.
    progress : bool
        Whether to show progress on standard error: a bar if tqdm is installed, else a line an
        epoch.
    checkpoint : str or path, optional
        A file that is replaced after every epoch. If it exists, training continues from it and ends
        with the same bits as without the interruption. An exception leaves the model as the file
        has it. The file of another training, or of other initial weights, is refused before
        anything changes. Needs safetensors (``pip install "convcore[nn]"``). Of several processes
        the first one writes it, and all read it.
    parts : int
        Parts that each batch is cut into, at most ``batch_size``. Their gradients are added in a
        fixed order, so bits depend on this number and not on the processes that divide the parts.
        With more than one, :class:`Dropout` draws for each part. A batch normalisation has
        statistics of its own for each, and its running ones are the mean of the parts'.
    comm : communicator, optional
        The processes that divide the parts, each of them called with the same arguments: a
        communicator of mpi4py, an :class:`ExchangeComm`, or another object with ``rank``, ``size``
        and ``allgather(array)``, which returns a list. ``parts`` must be divisible by ``size``.

    Returns
    -------
    list of Epoch
        Losses and accuracies of all epochs, those before an interruption included.

    Raises
    ------
    ValueError, TypeError
        For data that are empty, not finite, or do not fit the model or the loss. For a training
        that diverges, a frozen model, and a checkpoint of another run or model.
    ImportError
        For a checkpoint without safetensors.
    OSError
        If the checkpoint cannot be written.
    RuntimeError
        If another process failed.

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
    with (team := Team(parts, comm)):
        return _fit(
            team, model, (x, y), optimizer=optimizer, loss=loss, epochs=epochs,
            batch_size=batch_size, validation=validation, augment=augment, rng=rng,
            progress=progress, checkpoint=checkpoint,
        )  # fmt: skip


def _fit(
    team: Team,
    model: Layer,
    data: tuple[ArrayLike, ArrayLike],
    *,
    optimizer: Optimizer,
    loss: Losses,
    epochs: int,
    batch_size: int,
    validation: tuple[ArrayLike, ArrayLike] | None,
    augment: Callable[[Array, np.random.Generator], ArrayLike] | None,
    rng: Rng,
    progress: bool,
    checkpoint: Name | None,
) -> list[Epoch]:
    op = "fit"
    epochs = as_int(op, "epochs", epochs, 1)
    batch_size = as_int(op, "batch_size", batch_size, 1)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{op}: optimizer must be SGD or Adam, got {short_repr(optimizer)}")
    as_int(op, "parts", team.parts, 1, batch_size)
    if team.size > 1 and rng is None:
        raise ValueError(f"{op}: rng must be given to several processes, got None")
    generator = as_generator(op, rng, fresh=True)
    progress = as_bool(op, "progress", progress)
    _check_callable(op, "loss", loss)
    if augment is not None:
        _check_callable(op, "augment", augment)
    if not check_model(op, model).parameters():
        raise ValueError(f"{op}: model must have parameters, got a {model.op} without any")
    for name, array in model.state().items():
        if not array.flags.writeable:
            raise ValueError(f"{op}: {kind_of(model, name)} {name!r} is frozen; call unfreeze()")
    x, y = check_examples(op, model, data, loss=loss, batch_size=batch_size)
    if validation is not None:
        validation = check_validation(op, model, validation, loss, batch_size)
    saved = None
    if checkpoint is not None:
        saved = Checkpoint(checkpoint, model, optimizer, generator, rng is not None, {
            "data": (x, y), "batch_size": batch_size, "loss": loss, "augment": augment,
            "validation": validation, "parts": team.parts,
        })  # fmt: skip
    history = [] if saved is None else [Epoch(*epoch) for epoch in saved.resume(epochs)]
    if team.size > 1:
        given = {
            "x and y": fingerprint([x, y]), "validation": fingerprint(validation),
            "epochs": fingerprint(epochs), "batch_size": fingerprint(batch_size),
            "parts": fingerprint(team.parts), "optimizer": fingerprint(repr(optimizer)),
            "checkpoint": fingerprint([tuple(epoch) for epoch in history]),
        }  # fmt: skip
        team.agree(given | start_of(model, optimizer, generator))
    lent = [layer for layer in model.layers() if isinstance(layer, Dropout)]
    owned = [layer.rng for layer in lent]
    step: Step = WholeStep(model, loss) if team.parts == 1 else PartsStep(team, model, loss)
    shown = Progress(progress and team.rank == 0, epochs, -(-len(x) // batch_size))
    try:
        for layer in lent:
            layer.rng = generator
        for number in range(len(history) + 1, epochs + 1):
            model.train()
            batches = _batches(x, y, generator, batch_size, augment)
            done = _epoch(model, optimizer, step, batches, generator, Place(number, shown))
            model.train(False)
            _check_state(model, number)
            if validation is not None:
                found = _evaluated(model, *validation, loss, batch_size)
                done = done._replace(validation_loss=found.loss, validation_accuracy=found.accuracy)
            history.append(done)
            if saved is not None and team.rank == 0:
                saved.write(history)
            shown.end(done)
    except BaseException:
        if saved is not None:
            saved.rewind()
        raise
    finally:
        shown.close()
        model.train(False)
        _forget(model)
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
            batch = as_array("fit", "augment(x, rng)", augment(batch, generator))
        yield batch, y[chosen]


class Place(NamedTuple):
    """Where a training is, and what shows it."""

    epoch: int
    shown: Progress


def _epoch(
    model: Layer, optimizer: Optimizer, step: Step, batches: Iterable[tuple[Array, Array]],
    generator: np.random.Generator, place: Place,
) -> Epoch:  # fmt: skip
    total, right, examples, classes = 0.0, 0, 0, False
    for number, (batch, wanted) in enumerate(batches, 1):
        with np.errstate(
            over="ignore", invalid="ignore", divide="ignore"
        ):  # checked here, or after the epoch
            done = step(batch, wanted, generator)
            if not np.isfinite(done.value):
                raise ValueError(
                    f"fit: training diverged: the loss is {done.value} in epoch {place.epoch}, "
                    f"batch {number}"
                )
            if done.gradients is None:
                optimizer.step(model)
            else:
                optimizer.step(model, done.gradients)
        total += done.value * len(wanted)
        examples += len(wanted)
        classes = done.right is not None
        right += done.right or 0
        place.shown.step(place.epoch, done.value)
    return Epoch(place.epoch, total / examples, right / examples if classes else None)


def _check_callable(op: str, name: str, value: object) -> None:
    if not callable(value):
        raise TypeError(f"{op}: {name} must be a function, got {short_repr(value)}")


def _check_state(model: Layer, number: int) -> None:
    """Refuse arrays that are not finite after an epoch, before they are written."""
    for name, array in model.state().items():
        if not np.isfinite(array).all():
            raise ValueError(
                f"fit: training diverged: {kind_of(model, name)} {name!r} is not finite after "
                f"epoch {number}"
            )


def _evaluated(model: Layer, x: Array, y: Array, loss: Losses, batch_size: int) -> Evaluation:
    total, confusion = 0.0, None
    for result, wanted in _results(model, x, y, batch_size):
        if not np.isfinite(result).all():
            raise ValueError("evaluate: the result of model must be finite, got NaN or infinity")
        total += check_loss("evaluate", loss(result, wanted), result).value * len(wanted)
        if has_classes(result, wanted):
            if confusion is None:
                confusion = np.zeros((result.shape[1],) * 2, np.int64)
            np.add.at(confusion, (wanted, result.argmax(axis=1)), 1)
    _forget(model)
    accuracy = None if confusion is None else float(np.trace(confusion)) / len(x)
    return Evaluation(total / len(x), accuracy, confusion)


def _forget(model: Layer) -> None:
    """Drop what layers keep of the last batch: its gradients are done."""
    for layer in model.layers():
        layer._kept = None


def _results(model: Layer, x: Array, y: Array, batch_size: int) -> Iterator[tuple[Array, Array]]:
    for begin in range(0, len(x), batch_size):
        part = slice(begin, begin + batch_size)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            result = model.forward(x[part])
        yield result, y[part]
