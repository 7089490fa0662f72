"""`explain` says of every layer what its call does, from sizes alone, and prints it."""

import re
import sys

import numpy as np
import pytest

import convcore
from convcore import connections, explain, geometry, reference
from convcore.__main__ import main
from convcore.engine import algorithm
from convcore.engine.plan import conv_plan, transposed_plan
from convcore.spec.registry import AXES, OPERATORS, layer_name
from tests.support.sweeps import each
from tests.tables.cases import CASES
from tests.tables.layer_cases import LAYERS
from tests.tables.pool_cases import POOLINGS

EACH = [(kind, axes) for kind in OPERATORS for axes in AXES]
OPTIONS = {"kernel_size": 2, "window": 2, "output_size": 3}


def call(kind, axes, size=6):
    """The arguments of a small layer of any operator: its shapes and its options."""
    operator = OPERATORS[kind]
    options = {name: value for name, value in OPTIONS.items() if name in operator.names}
    if "window" in options:
        options["window"] = (2,) * axes
    x = (2, 4, *(size,) * axes)
    period = {"tiled": (2,) * axes, "local": (size - 1,) * axes}.get(operator.sharing, ())
    return (x, (4, *period, 4, *(2,) * axes), options) if operator.has_weight else (x, options)


def given(kind, axes):
    *shapes, options = call(kind, axes)
    return shapes, options


@pytest.mark.parametrize(("kind", "axes"), EACH)
@pytest.mark.parametrize("dtype", ["float32", np.float64, "float16", np.int8, np.dtype(bool)])
def test_every_operator(kind, axes, dtype):
    name = layer_name(kind, axes)
    shapes, options = given(kind, axes)
    function = getattr(convcore, name)
    why = explain(function, *shapes, dtype=dtype, **options)
    assert isinstance(why, convcore.Explanation)
    assert str(explain(name, *shapes, dtype=dtype, **options)) == str(why)
    assert [row.chosen for row in why].count(True) == 1
    assert why.algorithm == next(row.algorithm for row in why if row.chosen)
    assert all(bool(reason) != chosen for _, chosen, reason in why)
    assert not any(row.reason.startswith("rejected") for row in why)
    assert (why.operator, why.x_shape, why.options) == (name, shapes[0], options)
    assert why.weight_shape == (shapes[1] if len(shapes) > 1 else None)
    operands = [np.ones(shape, dtype) for shape in shapes]
    if "window" in options:
        options["window"] = np.ones(options["window"])
    assert function(*operands, **options).shape == why.y_shape
    layer = geometry.Layer(name, why.weight_shape, **options)
    assert geometry.count(layer, shapes[0]).multiply_adds == why.multiply_adds


@each([*CASES[::3], *LAYERS[::3]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_layer_is_computed_as_its_plan_says(case, dtype):
    options = dict(case.options) if case in CASES else case.arguments()
    axes = int(case.op[-2])
    why = explain(case.op, case.x, case.weight, dtype=dtype, **options)
    x, weight = (np.broadcast_to(np.ones((), dtype), shape) for shape in (case.x, case.weight))
    kind = OPERATORS[case.op[:-2]]
    options.setdefault("layout", {1: "NCW", 2: "NCHW", 3: "NCDHW"}[axes])
    options.pop("flip", None)
    make = transposed_plan if kind.transposed else conv_plan
    more = {} if kind.transposed else {"sharing": kind.sharing}
    plan = make("test", x, weight, axes=axes, **options, **more)
    assert why.y_shape == plan.y_shape
    assert [
        (name, "chosen" if chosen else f"rejected: {reason}") for name, chosen, reason in why
    ] == plan.explain(np.dtype(dtype))


@each(POOLINGS[::3])
def test_a_pooling(case):
    why = explain(case.op, case.x, **case.options)
    assert why.algorithm
    x = np.ones(case.x, np.float32)
    assert why.y_shape == case.call(reference if x.size < 10**4 else convcore, x).shape


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ({}, "direct_ow_channels"),
        ({"algorithm": "auto"}, "direct_ow_channels"),
        ({"layout": "NHWC", "groups": 16}, "depthwise"),
    ],
)
def test_options_decide(options, chosen):
    shape = (1, 24, 24, 16) if options.get("layout") == "NHWC" else (1, 16, 24, 24)
    weight = (16, 16 // options.get("groups", 1), 5, 5)
    why = explain("conv2d", shape, weight, **options)
    assert (why.algorithm == "depthwise") == (chosen == "depthwise")
    assert why.options == options


def test_the_algorithm_asked_for():
    shapes = (1, 32, 28, 28), (32, 32, 3, 3)
    assert explain("conv2d", *shapes).algorithm != "winograd"  # tests pin direct sums
    assert explain("conv2d", *shapes, algorithm="winograd").algorithm == "winograd"
    with convcore.set_algorithm("winograd"):
        assert explain("conv2d", *shapes).algorithm == "winograd"
        assert explain("conv2d", *shapes, dtype=int).algorithm != "winograd"
        assert explain("conv2d", *shapes, stride=2).algorithm != "winograd"
        assert explain("conv2d", *shapes, algorithm="direct").algorithm != "winograd"
    assert algorithm.algorithm_for("auto", np.ones(1), np.ones(1)) == "direct"
    for options, reason in [
        ({"stride": 2}, "a stride or a dilation is not 1"),
        ({"dtype": int}, "integers are computed directly"),
    ]:
        with pytest.raises(ValueError, match=rf"^explain: conv2d: algorithm .*winograd.*{reason}"):
            explain("conv2d", *shapes, algorithm="winograd", **options)
        x, weight = (np.ones(shape, options.get("dtype", float)) for shape in shapes)
        with pytest.raises(ValueError, match=reason):  # as the call
            convcore.conv2d(x, weight, algorithm="winograd", stride=options.get("stride", 1))


def test_tables_of_connections():
    table = connections.lenet5_c3()
    why = explain("conv2d", (6, 14, 14), (16, 6, 5, 5), connections=table)
    assert why.multiply_adds == 60 * 25 * 100
    assert "connections=<table of shape (16, 6), 60 of 96 pairs>" in str(why)


@pytest.mark.parametrize("kind", OPERATORS)
def test_empty_layers(kind):
    (x, *weight), options = given(kind, 2)
    why = explain(f"{kind}2d", (0, *x[1:]), *weight, **options)
    assert [row.chosen for row in why] == [True]
    assert why.y_shape[0] == why.multiply_adds == 0


HUGE = [
    ("conv2d", (2**10, 2**12, 2**18, 2**17), (64, 2**12, 3, 3), {"padding": 1}),
    ("conv2d", (1, 2, 2**28, 2**28), (3, 2, 2**27, 2**27), {"border": "wrap"}),
    ("conv1d", (1, 2**40), (2**18, 1, 3), {}),
    ("local_conv2d", (3, 2**20, 2**20), (8, 2**20, 2**20, 3, 3, 3), {"padding": "same"}),
    ("tiled_conv2d", (3, 2**20, 2**20), (8, 2**16, 2**17, 3, 3, 3), {}),
    ("conv_transpose2d", (1, 3, 2**20, 2**20), (3, 2, 3, 3), {"stride": 2}),
    ("conv_transpose1d", (1, 2**45), (1, 1, 2**40), {}),
    ("conv_transpose2d", (1, 2**12, 2**12), (1, 1, 2**10, 2**10), {"stride": 2**10}),
    ("max_pool2d", (2**4, 2**12, 2**20, 2**20), {"kernel_size": 2**18}),
    ("avg_pool3d", (2**4, 2**12, 2**10, 2**20), {"kernel_size": 3, "padding": "same"}),
    ("weighted_pool2d", (2**12, 2**20, 2**20), {"window": (2**18, 2**17)}),
    ("adaptive_avg_pool2d", (2**12, 2**22, 2**22), {"output_size": 2**20}),
]


@pytest.mark.parametrize("case", HUGE, ids=lambda case: f"{case[0]} {case[1]}")
def test_layers_larger_than_memory(case):
    *arguments, options = case
    why = explain(*arguments, **options)
    assert why.algorithm
    if "pool" not in why.operator:
        assert why.multiply_adds > 2**32


@pytest.mark.skipif(sys.platform == "win32", reason="has no such counter")
def test_no_memory_is_taken(run_python):
    """Of a transposed layer the phases are not made: their offsets are as large as a kernel."""
    code = f"""
import resource
from convcore import explain
most = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
explain("conv1d", (1, 9), (1, 1, 2))
before = most()
for *arguments, options in {HUGE!r}:
    explain(*arguments, **options)
print((most() - before) // (2**20 if sys.platform == "darwin" else 2**10) < 8)
"""
    assert run_python(code).stdout == "True\n"


W = (4, 3, 2, 2)
X = (1, 3, 5, 5)
BAD = [
    (TypeError, "explain: operator must be one of \\('conv1d', .*, got 3$", 3, X),
    (TypeError, "explain: operator must be one of .*<function conv2d", reference.conv2d, X, W),
    (TypeError, "explain: operator must be one of .*<built-in|ufunc", np.add, X),
    (ValueError, "explain: operator must be one of .*'conv4d'", "conv4d", X, W),
    (ValueError, "operator must be one of .*'conv2d_backward'$", convcore.conv2d_backward, X, W),
    (ValueError, "operator must be one of .*'max_pool1d_backward'$", "max_pool1d_backward", X),
    (ValueError, "operator must be one of .*'convolve'$", convcore.convolve, X, W),
    (ValueError, "operator must be one of .*'set_algorithm'$", convcore.set_algorithm, X),
    (TypeError, "explain: conv2d: weight_shape must be a tuple of integers, got None", "conv2d", X),
    (TypeError, "weight_shape must be a tuple of integers, got 'ab'", "conv2d", X, "ab"),
    (TypeError, "weight_shape must be an integer, got 2.5", "conv2d", X, (4, 3, 2.5, 2)),
    (TypeError, "explain: max_pool2d: weight_shape must be None", "max_pool2d", X, W),
    (TypeError, "x_shape must be a tuple of integers, got 5$", "conv2d", 5, W),
    (TypeError, "x_shape must be .*, got an array of shape", "conv2d", np.ones(X), W),
    (TypeError, "weight_shape must be .*, got an array of shape", "conv2d", X, np.ones(W)),
    (TypeError, "x_shape must be an integer, got True", "conv2d", (1, True, 5, 5), W),
    (ValueError, "x_shape must be at least 0, got -1", "conv2d", (1, 3, -1, 5), W),
    (ValueError, "x_shape must have 4 axes \\(NCHW\\), or 3.*got \\(5, 5\\)", "conv2d", (5, 5), W),
    (ValueError, "explain: conv2d: weight must have 4 axes", "conv2d", X, (3, 2, 2)),
    (ValueError, "weight must have 3 input channels", "conv2d", X, (4, 5, 2, 2)),
    (ValueError, "kernel must span at most 5 cells", "conv2d", X, (4, 3, 6, 6)),
    (ValueError, "shapes must have fewer than 2\\*\\*60", "conv2d", (2**40, 3, 2**40, 5), W),
    (ValueError, "x_shape must be at most", "conv2d", (1, 3, 2**63, 5), W),
    (ValueError, "shapes must have fewer", "conv_transpose1d", (1, 2**40, 5),
     (2**40, 2**20, 1)),
    (ValueError, "explain: max_pool2d: options must include kernel_size", "max_pool2d", X),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=lambda case: case[1][:60])
def test_bad_arguments(case):
    error, text, *arguments = case
    with pytest.raises(error, match=text) as caught:
        explain(*arguments)
    assert str(caught.value).startswith("explain: ")
    assert "\n" not in str(caught.value)


BAD_OPTIONS = [
    (TypeError, r"explain: conv2d: options must be among \('stride', .*'algorithm'\), got 'strid'",
     {"strid": 1}),
    (TypeError, "options must be among .*, got 'threads'", {"threads": 1}),
    (TypeError, "options must be among .*, got 'out'", {"out": None}),
    (TypeError, "options must be among .*, got 'bias'", {"bias": (4,)}),
    (TypeError, "options must be among .*, got 'kernel_size'", {"kernel_size": 2}),
    (ValueError, "explain: conv2d: stride must be at least 1, got 0", {"stride": 0}),
    (TypeError, "explain: conv2d: stride must be an integer, got 'a'", {"stride": "a"}),
    (ValueError, "padding must be", {"padding": "most"}),
    (ValueError, "groups must divide", {"groups": 2}),
    (ValueError, "connections must have shape", {"connections": np.ones((2, 2), bool)}),
    (ValueError, "layout must be one of", {"layout": "CHWN"}),
    (ValueError, "algorithm must be one of", {"algorithm": "nonsense"}),
    (TypeError, "algorithm must be one of", {"algorithm": None}),
    *((TypeError, "explain: conv2d: dtype must be float, integer or bool, got",
       {"dtype": dtype}) for dtype in (None, "complex64", "nonsense", "U3", object, 3, [1])),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD_OPTIONS, ids=lambda case: str(case[2]))
def test_bad_options(case):
    error, text, options = case
    with pytest.raises(error, match=text) as caught:
        explain(convcore.conv2d, X, W, **options)
    assert str(caught.value).startswith("explain: conv2d: ")


def test_poolings_have_no_algorithm():
    with pytest.raises(TypeError, match=r"explain: max_pool2d: options .*, got 'algorithm'"):
        explain("max_pool2d", X, kernel_size=2, algorithm="auto")


def test_indices_have_a_limit():
    shape = (1, 2**20, 2**20)
    assert explain("max_pool2d", shape, kernel_size=2**20).y_shape == (1, 1, 1)
    with pytest.raises(ValueError, match="explain: max_pool2d: return_indices must be False"):
        explain("max_pool2d", shape, kernel_size=2**20, return_indices=True)


def test_the_table():
    why = explain("conv2d", (1, 64, 56, 56), (64, 64, 3, 3), padding="same", stride=(2, 1))
    head, *lines = str(why).splitlines()
    assert head == (
        "conv2d: x 1x64x56x56, weight 64x64x3x3, padding='same', stride=(2, 1), float32; "
        "y 1x64x28x56, 57,802,752 multiply-adds"
    )
    assert len(lines) == len(why) == len(why.rows)
    starts = {re.match(r"[* ] \w+ +(?=\S)", line).end() for line in lines}
    assert len(starts) == 1
    assert [line[2:].split()[0] for line in lines] == [row.algorithm for row in why]
    (chosen,) = [line for line in lines if line.startswith("*")]
    assert chosen.split() == ["*", why.algorithm, "chosen"]
    assert repr(why) == f"Explanation('conv2d', algorithm={why.algorithm!r})"


def test_it_is_a_sequence():
    why = explain("max_pool1d", (1, 8), kernel_size=2)
    assert why[0] == why.rows[0] == next(iter(why))
    assert why[-2:] == why.rows[-2:]
    assert why[0] in why
    assert {why: 1}[why] == 1


COMMANDS = [
    ("conv2d 1x64x56x56 64x64x3x3 --padding 1 --stride 1",
     {"padding": 1, "stride": 1}),
    ("conv2d 1,64,56,56 64,64,3,3 --padding same --stride 1,2 --dilation 2x1",
     {"padding": "same", "stride": (1, 2), "dilation": (2, 1)}),
    ("conv2d 1x64x56x56 64x64x3x3 --padding 1:2,0:3 --border wrap --flip --algorithm direct",
     {"padding": ((1, 2), (0, 3)), "border": "wrap", "flip": True, "algorithm": "direct"}),
    ("conv1d 64x56 64x64x3 --padding 1:2 --dtype float64",
     {"padding": ((1, 2),), "dtype": "float64"}),
    ("conv_transpose2d 4x5x6 4x2x3x3 --stride 2 --output-padding 1,0",
     {"stride": 2, "output_padding": (1, 0)}),
    ("max_pool2d 4x9x9 --kernel-size 3,2 --ceil-mode --return-indices",
     {"kernel_size": (3, 2), "ceil_mode": True, "return_indices": True}),
    ("lp_pool1d 4x9 --kernel-size 3 --p inf", {"kernel_size": 3, "p": float("inf")}),
    ("weighted_pool2d 4x9x9 --window 3x2 --no-normalize",
     {"window": (3, 2), "normalize": False}),
    ("weighted_pool1d 4x9 --window 3,", {"window": (3,)}),
    ("adaptive_max_pool2d 4x9x9 --output-size 3", {"output_size": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "options"), COMMANDS, ids=lambda value: str(value))
def test_the_command_prints_the_table(line, options, capsys):
    words = line.split()
    shapes = [
        tuple(map(int, re.split("[x,]", word)))
        for word in words[1 : 3 if OPERATORS[words[0][:-2]].has_weight else 2]
    ]
    assert main(["explain", *words]) == 0
    assert capsys.readouterr().out == f"{explain(words[0], *shapes, **options)}\n"


def test_the_command_takes_every_option(capsys):
    assert main(["explain", "--help"]) == 0
    text = capsys.readouterr().out
    for operator in OPERATORS.values():
        for name in operator.names:
            assert (f"--{name.replace('_', '-')}" in text) == (name != "connections")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "conv2d",
        "conv4d 1x3x5x5 4x3x2x2",
        "conv2d_backward 1x3x5x5 4x3x2x2",
        "conv2d 1x3x5x5",
        "conv2d 1x3x5x5 4x3x2x2 more",
        "conv2d 1x3x5x5x 4x3x2x2",
        "conv2d 1x3xx5 4x3x2x2",
        "conv2d 1x3x5x5 4x3x2",
        "conv2d nonsense 4x3x2x2",
        "conv2d 1x3x5x5 4x3x2x2 --stride",
        "conv2d 1x3x5x5 4x3x2x2 --stride 0",
        "conv2d 1x3x5x5 4x3x2x2 --stride -1",
        "conv2d 1x3x5x5 4x3x2x2 --stride 1,,2",
        "conv2d 1x3x5x5 4x3x2x2 --padding 1:2",
        "conv2d 1x3x5x5 4x3x2x2 --padding 1:2:3,4",
        "conv2d 1x3x5x5 4x3x2x2 --kernel-size 2",
        "conv2d 1x3x5x5 4x3x2x2 --algorithm winograd",
        "conv2d 1x3x5x5 4x3x2x2 --dtype nonsense",
        "conv2d 1x3x5x5 4x3x2x2 --nonsense 2",
        "conv2d 1x3x5x5 4x3x2x2 --threads 2",
        f"conv2d 1x3x5x5 4x3x2x2 --stride {'9' * 5000}",
        f"conv2d 1x3x5x{2**70} 4x3x2x2",
        "max_pool2d 1x3x5x5",
        "max_pool2d 1x3x5x5 2x2 --kernel-size 2",
        "lp_pool2d 1x3x5x5 --kernel-size 2 --p two",
        "lp_pool2d 1x3x5x5 --kernel-size 2 --p nan",
    ],
    ids=lambda line: line[:50],
)
def test_wrong_arguments_of_the_command_are_one_sentence(line, capsys):
    assert main(["explain", *line.split()]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"convcore[^\n]+--help\)\n", printed.err), printed.err
