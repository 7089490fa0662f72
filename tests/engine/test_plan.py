"""Plans: found by a spec alone, shared, with weights packed once and a reason for each choice."""

import numpy as np
import pytest

import convcore
from convcore import _core
from convcore.engine import adjoint
from convcore.engine.plan import conv_plan, plan_for, transposed_plan
from convcore.spec.layer import layer_spec
from tests.support.sweeps import each
from tests.tables.gradient_cases import GRADIENTS


def layer(case):
    """The plan of a case's layer."""
    spec = layer_spec("test", case.op, case.weight, options=case.arguments()).on("test", case.x)
    return plan_for(spec)


@each(GRADIENTS, of=4)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_prepared_weights_give_the_same_bits(case, dtype):
    plan, rng = layer(case), np.random.default_rng(0)
    x, weight, bias = (
        rng.standard_normal(shape).astype(dtype) for shape in (case.x, case.weight, plan.bias_shape)
    )
    want = np.empty(plan.y_shape, dtype)
    plan.run(x, weight, bias, want, threads=1)
    prepared = plan.prepare(weight, bias)
    weight[...], bias[...] = np.nan, np.nan  # it holds its own
    for threads in (1, 2):
        y = np.empty(plan.y_shape, dtype)
        plan.run(x, prepared.weight, prepared.bias, y, threads=threads)
        assert y.tobytes() == want.tobytes()
    assert prepared.nbytes >= bias.nbytes


@each(GRADIENTS, of=4)
def test_each_choice_has_a_reason(case):
    verdicts = layer(case).explain()
    assert [word for _, word in verdicts].count("chosen") == 1
    assert all(word == "chosen" or word.startswith("rejected: ") for _, word in verdicts)


def test_the_list_of_algorithms_is_the_cores():
    x, weight = np.ones((1, 16, 9, 9), np.float32), np.ones((32, 16, 3, 3), np.float32)
    verdicts = dict(conv_plan("test", x, weight, axes=2).explain())
    assert tuple(verdicts) == ("separable", *_core.ALGORITHMS)
    assert verdicts["direct_igemm"] == "chosen"
    assert verdicts["local"].startswith("rejected: ")


def test_the_ways_of_an_adjoint():
    x, weight = np.ones((1, 1, 3)), np.ones((1, 1, 4))
    assert transposed_plan("test", x, weight, axes=1, layout="NCW").explain()[0] == (
        "phases",
        "chosen",
    )
    long = np.ones((1, 1, 300))
    first, second = transposed_plan("test", x[..., :1], long, axes=1, layout="NCW").explain()
    assert first[1] == "chosen" or second[1] == "chosen"
    local = layer_spec("test", "local_conv1d", (1, 5, 1, 2)).on("test", (1, 6))
    found = adjoint.explain(plan_for(local).adjoint_plan())
    assert found[0][1].startswith("rejected: fewer than two")


def test_packed_weights_are_refused_where_they_do_not_fit():
    x, weight = np.ones((1, 16, 9, 9), np.float32), np.ones((32, 16, 3, 3), np.float32)
    plan = conv_plan("test", x, weight, axes=2)
    packed = plan.prepare(weight).weight
    other = conv_plan("test", x, weight[:8], axes=2)
    y = np.empty(other.y_shape, np.float32)
    with pytest.raises((ValueError, TypeError)):
        other.core.forward(x, packed, None, y, 1)
    wide = np.empty(plan.y_shape)
    with pytest.raises((ValueError, TypeError)):
        plan.core.forward(x.astype(np.float64), packed, None, wide, 1)


def test_calls_share_the_plan_of_their_spec():
    x, weight = np.ones((2, 3, 8, 8)), np.ones((4, 3, 3, 3))
    one = conv_plan("conv2d", x, weight, axes=2, padding=1)
    assert one is conv_plan("conv2d_backward", x, weight, axes=2, padding=((1, 1), (1, 1)))
    assert one is plan_for(one.spec)
    assert convcore.conv2d(x, weight, padding=1).shape == one.y_shape
