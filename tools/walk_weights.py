"""Train the LeNet-5 of the site's walk and write its weights, rounded to 8 bits.

    python -m tools.walk_weights

takes about a minute and a half and needs the extras ``demo`` and ``nn``. It prints how many of the
1,000 test digits the rounded network reads, the number that ``docs/walk.rst`` states.
"""

from pathlib import Path

import numpy as np

import convcore
from convcore import nn

EPOCHS, BATCH, RATE, SEED = 60, 32, 0.02, 1998
TARGET = Path(__file__).resolve().parents[1] / "docs" / "walk" / "lenet5.npz"
LAYERS = "C1", "C3", "C5", "F6", "output"
POOLINGS = "S2", "S4"  # few numbers: kept as they are


def trained(digits):
    """Return the network after 60 epochs of slightly moved images."""
    model = nn.models.lenet5(rng=SEED)
    steps = EPOCHS * -(-len(digits.train_labels) // BATCH)
    optimizer = nn.SGD(lambda done: RATE * (1 - done / steps), momentum=0.9, weight_decay=1e-4)
    with convcore.threads(1):  # small steps of a small network
        nn.fit(
            model, digits.train_images, digits.train_labels, optimizer=optimizer, epochs=EPOCHS,
            batch_size=BATCH, augment=nn.data.warp, rng=SEED,
        )  # fmt: skip
    return model


def rounded(model):
    """Return the arrays of the file: weights are int8 times a scale of their output channel."""
    arrays = {}
    for name in LAYERS:
        weight = model[name].weight
        largest = np.abs(weight).max(axis=tuple(range(1, weight.ndim)))
        scale = (largest / 127).astype(np.float32)
        each = scale.reshape(-1, *[1] * (weight.ndim - 1))
        arrays[f"{name}.weight"] = np.rint(weight / each).astype(np.int8)
        arrays[f"{name}.scale"] = scale
        arrays[f"{name}.bias"] = model[name].bias
    for name in POOLINGS:
        arrays[f"{name}.weight"], arrays[f"{name}.bias"] = model[name].weight, model[name].bias
    return arrays


def restored(arrays, dtype=np.float64):
    """Return the network that the arrays stand for."""
    model = nn.models.lenet5(rng=0, dtype=dtype)
    for name in LAYERS + POOLINGS:
        weight = arrays[f"{name}.weight"].astype(dtype)
        if name in LAYERS:
            weight *= arrays[f"{name}.scale"].reshape(-1, *[1] * (weight.ndim - 1))
        model[name].weight[:] = weight
        model[name].bias[:] = arrays[f"{name}.bias"]
    return model


def main():
    """Train, round, test and write."""
    digits = nn.data.digits()
    model = trained(digits)
    arrays = rounded(model)
    for words, network in ("as trained", model), ("rounded", restored(arrays)):
        found = nn.evaluate(network, digits.test_images, digits.test_labels)
        print(f"{words}: {1000 * found.accuracy:.0f} of 1,000 test digits are right")
    np.savez_compressed(TARGET, **arrays)
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
