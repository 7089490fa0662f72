"""A layer as a value: what its spec says is what the reference gives."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from convcore import reference
from convcore.spec.layer import layer_spec
from convcore.spec.pooling import PoolSpec
from convcore.spec.problem import ConvSpec, conv_spec, transposed_spec
from tests.support.sweeps import each
from tests.tables.gradient_cases import GRADIENTS
from tests.tables.pool_cases import POOLINGS


@each(GRADIENTS, of=4)
def test_shapes_of_layers(case):
    spec = layer_spec("test", case.op, case.weight, options=case.arguments()).on("test", case.x)
    assert isinstance(spec, ConvSpec)
    assert spec.x_shape == case.x
    assert spec.weight_shape == case.weight
    y = case.call(reference, (np.zeros(case.x), np.zeros(case.weight), np.zeros(spec.bias_shape)))
    assert spec.y_shape == y.shape
    assert {spec: 1}[replace(spec)] == 1


@each(POOLINGS, of=4)
def test_shapes_of_poolings(case):
    spec = layer_spec("test", case.op, options=case.arguments()).on("test", case.x)
    assert isinstance(spec, PoolSpec)
    y = case.call(reference, np.zeros(case.x))
    assert spec.y_shape == (y[0] if isinstance(y, tuple) else y).shape
    assert {spec: 1}[replace(spec)] == 1


def test_a_spec_is_a_value():
    options = {"axes": 2, "stride": 2, "padding": "same", "connections": np.eye(3, dtype=bool)}
    spec = conv_spec("test", (1, 3, 9, 9), (3, 3, 2, 2), **options)
    same = conv_spec("test", (1, 3, 9, 9), (3, 3, 2, 2), **options | {"stride": (2, 2)})
    assert spec == same
    assert hash(spec) == hash(same)
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert spec != conv_spec("test", (3, 9, 9), (3, 3, 2, 2), **options)
    with pytest.raises(AttributeError):
        spec.groups = 3


def test_a_transposed_layer_has_its_convolutions_shapes():
    spec = transposed_spec("test", (2, 4, 5), (4, 3, 3), axes=1, stride=2, output_padding=1)
    conv = replace(spec, transposed=False)
    assert (spec.x_shape, spec.y_shape) == (conv.y_shape, conv.x_shape) == ((2, 4, 5), (2, 3, 12))
    assert spec.weight_shape == conv.weight_shape == (4, 3, 3)
    assert (spec.bias_shape, conv.bias_shape) == ((3,), (4,))
