"""
A network out of an ONNX file
=============================

A file that some installed package brings is run without that package: speech is told from noise, or
lines of text from paper.

The picture shows where the time goes. The example looks for ``silero_vad`` and
``rapidocr_onnxruntime``, and imports neither. Where both are absent, a small model of
``convcore.nn`` is exported and takes their place. A file can also be named.

Run with ``python examples/onnx_network.py [FILE]``; takes a few seconds.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np

from convcore import nn, onnx

SPEECH = "silero_vad", "data/silero_vad.onnx"
TEXT = "rapidocr_onnxruntime", "models/*det*.onnx"
RATE = 16000  # samples a second


def found(package, pattern):
    """The first file of an installed package that a pattern finds; None: there is none."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob(pattern)):
            return path
    return None


def sounds():
    """Two seconds: noise, then a vowel whose pitch falls, as two formants colour it."""
    rng, time = np.random.default_rng(0), np.arange(RATE) / RATE
    phase = 2 * np.pi * np.cumsum(140 - 40 * time + 4 * np.sin(30 * time)) / RATE
    vowel = np.zeros(RATE)
    for partial in range(1, 30):
        height = sum(np.exp(-(((130 * partial - f) / 180) ** 2)) for f in (730, 1090, 2440))
        vowel += (height + 0.02) * np.sin(partial * phase)
    vowel *= 0.5 + 0.5 * np.sin(2 * np.pi * 3 * time) ** 2
    return np.concatenate([0.02 * rng.normal(size=RATE), 0.2 * vowel]).astype(np.float32)


def hear(network):
    """The probability of speech in each of the pieces of 32 ms; the network keeps a state."""
    state, before = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32)
    heard = []
    for piece in sounds()[: 2 * RATE // 512 * 512].reshape(-1, 512):
        given = {"input": np.concatenate([before, piece])[None], "state": state, "sr": RATE}
        probability, state = network.run(given).values()
        heard.append(probability.item())
        before = piece[-64:]
    half = len(heard) // 2
    print(
        f"speech in noise: {np.mean(heard[:half]):.2f}, in a vowel: {np.mean(heard[half:]):.2f}\n"
    )
    return given


def read(network):
    """The share of a page that is text; the page is black bars as long as words on white."""
    rng = np.random.default_rng(0)
    page = np.ones((1, 3, 320, 480), np.float32)
    for top in range(60, 220, 40):
        left = 40
        while left < 360:
            width = rng.integers(20, 60)
            page[:, :, top : top + 14, left : left + width] = -1
            left += width + 10
    (text,) = network.run(page).values()
    lines, paper = text[0, 0, 60:220:40, 60:300], text[0, 0, 260:]
    print(f"text in the lines: {lines.mean():.2f}, below them: {paper.mean():.2f}\n")
    return page


def small():
    """A model of convcore.nn as the bytes of a file."""
    model = nn.Sequential({
        "conv": nn.Conv2d(3, 16, 3, padding=1, rng=0), "norm": nn.BatchNorm2d(16), "act": nn.ReLU(),
        "block": nn.Residual(nn.Conv2d(16, 16, 3, padding=1, rng=1), nn.BatchNorm2d(16)),
        "act2": nn.ReLU(), "pool": nn.AdaptiveAvgPool2d(1), "flat": nn.Flatten(),
        "head": nn.Linear(16, 10, rng=2), "soft": nn.Softmax(),
    })  # fmt: skip
    return onnx.export(model, (3, 64, 64))


def zeros(network):
    """Inputs of zeros, with 1 for each size that may vary."""
    return {
        each.name: np.zeros([n if isinstance(n, int) else 1 for n in each.shape or ()], each.dtype)
        for each in network.inputs
    }


def draw(name, report):
    """The steps that take longest, as bars."""
    import matplotlib.pyplot as plt

    rows = sorted(report, key=lambda row: row.milliseconds)[-12:]
    axes = plt.figure(figsize=(8, 3.6), layout="constrained").subplots()
    axes.barh([f"{row.name[-30:]}: {row.operator}" for row in rows],
              [row.milliseconds for row in rows])  # fmt: skip
    axes.set_xlabel("milliseconds")
    axes.set_title(f"The steps of {name} that take longest, of {report.milliseconds:.2f} ms in all")
    plt.show()


def main(path=None):
    """Run a file and show its steps with their times; return its name and the report."""
    speech, text = found(*SPEECH), found(*TEXT)
    if path is not None:
        name, network = path, onnx.load(path)
        given = zeros(network)
    elif speech is not None:
        name, network = speech.name, onnx.load(speech)
        given = hear(network)
    elif text is not None:
        name, network = text.name, onnx.load(text)
        given = read(network)
    else:
        name, network = "a small model", onnx.load(small())
        given = zeros(network)
    report = network.explain(given)
    print(f"{name}: {network}\n{report}")
    return name, report


if __name__ == "__main__":
    draw(*main(*sys.argv[1:]))
