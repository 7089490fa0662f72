"""
A local layer and a convolution on centred digits
=================================================

What sharing weights costs and gives.

The two networks differ in one layer. MNIST's digits are centred, so a local layer can learn for
each place what is typical there; but it has to see everything everywhere, and where the test
digits are shifted, it has not.

Run with ``python examples/local_or_convolution.py``; takes about half a minute. Needs the extra
``demo``.
"""

import numpy as np

import convcore
from convcore import nn

EPOCHS = 12
LAYERS = {
    "convolution": lambda rng: nn.Conv2d(1, 8, 7, 2, rng=rng),
    "tiled, period 2": lambda rng: nn.TiledConv2d(1, 8, 7, 2, period=2, rng=rng),
    "local": lambda rng: nn.LocalConv2d(1, 8, 7, 2, input_size=32, rng=rng),
}
SHIFTS = (0, 1, 2, 3, 4)


def network(layer, rng):
    """One layer of maps, then a dense one."""
    return nn.Sequential(
        {"maps": layer(rng), "squash": nn.Tanh(), "flat": nn.Flatten(),
         "classes": nn.Linear(8 * 13 * 13, 10, rng=rng)},
        input_shape=(1, 32, 32),
    )  # fmt: skip


def shifted(images, cells):
    """Move images to the right; the margin of the digits is wide enough for two cells."""
    return np.roll(images, cells, axis=3)


def main(epochs=EPOCHS):
    """Train each network on unmoved digits and test it on moved ones."""
    digits = nn.data.digits()
    head = "".join(f"{f'shift {cells}':>9}" for cells in SHIFTS)
    print(f"{'layer':<16}{'weights':>9}{'biases':>8}{'multiply-adds':>15}{head}")
    results = {}
    for name, layer in LAYERS.items():
        model = network(layer, np.random.default_rng(0))
        with convcore.threads(1):
            nn.fit(model, digits.train_images, digits.train_labels, epochs=epochs, batch_size=32,
                   optimizer=nn.Adam(0.001), rng=0, progress=False)  # fmt: skip
        row = nn.summary(model, (1, 32, 32))["maps"]
        right = [
            nn.evaluate(model, shifted(digits.test_images, cells), digits.test_labels).accuracy
            for cells in SHIFTS
        ]
        print(
            f"{name:<16}{row.weights:>9,}{row.biases:>8,}{row.multiply_adds:>15,}"
            + "".join(f"{100 * share:>7.1f} %" for share in right),
            flush=True,
        )
        results[name] = right
    return results


# %%
# What a shift does
# -----------------


def draw(results):
    """Draw the share of right answers against the shift."""
    import matplotlib.pyplot as plt

    axes = plt.figure(figsize=(7, 3.6)).subplots()
    axes.set_title("Right answers on digits moved to the right, by the layer's sharing")
    for name, right in results.items():
        axes.plot(SHIFTS, right, "o-", label=name)
    axes.set(xlabel="shift in cells", ylabel="share of right answers", ylim=(0, 1))
    axes.set_xticks(SHIFTS)
    axes.legend(frameon=False)
    plt.show()


if __name__ == "__main__":
    draw(main())
