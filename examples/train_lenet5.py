"""
Train LeNet-5 on real digits
============================

Interrupted or not, and test it.

Stop it with Ctrl-C and start it again: it continues from its checkpoint, and ends with the same
bits as without the interruption.

Run with ``python examples/train_lenet5.py``; takes about half a minute. Needs the extras ``demo``
and ``nn``.
"""

import numpy as np

import convcore
from convcore import nn

EPOCHS, BATCH = 20, 32


def main(epochs=EPOCHS, folder="."):
    """Train, test and save."""
    digits = nn.data.digits()
    model = nn.models.lenet5(rng=0)
    print(nn.summary(model, (1, 32, 32)))

    steps = epochs * len(digits.train_labels) // BATCH
    optimizer = nn.SGD(lambda done: 0.02 * (1 - done / steps), momentum=0.9, weight_decay=1e-4)
    # small steps of a small network: one thread is as fast, and undisturbed by other programs
    with convcore.threads(1):
        nn.fit(
            model, digits.train_images, digits.train_labels, optimizer=optimizer, epochs=epochs,
            batch_size=BATCH, augment=nn.data.warp, rng=0,
            validation=(digits.test_images, digits.test_labels),
            checkpoint=f"{folder}/lenet5-training.safetensors",
        )  # fmt: skip

    found = nn.evaluate(model, digits.test_images, digits.test_labels)
    print(
        f"\n{100 * found.accuracy:.1f} % of the test digits are right; rows: the digit, columns: "
        "what it was taken for"
    )
    print(found.confusion)

    nn.save(model, f"{folder}/lenet5.safetensors")
    again = nn.load(nn.models.lenet5(), f"{folder}/lenet5.safetensors")
    again.freeze()
    scores = again.forward(digits.test_images[0])
    print(
        f"\nloaded again, the first test digit, a {digits.test_labels[0]}, is taken for a "
        f"{np.argmax(scores)}"
    )
    return found.accuracy, model


# %%
# What the layers see
# -------------------


def draw(model):
    """Draw a digit and the six maps of layer C1, with the kernels that made them."""
    import matplotlib.pyplot as plt

    digit = nn.data.digits().test_images[0]
    maps = model[0].forward(digit)
    figure, axes = plt.subplots(2, 7, figsize=(9, 3))
    figure.suptitle("A digit, the six kernels of layer C1, and the maps that they make of it")
    axes[0, 0].imshow(digit[0])
    for column, (kernel, answer) in enumerate(zip(model[0].weight, maps, strict=True), 1):
        axes[0, column].imshow(kernel[0])
        axes[1, column].imshow(answer)
    for place in axes.flat:
        place.set_axis_off()
    plt.show()


if __name__ == "__main__":
    draw(main()[1])
