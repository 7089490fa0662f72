"""The package with NumPy alone: everything is imported, and every operator called once.

Whatever else is installed is hidden from the processes that do it.
"""

import pytest

from tests.tables.bridges import LIBRARIES

HIDE = """
import sys
from importlib.abc import MetaPathFinder

SEEN = {*sys.stdlib_module_names, "convcore", "numpy", "tests"}


class NumpyAlone(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in SEEN and not name.startswith("_sysconfigdata"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, NumpyAlone())
import numpy as np
import convcore
"""


@pytest.fixture(scope="module")
def alone(run_python):
    """Runs code with NumPy and `convcore`, and returns what it prints."""
    return lambda code, **options: run_python(HIDE + code, **options).stdout


def test_nothing_else_is_seen(alone):
    code = """
for name in "scipy", "pytest":
    try:
        __import__(name)
    except ModuleNotFoundError:
        print("hidden")
"""
    assert alone(code).split() == ["hidden"] * 2


def test_onnx_has_a_page_of_help(alone):
    code = """
import inspect, pydoc

assert "ops" not in dir(convcore.onnx)
names = [name for name, _ in inspect.getmembers(convcore.onnx)]
print("load" in names, "Networks from ONNX files" in pydoc.render_doc(convcore.onnx))
"""
    assert alone(code).split() == ["True", "True"]


def test_each_operator_once(alone):
    code = """
from convcore import reference
from tests.tables.overlap_calls import calls

for call in calls():
    got, want = call(), getattr(reference, call.name)(**call.arrays, **call.options)
    if not isinstance(got, tuple):
        got, want = (got,), (want,)
    for one, other in zip(got, want, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12, err_msg=str(call))
    print(call.name)

x = np.arange(12.0)
np.testing.assert_array_equal(convcore.convolve(x, x[:3]), np.convolve(x, x[:3]))
np.testing.assert_array_equal(convcore.correlate(x, x[:3]), np.correlate(x, x[:3], "full"))
assert convcore.distance_window((3, 3)).shape == (3, 3)
assert convcore.error_bound(x[None], x[None, None, :3]).shape == (1, 10)
convcore.set_num_threads(2)
assert convcore.get_num_threads() == convcore.build_info()["threads"] == 2
with convcore.threads(1), convcore.set_algorithm("direct"), convcore.set_array_api(True):
    assert convcore.get_num_threads() == 1
print("convolve", "correlate", "distance_window", "set_num_threads", "get_num_threads")
assert type(convcore.explain("max_pool1d", (1, 4), kernel_size=2)) is convcore.Explanation
layer = convcore.prepare("conv1d", np.ones((1, 1, 2)))
assert type(layer) is convcore.PreparedLayer and layer(np.ones((1, 3))).tolist() == [[2, 2]]
print("build_info", "threads", "set_algorithm", "set_array_api", "explain")
print("Explanation", "error_bound")
print("prepare", "PreparedLayer")
print(*convcore.__all__)
"""
    *called, public = alone(code).splitlines()
    assert set(" ".join(called).split()) == set(public.split())


def test_each_module(alone):
    code = """
import pkgutil

from tests.tables.bridges import LIBRARIES as BRIDGES

for module in pkgutil.walk_packages(convcore.__path__, "convcore.", onerror=lambda name: None):
    if "._" in module.name or ".cli.demo" in module.name or module.name.endswith("onnx.backend"):
        continue  # the extras `demo` and `onnx`
    if module.name.split(".")[1] in BRIDGES:
        continue
    __import__(module.name)
    print(module.name)
"""
    assert {"convcore.geometry", "convcore.nn"} < set(alone(code).split())


def test_the_package_has_a_page_of_help(alone):
    code = """
import inspect, pydoc

names = [name for name, _ in inspect.getmembers(convcore)]
print("conv2d" in names, "jax" in names, "conv2d" in pydoc.render_doc(convcore))
"""
    assert alone(code).split() == ["True", "False", "True"]


def test_which_extra_to_install_is_said(alone):
    code = """
for name in ("jax",):
    try:
        getattr(convcore, name)
    except ImportError as error:
        print(f'convcore[{name}]' in str(error))
"""
    assert set(alone(code).split()) == {"True"}


def test_a_network_learns(alone):
    code = """
from convcore import nn

x, labels = np.ones((8, 1, 6, 6), np.float32), np.arange(8) % 2
x[labels == 1, :, ::2] = 0
net = nn.Sequential(
    nn.Conv2d(1, 2, 3, rng=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2, rng=2)
)
history = nn.fit(net, x, labels, optimizer=nn.SGD(0.1), epochs=20, rng=3, progress=False)
assert history[-1].loss < history[0].loss
print(nn.evaluate(net, x, labels).accuracy)
"""
    assert float(alone(code)) >= 0.5


def test_what_scipy_is_for_is_said(alone):
    code = """
try:
    convcore.matrix.conv_matrix(np.ones((1, 1, 2)), (1, 4))
except ImportError as error:
    print(error)
"""
    assert "convcore[matrix]" in alone(code)


def test_what_each_bridge_is_for_is_said(alone):
    code = """
from tests.tables.bridges import LIBRARIES as BRIDGES

for name in BRIDGES:
    assert name not in dir(convcore)
    try:
        getattr(convcore, name)
    except ImportError as error:
        print(error)
"""
    said = alone(code).splitlines()
    assert said == [
        f'convcore.{name}: needs {package}: pip install "convcore[{name}]"'
        for name, package in LIBRARIES.items()
    ]
