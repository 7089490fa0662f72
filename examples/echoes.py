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
# The sound is a chirp, which rises in pitch as a bat's call does (a bat's falls). Three echoes of
# it are added to noise; the third is five times as weak as the noise around it.

rng = np.random.default_rng(0)
time = np.arange(400)
call = np.sin(2 * np.pi * (0.01 * time + 0.0002 * time**2)) * np.hanning(400)

ECHOES = {900: 0.8, 2100: 0.4, 2330: 0.4, 3500: 0.2}  # where they begin, how loud they are
recording = rng.normal(scale=1.0, size=5000)
for start, loudness in ECHOES.items():
    recording[start:start + len(call)] += loudness * call

# %%
# Compared at every place
# -----------------------
#
# ``conv1d`` does not turn its kernel round, so each output is the sum of the products of the call
# and of a piece of the recording as long as the call. Where the piece holds an echo the products
# are positive and add up; elsewhere they cancel. The result is divided by what an echo as loud as
# the call would give.

kernel = call[np.newaxis, np.newaxis] / np.sum(call**2)  # map, channel, place
answer = conv1d(recording[np.newaxis], kernel)[0]
print("recording", recording.shape, " answer", answer.shape)

# %%
# The peaks are found by pooling: a place is one if it holds the largest answer of the window around
# it, that is where a maximum with stride 1 changes nothing.

largest = max_pool1d(answer[np.newaxis], 101, stride=1, padding=50)[0]
peaks = np.flatnonzero((answer == largest) & (answer > 4.2 * answer.std() / 2))
for peak in peaks:
    print(f"an echo at {peak}, loudness {answer[peak]:.2f}")

# %%
# Two echoes that overlap are told apart, and the weakest is where it was put.

figure, axes = plt.subplots(3, 1, figsize=(8, 6), height_ratios=[1, 2, 2])
figure.suptitle("A call, a noisy recording with four echoes, and where the call was found")
axes[0].plot(call, color="C2")
axes[0].set(title="the call", xlim=(0, len(recording)))
axes[1].plot(recording, linewidth=0.6)
axes[1].set(title="the recording", xlim=(0, len(recording)))
axes[2].plot(answer, color="C1", linewidth=0.9)
axes[2].plot(peaks, answer[peaks], "o", color="C0")
axes[2].set(title="compared with the call at every place", xlim=(0, len(recording)))
plt.show()
