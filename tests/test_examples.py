"""Every example runs, in a short form, and shows what it says."""

import importlib.util
import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NEEDED = {"train_lenet5": ("safetensors", "mlxtend"), "local_or_convolution": ("mlxtend",),
          "blur_pooling": ("mlxtend",), "large_photograph": ("skimage", "PIL")}


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
    assert {path.name for path in tmp_path.iterdir()} == {"lenet5-training.safetensors",
                                                          "lenet5.safetensors"}


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


@pytest.mark.parametrize("name", ["echoes", "edges", "moving_film", "pooling_kinds"])
def test_pictures(name):
    """Their assertions are what they print and draw; a change that breaks them ends the run."""
    for package in ("matplotlib", "skimage"):
        pytest.importorskip(package)
    import matplotlib.pyplot as plt

    with plt.rc_context({"backend": "agg"}):
        runpy.run_path(str(EXAMPLES / f"{name}.py"), {"plt": plt})
        assert plt.get_fignums()
        plt.close("all")


def test_large_photograph(tmp_path, capsys):
    assert run("large_photograph", tmp_path).stat().st_size > 10_000
    assert "(2, 1411, 1411)" in capsys.readouterr().out
