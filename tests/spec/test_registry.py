"""The registry is what every operator has: public functions, gradients, matrices and layers."""

import inspect
import pydoc
import typing
from inspect import Parameter

import numpy as np
import pytest

import convcore
from convcore import api, geometry, matrix, nn
from convcore.spec.options import ALGORITHMS, LAYOUTS, plain
from convcore.spec.registry import AXES, OPERATORS, REQUIRED, class_name, layer_name

EACH = [(kind, axes) for kind in OPERATORS for axes in AXES]
OPERANDS = ("x", "weight", "bias")
EXECUTION = {"algorithm": "auto", "threads": None, "out": None}
START = {"bias": True, "rng": None, "gain": 1.0, "dtype": np.float32}  # of a layer's parameters
SIZES = {"local": "input_size", "tiled": "period"}  # what else the shape of a weight depends on


def defaults(function):
    """{parameter: default} in a signature's order; those without one have REQUIRED."""
    return {
        name: REQUIRED if one.default is Parameter.empty else one.default
        for name, one in inspect.signature(function).parameters.items()
    }


def options(kind, axes=None, but=()):
    """{option: default} in the registry's order; with axes the layout's is the word for it."""
    found = {
        option.name: option.default for option in OPERATORS[kind].options if option.name not in but
    }
    if axes is not None:
        found["layout"] = LAYOUTS[axes][0]
    return found


def missing(kind, but=()):
    """{option: default} of missing cells, which follow the layout."""
    return {
        option.name: option.default for option in OPERATORS[kind].missing if option.name not in but
    }


def execution(kind):
    return {
        name: default
        for name, default in EXECUTION.items()
        if name != "algorithm" or OPERATORS[kind].has_algorithms
    }


def operands(kind):
    if OPERATORS[kind].has_weight:
        return {"x": REQUIRED, "weight": REQUIRED, "bias": None}
    return {"x": REQUIRED}


@pytest.mark.parametrize(("kind", "axes"), EACH)
def test_functions(kind, axes):
    want = operands(kind) | options(kind, axes) | missing(kind) | execution(kind)
    got = defaults(getattr(convcore, layer_name(kind, axes)))
    assert got == want
    assert list(got) == list(want)


@pytest.mark.parametrize(("kind", "axes"), EACH)
def test_gradients(kind, axes):
    want = {"grad": REQUIRED} | operands(kind) | options(kind, axes) | missing(kind)
    want |= execution(kind)
    if OPERATORS[kind].has_weight:
        want["needs"] = (True, True, True)
    if "return_indices" in want:
        want["indices"] = None  # which the forward function returned
    got = defaults(getattr(convcore, f"{layer_name(kind, axes)}_backward"))
    assert got == want
    assert [name for name in got if name not in ("needs", "indices")] == [
        name for name in want if name not in ("needs", "indices")
    ]


def test_matrices():
    names = {f"{kind}_matrix" for kind, operator in OPERATORS.items() if operator.has_matrix}
    assert names == set(matrix.__all__)
    for name in names:
        got = defaults(getattr(matrix, name))
        kind = name.removesuffix("_matrix")
        want = options(kind)  # of any number of axes: the shapes say which
        first = "weight" if OPERATORS[kind].has_weight else next(iter(want))
        want = {first: REQUIRED, "input_shape": REQUIRED} | {
            option: default for option, default in want.items() if option != first
        }
        assert got == want
        assert list(got) == list(want)


@pytest.mark.parametrize(("kind", "axes"), EACH)
def test_layers(kind, axes):
    """A layer has every option of its operator but for what makes it return two results."""
    operator = OPERATORS[kind]
    layer = getattr(nn, class_name(kind, axes))
    assert layer.operator == layer_name(kind, axes)
    assert layer.axes == axes + 1
    want = options(kind, but=["return_indices"])
    want |= missing(kind, but=["mask", "return_weight"])
    if operator.has_algorithms:
        want["algorithm"] = "auto"
    if operator.has_weight:
        first = dict.fromkeys(["in_channels", "out_channels", "kernel_size"], REQUIRED)
        size = {SIZES[operator.sharing]: REQUIRED} if operator.sharing in SIZES else {}
        want = first | want | size | START
    assert defaults(layer) == want


def test_every_layer_of_an_operator_is_one_of_the_registry():
    found = {name for name in nn.__all__ if getattr(getattr(nn, name), "kind", None) is not None}
    assert found == {class_name(*each) for each in EACH}


@pytest.mark.parametrize("position", ["positional", "keyword"])
@pytest.mark.parametrize(("kind", "axes"), EACH)
def test_options_stand_alike_in_functions_and_layers(kind, axes, position):
    """What is positional in a function is positional in its layer, in the same order."""

    def kinds(function):
        return [
            name
            for name, one in inspect.signature(function).parameters.items()
            if (one.kind is Parameter.KEYWORD_ONLY) == (position == "keyword")
            and name in {option.name for option in OPERATORS[kind].layer_options}
        ]

    function, layer = (
        getattr(convcore, layer_name(kind, axes)),
        getattr(nn, class_name(kind, axes)),
    )
    assert kinds(layer) == kinds(function)


def test_geometry_takes_every_option():
    layer = geometry.Layer("conv2d", (4, 2, 3, 3), (4,), **options("conv"), **EXECUTION)
    assert geometry.count(layer, (2, 8, 8)).parameters == 76


@pytest.mark.parametrize(("kind", "axes"), EACH)
def test_defaults_are_read(kind, axes):
    for option in OPERATORS[kind].layer_options:
        if option.default is not REQUIRED:
            read = option.read("test", option.default, axes)
            # (in tuples: NaN is not equal to itself, but is the same object)
            assert (option.read("test", read, axes),) == (read,)
            assert (option.read("test", plain(read), axes),) == (read,)


def test_algorithms_are_those_that_layers_take():
    for word in ALGORITHMS:
        assert nn.Conv2d(1, 1, 3, algorithm=word).options["algorithm"] == word
    with pytest.raises(ValueError, match=r"^Conv1d: algorithm must be one of .*, got 'fft3'"):
        nn.Conv1d(1, 1, 3, algorithm="fft3")


@pytest.mark.parametrize("name", convcore.__all__)
def test_annotations_can_be_read(name):
    """They are text, so that `help` shows short names; tools that read types still find them."""
    item = getattr(convcore, name)
    hints = typing.get_type_hints(item.__init__ if isinstance(item, type) else item)
    assert "return" in hints


def test_help_opens_with_a_short_signature():
    line = pydoc.render_doc(convcore.conv2d, renderer=pydoc.plaintext).splitlines()[2]
    assert line.startswith("conv2d(x: 'ArrayLike', weight: 'ArrayLike', bias: 'ArrayLike | None'")
    assert line.endswith(" -> 'Array'")
    assert len(line) < 550


@pytest.mark.parametrize("module", [convcore, geometry, matrix, nn], ids=lambda m: m.__name__)
def test_no_help_opens_with_unions_of_array_types(module):
    for name in module.__all__:
        item = getattr(module, name)
        if callable(item):
            assert len(str(inspect.signature(item))) < 600, name


def test_layers_can_call_every_operator():
    assert api.CALLS.keys() == OPERATORS.keys()
