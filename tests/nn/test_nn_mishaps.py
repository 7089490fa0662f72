"""What goes wrong in networks is said, and at once: layers in two places, training that diverges,
windows of padding alone, files that cannot be written.
"""

import os
import stat

import numpy as np
import pytest

from convcore import nn


def test_slices_have_names_of_their_own():
    model = nn.Sequential([nn.Linear(3, 3, rng=0), nn.ReLU(), nn.Linear(3, 3, rng=0)])[1:]
    model.append(nn.Linear(3, 2, rng=0))
    assert model.names == ("0", "1", "2")
    assert sum(array.size for array in model.parameters().values()) == 12 + 8
    with pytest.raises(ValueError, match="without dots that is no number, got '1'"):
        nn.Sequential({"1": nn.ReLU()})
    with pytest.raises(TypeError, match="a slice must have integers"):
        model["a":"b"]
    with pytest.raises(TypeError, match="key must be an integer, a name or a slice"):
        del model[:1]


def test_a_layer_that_comes_twice_by_way_of_a_stack_inside():
    layer, inside = nn.Linear(2, 2, rng=0), nn.Sequential()
    model = nn.Sequential([inside, nn.Tanh(), layer])
    inside.append(layer)
    with pytest.raises(ValueError, match="Sequential: layers must be distinct objects"):
        model.forward(np.ones((1, 2)))


def test_parameters_that_run_away_in_the_last_step_are_not_written(tmp_path):
    file = tmp_path / "run"
    x, y = np.full((4, 3), 1e10, np.float32), np.zeros((4, 2), np.float32)
    with pytest.raises(ValueError, match=r"training diverged: parameter 'weight' .* after epoch 1"):
        nn.fit(
            nn.Linear(3, 2, rng=0),
            x,
            y,
            loss=nn.mse,
            optimizer=nn.SGD(1e25),
            batch_size=4,
            checkpoint=file,
            progress=False,
        )
    assert not file.exists()


def test_small_gradients_of_float16_keep_their_squares():
    layer = nn.Linear(3, 2, dtype=np.float16, rng=0)
    x = np.full((4, 3), 1e-4, np.float16)
    nn.fit(layer, x, [0, 1, 0, 1], optimizer=nn.Adam(), progress=False, rng=0)
    assert layer.weight.dtype == np.float16
    assert np.isfinite(layer.weight).all()


def test_results_that_are_no_numbers_are_not_evaluated():
    layer = nn.Linear(2, 2, rng=0)
    layer.weight[...] = np.nan
    with pytest.raises(ValueError, match="evaluate: the result of model must be finite"):
        nn.evaluate(layer, np.ones((2, 2)), [0, 0])


def test_layers_of_ones_own_are_counted():
    class Scale(nn.Layer):
        arrays = ("a",)

        def __init__(self):
            super().__init__()
            self.a = np.ones(3)

    assert Scale().count((3,)).parameters == 3
    model = nn.Sequential([Scale(), nn.Linear(3, 2, rng=0)])
    assert nn.summary(model, (3,)).parameters == 3 + 8


def test_windows_of_padding_alone_are_refused_without_running():
    layer = nn.MaxPool2d(2, padding=5)
    with pytest.raises(ValueError, match=r"MaxPool2d: .*padding"):
        layer.output_shape((1, 4, 4))
    with pytest.raises(ValueError, match=r"Sequential: layer 1, MaxPool2d.*, does not fit"):
        nn.Sequential([nn.ReLU(), layer], input_shape=(1, 4, 4))


@pytest.mark.parametrize(("word", "given"), [("loss", {"loss": None}), ("augment", {"augment": 5})])
def test_what_must_be_functions(word, given):
    with pytest.raises(TypeError, match=f"fit: {word} must be a function"):
        nn.fit(nn.Linear(2, 2, rng=0), np.ones((2, 2)), [0, 1], optimizer=nn.SGD(), **given)


def test_no_dtype_is_not_float64():
    with pytest.raises(TypeError, match="Linear: dtype must be float16, float32 or float64"):
        nn.Linear(2, 2, dtype=None)


def test_a_folder_that_is_not_there_is_noticed_before_training(tmp_path):
    steps = []

    def loss(result, wanted):
        steps.append(1)
        return nn.mse(result, wanted)

    with pytest.raises(OSError, match="nowhere"):
        nn.fit(
            nn.Linear(2, 2, rng=0),
            np.ones((2, 2)),
            np.ones((2, 2)),
            loss=loss,
            optimizer=nn.SGD(),
            checkpoint=tmp_path / "nowhere" / "run",
            progress=False,
        )
    assert len(steps) == 1  # the one that asks whether the wanted values fit


@pytest.mark.skipif(os.name == "nt", reason="has other modes and links")
def test_saving_keeps_a_files_mode_and_links_to_it(tmp_path):
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"")
    file.chmod(0o600)
    link.symlink_to(file)
    layer = nn.Linear(2, 2, rng=0)
    nn.save(layer, link)
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    nn.load(nn.Linear(2, 2, rng=1), file)
