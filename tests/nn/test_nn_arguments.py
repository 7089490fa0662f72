"""What layers are made of: every option of their operators, and errors that name the layer."""

import inspect

import numpy as np
import pytest

import convcore
from convcore import connections, geometry, nn
from convcore.spec.options import LAYOUTS
from convcore.spec.registry import AXES, OPERATORS, class_name

LAYERS = {  # how a call runs, where its result goes, and (N, C, ...), which all layers take
    "layout",
    "algorithm",
    "threads",
    "out",
    "return_indices",
}
LAYERS = {
    name: value
    for name, value in vars(nn).items()
    if inspect.isclass(value) and issubclass(value, nn.Layer) and value is not nn.Layer
}
EACH = [(kind, axes) for kind in OPERATORS for axes in AXES]
OF_OPERATORS = {class_name(*each): each for each in EACH}
SPATIAL = (7, 6, 5)
# What a layer of an operator is made with, and what its operator gets, options for one axis or all.
STEPS = {"stride": 2, "padding": 1, "dilation": 2}
GIVEN = {
    "conv": ((2, 4, 2), {**STEPS, "groups": 2, "flip": True, "border": "edge"}),
    "conv_transpose": ((2, 4, 2), {**STEPS, "groups": 2, "output_padding": 1}),
    "local_conv": ((2, 4, 2), STEPS),
    "tiled_conv": ((2, 4, 2), STEPS),
    "max_pool": ((2,), {**STEPS, "ceil_mode": True}),
    "avg_pool": ((2,), {**STEPS, "ceil_mode": True, "count_include_pad": True}),
    "lp_pool": ((2,), {**STEPS, "p": 3.0, "ceil_mode": True}),
    "l2_pool": ((2,), {**STEPS, "ceil_mode": True}),
    "weighted_pool": ((), {**STEPS, "normalize": False, "ceil_mode": True}),
    "adaptive_avg_pool": ((2,), {}),
    "adaptive_max_pool": ((2,), {}),
}


def first(name):
    """The least that a layer of any kind is made with: arguments and those by name."""
    kind, axes = OF_OPERATORS.get(name, (None, None))
    if kind is None:
        return (), {}
    if kind == "weighted_pool":
        return (np.ones((1,) * axes),), {}
    if not OPERATORS[kind].has_weight:
        return (1,), {}
    return (1, 1, 1), {"local_conv": {"input_size": 1}, "tiled_conv": {"period": 1}}.get(kind, {})


def with_options(kind, axes, channels_last=False):
    """A layer with options that are no defaults, and what its operator takes for them."""
    arguments, options = GIVEN[kind]
    options = {**options, "layout": LAYOUTS[axes][channels_last]}
    more = {"local_conv": {"input_size": SPATIAL[:axes]}, "tiled_conv": {"period": 2}}.get(kind, {})
    if kind == "weighted_pool":
        arguments = (np.arange(1.0, 2**axes + 1).reshape((2,) * axes),)
    if OPERATORS[kind].has_weight:
        more |= {"rng": 0}
    layer = getattr(nn, class_name(kind, axes))(*arguments, **options, **more)
    named = {} if OPERATORS[kind].has_weight else {OPERATORS[kind].names[0]: arguments[0]}
    return layer, {**named, **options}


@pytest.mark.parametrize(("kind", "axes"), EACH)
def test_a_layer_has_the_options_of_its_operator(kind, axes):
    arguments, more = first(class_name(kind, axes))
    layer = getattr(nn, class_name(kind, axes))(*arguments, **more)
    missing = [option.name for option in OPERATORS[kind].layer_missing]
    assert list(layer.missing) == missing
    assert list(layer.options) == [
        option.name for option in OPERATORS[kind].layer_options if option.name not in missing
    ]
    assert set(layer.options) <= set(inspect.signature(type(layer)).parameters)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("kind", "axes"), EACH)
def test_a_layer_computes_what_its_operator_does(kind, axes, channels_last):
    layer, options = with_options(kind, axes, channels_last)
    rng = np.random.default_rng(0)
    cells = SPATIAL[:axes]
    shape = (3, *cells, 2) if channels_last else (3, 2, *cells)
    x = rng.normal(size=shape).astype(np.float32)
    arrays = (layer.weight, layer.bias) if OPERATORS[kind].has_weight else ()
    y = layer.forward(x)
    assert (y == getattr(convcore, layer.operator)(x, *arrays, **options)).all()
    assert layer.output_shape(shape) == y.shape
    assert layer.output_shape(shape[1:]) == y.shape[1:]
    assert (layer.forward(x[0]) == y[0]).all()
    layer.forward(x)
    grad = rng.normal(size=y.shape).astype(np.float32)
    want = getattr(convcore, f"{layer.operator}_backward")(grad, x, *arrays, **options)
    dx = layer.backward(grad)
    if arrays:
        want, dweight, dbias = want
        assert (layer.gradients["weight"] == dweight).all()
        assert (layer.gradients["bias"] == dbias).all()
    assert (dx == want).all()
    numbers = geometry.count(
        geometry.Layer(layer.operator, layer.weight, layer.bias, **layer.options), shape[1:]
    )
    assert layer.count(shape[1:]) == numbers
    assert nn.summary(layer, shape[1:]).connections == numbers.connections


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("kind", "axes"), EACH)
def test_the_call_that_a_layer_shows_makes_it(kind, axes, channels_last):
    layer, _ = with_options(kind, axes, channels_last)
    words = repr(layer)
    assert words.startswith(f"{class_name(kind, axes)}(")
    assert ("layout" in words) == channels_last
    if kind == "weighted_pool":
        window = layer.options["window"]
        words = words.replace(
            f"<{window.dtype} array of shape {window.shape}>", f"{window.tolist()}"
        )
    other = eval(words, vars(nn))
    assert repr(other) == repr(layer)
    for options in (layer.options, other.options):
        options["window"] = np.asarray(options.get("window")).tolist()
    assert other.options == layer.options


@pytest.mark.parametrize(
    ("padding", "words"),
    [
        ("valid", "Conv2d(1, 1, 3)"),
        (0, "Conv2d(1, 1, 3)"),
        ("same", "Conv2d(1, 1, 3, padding='same')"),
        ((1, 1), "Conv2d(1, 1, 3, padding=1)"),
        ([1, 2], "Conv2d(1, 1, 3, padding=(1, 2))"),
        (((1, 2), (1, 2)), "Conv2d(1, 1, 3, padding=((1, 2), (1, 2)))"),
        (("same", 1), "Conv2d(1, 1, 3, padding=('same', 1))"),
    ],
)
def test_padding_is_shown_as_it_is_read(padding, words):
    layer = nn.Conv2d(1, 1, 3, padding=padding, rng=0)
    assert repr(layer) == words
    x = np.ones((1, 5, 6), np.float32)
    assert layer.forward(x).shape == convcore.conv2d(x, layer.weight, padding=padding).shape


def test_a_table_is_read_once():
    """What is changed in the caller's array afterwards changes no layer."""
    table = np.ones((3, 2), bool)
    table[0, 1] = False
    layer = nn.Conv2d(2, 3, 2, connections=table, rng=0)
    x = np.ones((1, 2, 4, 4), np.float32)
    y = layer.forward(x)
    table[...] = True
    assert (layer.forward(x) == y).all()
    assert layer.options["connections"].tolist() == [[True, False], [True, True], [True, True]]
    with pytest.raises(ValueError, match="read-only"):
        layer.options["connections"][...] = True
    layer.weight = np.ones((2, 2, 2, 2), np.float32)  # has no such pairs
    with pytest.raises(ValueError, match=r"connections must have .* \(2, 2\), got \(3, 2\)"):
        layer.forward(x)


@pytest.mark.parametrize("border", ["zeros", "edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_border_and_flip_are_those_of_the_operator(axes, border):
    rng = np.random.default_rng(0)
    layer = getattr(nn, f"Conv{axes}d")(2, 3, 3, padding=2, border=border, flip=True, rng=0)
    options = {"padding": 2, "border": border, "flip": True}
    x = rng.normal(size=(2, 2, *(5, 4, 3)[:axes])).astype(np.float32)
    y = layer.forward(x)
    assert (y == getattr(convcore, f"conv{axes}d")(x, layer.weight, layer.bias, **options)).all()
    grad = rng.normal(size=y.shape).astype(np.float32)
    back = getattr(convcore, f"conv{axes}d_backward")
    dx, dweight, dbias = back(grad, x, layer.weight, layer.bias, **options)
    assert (layer.backward(grad) == dx).all()
    assert (layer.gradients["weight"] == dweight).all()
    assert (layer.gradients["bias"] == dbias).all()
    assert layer.output_shape(x.shape) == y.shape
    assert ("border" in repr(layer)) == (border != "zeros")
    assert "flip=True" in repr(layer)
    assert eval(repr(layer), vars(nn)).options == layer.options
    assert nn.summary(layer, x.shape[1:]).parameters == geometry.count(layer, x.shape).parameters


@pytest.mark.parametrize("name", LAYERS)
def test_an_argument_that_a_layer_has_not(name):
    takes = list(inspect.signature(LAYERS[name]).parameters)
    with pytest.raises(TypeError) as caught:
        LAYERS[name](*first(name)[0], padding_mode="circular")
    text = str(caught.value)
    assert text.startswith(f"{name}: got an unexpected keyword argument 'padding_mode', expected ")
    assert all(word in text for word in takes or ["no arguments"])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: nn.Conv2d(1, 2),
            "Conv2d: missing a required argument: 'kernel_size', expected in_ch",
        ),
        (lambda: nn.ReLU(True), "ReLU: too many positional arguments, expected no arguments"),
        (
            lambda: nn.Conv2d(1, 2, 3, in_channels=1),
            "Conv2d: multiple values for argument 'in_chan",
        ),
        (
            lambda: nn.SGD(lr=0.1),
            "SGD: got an unexpected keyword argument 'lr', expected learning_rat",
        ),
        (lambda: nn.Adam(0.1, lr=0.1), "Adam: got an unexpected keyword argument 'lr'"),
        (lambda: nn.Conv2d(1, 2, 3, border=True), "Conv2d: border must be one of .*, got True"),
        (lambda: nn.Conv2d(1, 2, 3, flip=1), "Conv2d: flip must be True or False, got 1"),
        (lambda: nn.LpPool2d(2, p="2"), "LpPool2d: p must be a real number, got '2'"),
    ],
)
def test_arguments_of_the_wrong_kind_name_the_layer(call, words):
    with pytest.raises(TypeError, match=words):
        call()


def test_values_out_of_range_name_the_layer():
    with pytest.raises(ValueError, match=r"^Conv2d: border must be one of \('zeros', .*'circular'"):
        nn.Conv2d(1, 2, 3, border="circular")
    with pytest.raises(ValueError, match=r"^LpPool2d: p must be at least 1 or infinity, got 0\.5"):
        nn.LpPool2d(2, p=0.5)
    with pytest.raises(ValueError, match=r"^LocalConv2d: kernel must span at most 4 cells"):
        nn.LocalConv2d(1, 1, 5, input_size=4)
    with pytest.raises(ValueError, match=r"^MaxPool2d: each window must hold an input cell"):
        nn.MaxPool2d(2, padding=5).output_shape((1, 4, 4))


@pytest.mark.parametrize("name", OF_OPERATORS)
@pytest.mark.parametrize("shape", [None, (), (1.5,), (-1, 1, 1), (2**70,) * 5, "abc"])
def test_a_shape_that_is_none_names_the_layer(name, shape):
    arguments, more = first(name)
    layer = LAYERS[name](*arguments, **more)
    for call in (layer.output_shape, layer.count):
        with pytest.raises((TypeError, ValueError), match=f"^{name}: shape must "):
            call(shape)


def test_a_layer_of_ones_own_names_itself():
    class Scale(nn.Layer):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor

    with pytest.raises(TypeError, match=r"^Scale: got an unexpected .*'by', expected factor$"):
        Scale(by=2)


def test_what_an_operator_refuses_names_the_layer():
    layer = nn.Conv2d(1, 2, 3, rng=0)
    x = np.ones((1, 1, 5, 5), np.float32)
    layer.forward(x)
    layer.weight = np.ones((3, 3), np.float32)
    with pytest.raises(ValueError, match=r"^Conv2d: weight must have 4 axes"):
        layer.forward(x)
    layer.weight = np.ones((2, 1, 3, 3), complex)
    with pytest.raises(TypeError, match=r"^Conv2d: weight must .* got complex128"):
        layer.forward(x)
    with pytest.raises(ValueError, match=r"^WeightedPool2d: weights of window .* sum to 0"):
        nn.WeightedPool2d([[1.0, -1.0]]).forward(x)


def test_layers_one_argument_each():
    layers = nn.Conv2d(1, 2, 3, rng=0), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3, rng=1)
    model = nn.Sequential(*layers, input_shape=(1, 8, 8))
    assert list(model) == list(layers) == list(nn.Sequential(list(layers)))
    assert list(model.parameters()) == ["0.weight", "0.bias", "3.weight", "3.bias"]
    stack = nn.Sequential(model)  # a part, as in a list
    assert stack[0] is model
    assert next(iter(stack.parameters())) == "0.0.weight"
    assert len(nn.Sequential(nn.ReLU())) == 1
    with pytest.raises(TypeError, match=r"Sequential: layer 1 must be a layer of convcore\.nn"):
        nn.Sequential(nn.ReLU(), 5)
    with pytest.raises(TypeError, match=r"Sequential: layer 0 must be a layer of convcore\.nn"):
        nn.Sequential({"C1": nn.ReLU()}, nn.Tanh())


@pytest.mark.parametrize(
    "layers",
    [np.array(1), np.array([]), "", "ab", b"", {}, set(), 5],
    ids=lambda value: repr(value),
)
def test_what_is_no_list_of_layers(layers):
    with pytest.raises(
        TypeError, match=r"^Sequential: layers must be layers, a list .*, got "
    ) as e:
        nn.Sequential(layers)
    assert "\n" not in str(e.value)


def test_no_layers_are_a_stack():
    assert len(nn.Sequential()) == len(nn.Sequential([])) == 0


@pytest.mark.parametrize("dtype", ["\ud800", "f9", object(), int, ">f4x"])
def test_what_is_no_dtype(dtype):
    for name, make in (
        ("Linear", lambda: nn.Linear(2, 3, dtype=dtype)),
        ("lenet5", lambda: nn.models.lenet5(dtype=dtype)),
        ("lenet5", lambda: nn.models.lenet5(modern=True, dtype=dtype)),
        ("alexnet", lambda: nn.models.alexnet(dtype=dtype)),
    ):
        with pytest.raises(TypeError, match=f"^{name}: dtype must be float16, float32 or float64"):
            make()


def test_small_arrays_are_shown_as_lists_that_make_them():
    table = [[True, False], [True, True]]
    layer = nn.Conv2d(2, 2, 3, connections=table)
    assert repr(layer) == f"Conv2d(2, 2, 3, connections={table})"
    assert repr(nn.WeightedPool2d(np.ones((1, 2), np.float32))) == "WeightedPool2d([[1.0, 1.0]])"
    assert repr(nn.WeightedPool2d(convcore.distance_window((5, 5)))) == (
        "WeightedPool2d(<float64 array of shape (5, 5)>)"
    )
    large = nn.Conv2d(6, 16, 5, connections=connections.lenet5_c3())
    assert repr(large) == ("Conv2d(6, 16, 5, connections=<table of shape (16, 6), 60 of 96 pairs>)")


@pytest.mark.parametrize(("kind", "axes"), [each for each in EACH if "max" not in each[0]])
def test_errors_of_operators_have_the_layers_name_alone(kind, axes):
    layer, _ = with_options(kind, axes, False)
    name = class_name(kind, axes)
    x = np.ones((1, getattr(layer, "in_channels", 4), *SPATIAL[:axes]), np.float32)
    y = layer.forward(x)
    with pytest.raises(ValueError, match=f"^{name}: x must hold integers from -2"):
        layer.forward(np.full(x.shape, 2**60))
    with pytest.raises(ValueError, match=f"^{name}: grad must hold integers from -2"):
        layer.backward(np.full(y.shape, 2**60))


def test_errors_of_operators_have_the_name_of_dense_layers_and_subclasses():
    class Own(nn.Conv2d):
        pass

    for layer, shape in (
        (nn.Linear(3, 2), (5, 3)),
        (nn.Linear(512, 512), (5, 512)),
        (nn.Subsample2d(2), (1, 2, 4, 4)),
        (Own(2, 1, 3), (1, 2, 4, 4)),
    ):
        layer.forward(np.ones(shape, np.float32))
        with pytest.raises(ValueError, match=f"^{layer.op}: x must hold integers"):
            layer.forward(np.full(shape, 2**60))
