"""Every library's time over convcore's, for the convolutions of the recorded benchmark."""

import bench_record
import matplotlib.pyplot as plt

# The fastest of a library's ways stands for the library.
LIBRARIES = {
    "PyTorch": ("torch", "torch-cl"),
    "ONNX Runtime": ("onnxruntime",),
    "OpenVINO": ("openvino",),
    "ncnn": ("ncnn",),
    "OpenCV": ("opencv", "opencv-gauss", "opencv-sep"),
    "SciPy": ("scipy", "scipy-nd", "scipy-gauss", "scipy-fft", "scipy-oa"),
    "JAX": ("jax",),
}
MARKS = "osD^vPX"


def ratios(layer):
    """Return {library: its time over convcore's, on one thread}."""
    times = {
        result["library"]: result["median_ms"]
        for result in layer["results"]
        if result["threads"] == 1
    }
    found = {}
    for library, names in LIBRARIES.items():
        measured = [times[name] for name in names if name in times]
        if measured:
            found[library] = min(measured) / times["convcore"]
    return found


def draw():
    """Draw one row of dots a layer."""
    run = bench_record.run("intel")
    layers = [layer for layer in run["layers"] if layer["kind"] == "conv"]
    figure, axes = plt.subplots(figsize=(7.6, 0.25 * len(layers) + 1.2))
    rows = [ratios(layer) for layer in layers]
    for number, (library, mark) in enumerate(zip(LIBRARIES, MARKS, strict=True)):
        points = [(row[library], i) for i, row in enumerate(rows) if library in row]
        if points:
            axes.plot(
                *zip(*points, strict=True),
                mark,
                color=f"C{number % 4}",
                label=library,
                markersize=6,
                fillstyle="full" if number < 4 else "none",
            )
    axes.axvline(1, color="C0", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(layers)), [layer["shape"] for layer in layers], fontsize=9)
    axes.set_ylim(len(layers) - 0.5, -0.5)
    axes.grid(axis="x", linewidth=0.5)
    axes.set_xlabel("time of the library / time of convcore")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.09), ncols=4, frameon=False, fontsize=9)
    figure.tight_layout()
