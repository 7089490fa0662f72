"""
A tiled layer learns rotated copies of a kernel
===============================================

It does so by itself.

The task: tell waves that all run in one direction, whichever it is, from waves of the same length
in all directions. An oriented kernel sees the difference where it fits the direction. A convolution
with one kernel has one; a tiled layer of period 2 has four in turn. An Lp pooling of 2 x 2 outputs,
for p = 8 nearly their maximum, holds one answer of each of them, in whatever order, so it is best
if they share the directions among themselves. Nobody tells them how.
(Le et al., Tiled convolutional neural networks, 2010.)

Run with ``python examples/tiled_rotations.py``; takes about half a minute.
"""

import numpy as np

import convcore
from convcore import conv2d, nn

SIZE, KERNEL, WAVE, WAVES, EPOCHS = 20, 9, 4.0, 12, 60
ANGLES = np.arange(0, 180, 5)


def grating(angle, phase, size):
    """A wave that runs in the direction of an angle (degrees), values -1 to 1."""
    down, right = np.mgrid[:size, :size]
    radians = np.radians(angle)
    return np.cos(2 * np.pi / WAVE * (right * np.cos(radians) + down * np.sin(radians)) + phase)


def textures(n, rng):
    """Half waves in all directions at once (0), half in one direction (1), of equal variance."""
    x, y = np.zeros((n, 1, SIZE, SIZE)), np.arange(n) % 2
    for image, one in zip(x[:, 0], y, strict=True):
        for angle in rng.uniform(0, 180) + np.zeros(WAVES) if one else rng.uniform(0, 180, WAVES):
            image += rng.normal() * grating(angle, rng.uniform(0, 2 * np.pi), SIZE)
    x += 0.3 * x.std(axis=(1, 2, 3), keepdims=True) * rng.normal(size=x.shape)
    x /= x.std(axis=(1, 2, 3), keepdims=True)
    return x.astype(np.float32), y


def network(period, rng):
    """One map of answers, their strength in 2 x 2 neighbours, its mean, two scores."""
    return nn.Sequential(
        {"answers": nn.TiledConv2d(1, 1, KERNEL, period=period, bias=False, rng=rng),
         "strength": nn.LpPool2d(2, p=8), "mean": nn.AdaptiveAvgPool2d(1), "flat": nn.Flatten(),
         "scores": nn.Linear(1, 2, rng=rng)},
        input_shape=(1, SIZE, SIZE),
    )  # fmt: skip


def tuning(kernel):
    """How strongly a kernel answers to gratings of each angle, for the best phase."""
    waves = np.array(
        [[grating(angle, phase, KERNEL) for phase in (0, np.pi / 2)] for angle in ANGLES]
    )
    answers = conv2d(waves.reshape(-1, 1, KERNEL, KERNEL), kernel[np.newaxis, np.newaxis])
    return np.hypot(*answers.reshape(len(ANGLES), 2).T)


def main(epochs=EPOCHS):
    """Train both, then look at what the kernels answer to."""
    train, test = (textures(n, np.random.default_rng(seed)) for n, seed in ((6000, 1), (1000, 2)))
    results = {}
    for period in (1, 2):
        model = network(period, np.random.default_rng(0))
        with convcore.threads(1):
            nn.fit(model, *train, epochs=epochs, batch_size=20, optimizer=nn.Adam(0.01), rng=0,
                   progress=False)  # fmt: skip
        accuracy = nn.evaluate(model, *test).accuracy
        print(
            f"period {period}: {model['answers'].weight.size} weights, {100 * accuracy:.1f} % of "
            "the test textures right"
        )
        kernels = model["answers"].weight.reshape(-1, KERNEL, KERNEL)
        for number, kernel in enumerate(kernels):
            answers = tuning(kernel)
            bars = "".join(" .:-=+*#%@"[int(9.99 * a)] for a in answers / answers.max())
            print(
                f"  kernel {number} answers most to {ANGLES[answers.argmax()]:3} degrees  "
                f"[{bars}] 0 to 175 degrees"
            )
        results[period] = accuracy, kernels
    return results


# %%
# The kernels
# -----------


def draw(results):
    """Draw the kernels of both networks, each with the angle that it answers most to."""
    import matplotlib.pyplot as plt

    kernels = [kernel for _, found in results.values() for kernel in found]
    figure, axes = plt.subplots(1, len(kernels), figsize=(9, 2.4))
    figure.suptitle("The kernel of period 1, and the four that a tiled layer has learned")
    for place, kernel in zip(axes, kernels, strict=True):
        place.imshow(kernel)
        place.set_title(f"{ANGLES[tuning(kernel).argmax()]} degrees", fontsize=10)
        place.set_axis_off()
    plt.show()


if __name__ == "__main__":
    draw(main())
