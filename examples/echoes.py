"""
Echoes in a noisy signal
========================

A sound is sent out, and its echoes come back weak and late. With :func:`convcore.conv1d` the
recording is compared with the sound at every place at once, and what noise hides becomes visible.
The recording is made here, so that we know what has to be found.
"""

import matplotlib.pyplot as plt
import numpy as np

from convcore import conv1d, max_pool1d

# %%
# A recording
# -----------
#
# The sound is a chirp, a tone that rises. Four echoes of it are added to noise whose standard
# deviation is 1. Three of them are weaker than that, and two overlap.

rng = np.random.default_rng(0)
time = np.arange(800)
call = np.sin(2 * np.pi * (0.01 * time + 0.0001 * time**2)) * np.hanning(800)

ECHOES = {900: 1.0, 2100: 0.7, 2330: 0.7, 3500: 0.6}  # where they begin, how loud they are
recording = rng.normal(size=5000)
for start, loudness in ECHOES.items():
    recording[start : start + len(call)] += loudness * call

# %%
# Compared at every place
# -----------------------
#
# ``conv1d`` does not turn its kernel round, so each output is the sum of the products of the call
# and of a piece of the recording as long as the call. Where the piece is an echo the products are
# positive and add up; elsewhere most of them cancel. Divided by the sum of the call's squares,
# its energy, an echo as loud as the call gives 1.

energy = np.sum(call**2)
kernel = call[np.newaxis, np.newaxis] / energy  # map, channel, place
answer = conv1d(recording[np.newaxis], kernel)[0]
print("recording", recording.shape, " answer", answer.shape)

# %%
# The peaks are found by pooling: a place holds the largest answer of the window around it if a
# maximum with stride 1 leaves it as it is. The noise alone gives answers with a standard deviation
# of one by the root of the energy; what is five times as large is taken for an echo.

largest = max_pool1d(answer[np.newaxis], 101, stride=1, padding=50)[0]
peaks = np.flatnonzero((answer == largest) & (answer > 5 / np.sqrt(energy)))
for peak in peaks:
    print(f"an echo at {peak}, loudness {answer[peak]:.2f}")

# %%
# All four are found, each within a step of its place, and nothing else is. The loudness contains
# what the noise added or took away.

figure, axes = plt.subplots(3, 1, figsize=(8, 6), height_ratios=[1, 2, 2])
figure.suptitle("A call, a noisy recording with four echoes, and where the call was found")
axes[0].plot(call, color="C2", linewidth=0.8)
axes[0].set_title("the call")
axes[1].plot(recording, linewidth=0.6)
axes[1].set_title("the recording")
axes[2].plot(answer, color="C1", linewidth=0.9)
axes[2].plot(peaks, answer[peaks], "o", color="C0")
axes[2].set_title("compared with the call at every place")
for panel in axes:
    panel.set_xlim(0, len(recording))
plt.show()
