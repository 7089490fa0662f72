"""Training: losses, optimizers, the loop over batches, and its checkpoints."""

from convcore.nn.training.exchange import Exchange, ExchangeComm
from convcore.nn.training.fit import Epoch, Evaluation, evaluate, fit
from convcore.nn.training.losses import Loss, cross_entropy, mse
from convcore.nn.training.optimizers import SGD, Adam, Optimizer

__all__ = [
    "SGD",
    "Adam",
    "Epoch",
    "Evaluation",
    "Exchange",
    "ExchangeComm",
    "Loss",
    "Optimizer",
    "cross_entropy",
    "evaluate",
    "fit",
    "mse",
]
