"""ONNX's own tests of operators, where the package onnx is installed.

They are models of a node, or of the nodes that an operator stands for, with inputs and results.
"""

import warnings

import numpy as np
import pytest

from convcore.graph import operators
from convcore.graph.node import Graph, Node, Value
from convcore.graph.types import DTYPES

onnx = pytest.importorskip("onnx", reason="ONNX's tests of operators are in its package")
loader = pytest.importorskip("onnx.backend.test.loader")

RANDOM = ("test_bernoulli", "test_training_dropout")  # shapes and types alone can agree
# Operators of the tests that the table is not expected to have, by kind. It may have them.
MISSING = {
    "windows": "CausalConvWithState DeformConv RoiAlign",
    "attention": "Attention FlexAttention LinearAttention RotaryEmbedding SwiGLU TensorScatter",
    "signals": "BlackmanWindow DFT HammingWindow HannWindow MelWeightMatrix STFT",
    "losses and training": "Adagrad Adam Momentum NegativeLogLikelihoodLoss "
    "SoftmaxCrossEntropyLoss",
    "text": "RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer",
    "sequences and optionals": "OptionalGetElement OptionalHasElement SequenceAt "
    "SequenceConstruct SequenceEmpty SequenceInsert SequenceLength SequenceMap SplitToSequence",
    "images": "AffineGrid CenterCropPad Col2Im ImageDecoder NonMaxSuppression",
    "other": "BitCast Det Shrink",
}
NO_ARRAY = "an element type that NumPy lacks, text, a sequence or an optional"
OTHER_DOMAIN = "operators of other domains"


class LeftOut(Exception):
    """A test needs what the graphs do not have; the text is the reason."""


def tensor(proto):
    if isinstance(proto, onnx.TensorProto) and proto.data_type in DTYPES:
        return onnx.numpy_helper.to_array(proto)
    if isinstance(proto, np.generic | np.ndarray) and proto.dtype in DTYPES.values():
        return np.asarray(proto)
    raise LeftOut(NO_ARRAY)


def attribute(proto, opset):
    if proto.type == proto.GRAPH:
        return graph(proto.g, opset)
    if proto.type == proto.TENSOR:
        return tensor(proto.t)
    value = onnx.helper.get_attribute_value(proto)
    if isinstance(value, list):
        return [one.decode() if isinstance(one, bytes) else one for one in value]
    return value.decode() if isinstance(value, bytes) else value


def value(proto):
    kind = proto.type.WhichOneof("value")
    number = proto.type.tensor_type.elem_type
    if kind not in (None, "tensor_type") or (number and number not in DTYPES):
        raise LeftOut(NO_ARRAY)
    sizes = [size.dim_value or None for size in proto.type.tensor_type.shape.dim]
    return Value(proto.name, DTYPES.get(number), tuple(sizes))


def graph(proto, opset):
    nodes = []
    for node in proto.node:
        if node.domain not in ("", "ai.onnx"):
            raise LeftOut(OTHER_DOMAIN)
        if operators.find(node.op_type, opset) is None:
            raise LeftOut(f"no operator {node.op_type}")
        attributes = {one.name: attribute(one, opset) for one in node.attribute}
        nodes.append(Node(node.op_type, tuple(node.input), tuple(node.output), attributes))
    constants = {one.name: tensor(one) for one in proto.initializer}
    ends = [[value(one) for one in ends] for ends in (proto.input, proto.output)]
    return Graph(nodes, constants, *ends, opset)


def run(graph, inputs, outer):
    names = [value.name for value in graph.inputs]
    found = {**outer, **graph.constants, **dict(zip(names, inputs, strict=False)), "": None}

    def run_inner(inner, values):
        return run(inner, values, found)

    for node in graph.nodes:
        row = operators.find(node.op, graph.opset)
        call = operators.Call(graph.opset, tuple(map(bool, node.outputs)), run_inner)
        arrays = [found[name] for name in node.inputs]
        results = row.function(*[call] * row.wants_call, *arrays, **node.attributes)
        results = results if isinstance(results, tuple) else (results,)
        assert all(type(array) is np.ndarray for array in results), node.op
        found.update(zip(node.outputs, results, strict=False))
    return [found[value.name] for value in graph.outputs]


def read(test):
    """(graph, [(inputs, results)]) of a test; LeftOut if it cannot be run."""
    if test.model is None:  # a test of files, which are data of models
        raise LeftOut("files")
    opsets = {one.domain: one.version for one in test.model.opset_import}
    opset = opsets.get("", opsets.get("ai.onnx", 1))
    pairs = [[[tensor(one) for one in side] for side in pair] for pair in test.data_sets]
    return graph(test.model.graph, opset), pairs


def sort():
    """Tests that can be run, and how many cannot, by reason."""
    ready, left_out = [], {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = loader.load_model_tests(kind="node")
    for test in tests:
        try:
            ready.append(pytest.param(test, *read(test), id=test.name))
        except LeftOut as error:
            left_out.setdefault(str(error), []).append(test.name)
    return ready, left_out


READY, LEFT_OUT = sort()


@pytest.mark.parametrize(("test", "graph", "pairs"), READY)
def test_node(test, graph, pairs):
    for inputs, wanted in pairs:
        kept = [array.copy() for array in inputs]
        with np.errstate(all="ignore"):
            found = run(graph, inputs, {})
        for array, before in zip(inputs, kept, strict=True):
            np.testing.assert_array_equal(array, before)  # no operator writes to an input
        for array, result in zip(found, wanted, strict=True):
            assert (array.shape, array.dtype) == (result.shape, result.dtype)
            if not test.name.startswith(RANDOM):
                np.testing.assert_allclose(array, result, rtol=test.rtol, atol=test.atol)


def test_what_is_left_out():
    known = {f"no operator {name}" for names in MISSING.values() for name in names.split()}
    known |= {NO_ARRAY, OTHER_DOMAIN}
    new = {reason: names for reason, names in LEFT_OUT.items() if reason not in known}
    assert not new
    assert len(READY) > 1000
