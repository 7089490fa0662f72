"""
Max pooling and blur pooling
============================

How often a digit that is shifted changes its class.

Max pooling with stride 2 keeps one of four maxima, another one after a shift by one cell. Blur
pooling takes the maxima with stride 1 and then a weighted average with stride 2: the same layers
and parameters, but what a shift changes is smoothed before it is left out.

Run with ``python examples/blur_pooling.py``; takes about a minute. Needs the extra ``demo``.
After R. Zhang, Making convolutional networks shift-invariant again (2019).
"""

import numpy as np

import convcore
from convcore import distance_window, nn

EPOCHS = 12
SHIFTS = [(0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (2, 2), (0, -1), (-1, 0), (-2, -2)]


def max_pooling():
    """Maxima of 2 x 2 cells, stride 2."""
    return [nn.MaxPool2d(2)]


def blur_pooling():
    """Maxima of 2 x 2 cells, stride 1; then their average, the near ones with more weight."""
    window = distance_window((4, 4), "binomial")
    return [nn.MaxPool2d(2, 1), nn.WeightedPool2d(window, 2, 1)]


def network(pooling, rng):
    """Two convolutions, each with its pooling, and a dense layer."""
    return nn.Sequential(
        [nn.Conv2d(1, 8, 5, rng=rng, gain=2**0.5), nn.ReLU(), *pooling(),
         nn.Conv2d(8, 16, 3, rng=rng, gain=2**0.5), nn.ReLU(), *pooling(),
         nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(16 * 9, 10, rng=rng)],
        input_shape=(1, 32, 32),
    )  # fmt: skip


def classes(model, images):
    """The class with the highest score for each image."""
    return model.forward(images).argmax(axis=1)


def main(epochs=EPOCHS):
    """Train both networks, then shift the test digits."""
    digits = nn.data.digits()
    print(
        f"{'pooling':<10}{'parameters':>12}{'right':>9}{'right, shifted':>16}"
        f"{'same class as unshifted':>25}"
    )
    results = {}
    for pooling in (max_pooling, blur_pooling):
        model = network(pooling, np.random.default_rng(0))
        with convcore.threads(1):
            nn.fit(model, digits.train_images, digits.train_labels, epochs=epochs, batch_size=32,
                   optimizer=nn.Adam(0.002), rng=0, progress=False)  # fmt: skip
        model.freeze()
        unmoved = classes(model, digits.test_images)
        moved = np.array(
            [classes(model, np.roll(digits.test_images, shift, (2, 3))) for shift in SHIFTS]
        )
        right, still = (unmoved == digits.test_labels).mean(), (moved == digits.test_labels).mean()
        same = (moved == unmoved).mean()
        name = pooling.__name__.removesuffix("_pooling")
        number = nn.summary(model, (1, 32, 32)).parameters
        print(
            f"{name:<10}{number:>12,}{100 * right:>7.1f} %{100 * still:>14.1f} %"
            f"{100 * same:>23.1f} %",
            flush=True,
        )
        results[name] = same
    return results


# %%
# What is smoothed before it is left out
# --------------------------------------


def draw(results):
    """Draw a digit's maxima under both poolings, before and after a shift by one cell."""
    import matplotlib.pyplot as plt

    digit = nn.data.digits().test_images[728]
    moved = np.roll(digit, 1, axis=2)
    window = distance_window((4, 4), "binomial")
    figure, axes = plt.subplots(2, 3, figsize=(8, 5.2))
    figure.suptitle("A digit and its shift by one cell, pooled by maxima and by blurred maxima")
    for row, (word, x) in zip(axes, {"unmoved": digit, "moved": moved}.items(), strict=True):
        dense = convcore.max_pool2d(x, 2, 1)
        row[0].set_title(f"digit, {word}")
        row[0].imshow(x[0])
        row[1].set_title(f"max, same class in {100 * results['max']:.1f} %")
        row[1].imshow(convcore.max_pool2d(x, 2)[0])
        row[2].set_title(f"blur, same class in {100 * results['blur']:.1f} %")
        row[2].imshow(convcore.weighted_pool2d(dense, window, 2, 1)[0])
    for place in axes.flat:
        place.set_axis_off()
    plt.show()


if __name__ == "__main__":
    draw(main())
