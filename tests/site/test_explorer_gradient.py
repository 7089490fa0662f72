"""The explorer's gradients are those of convcore, whole and output by output."""

import numpy as np
import pytest

from tests.support.explorer_module import (
    FITS,
    LAYERS,
    OPERATORS,
    SHARE,
    TERM,
    Module,
    both,
    compiled,
    compute,
    compute_back,
    input_shape,
    random_settings,
    weight_shape,
)

CASES = 40  # settings an operator: 320 together


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    return Module(compiled(tmp_path_factory))


def drawn(module, operator, count):
    """Yield settings with numbers that are written as the page writes what a reader types."""
    rng = np.random.default_rng([1, OPERATORS.index(operator)])
    while count:
        settings = random_settings(rng, module.ranges, operator)
        if module.plan(settings) != FITS:
            continue
        count -= 1
        shape = weight_shape(settings)
        x = rng.integers(-9, 10, input_shape(settings)).astype(float)
        shape_of_output = module.fact("channels_out"), *module.both("outputs")
        grad = rng.integers(-9, 10, shape_of_output).astype(float)
        weight = None
        if shape is not None:
            low = 1 if operator == "weighted" else -9
            weight = rng.integers(low, 10, shape).astype(float)
            module.write("weights", weight)
        module.write("input", x)
        module.write("gradient", grad)
        assert module.call("explorer_run") == FITS
        yield settings, grad, x, weight


def back(module, at, x, weight):
    """Return the gradients that the outputs up to this one bring."""
    assert module.call("explorer_back", *map(int, at)) == FITS
    size = 0 if weight is None else weight.size
    return module.real("input_gradient", *x.shape), module.real("weight_gradient", size)


def same(found, expected, exact):
    return (found == expected).all() if exact else np.allclose(found, expected, 1e-12, 1e-12)


@pytest.mark.parametrize("operator", OPERATORS)
def test_gradients_are_convcores(module, operator):
    exact = operator in (*LAYERS, "max")  # sums of integers; others divide in an order of their own
    for settings, grad, x, weight in drawn(module, operator, CASES):
        last = tuple(n - 1 for n in grad.shape)
        found, weights = back(module, last, x, weight)
        expected, expected_weights = compute_back(settings, grad, x, weight)
        assert same(found, expected, exact), settings
        if operator in LAYERS:
            assert same(weights, expected_weights.ravel(), exact), settings


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_walk_brings_them_output_by_output(module, operator):
    """What an output brings is the step of the sums, and what its taps say."""
    for settings, grad, x, weight in drawn(module, operator, 8):
        first = int(np.random.default_rng(0).integers(grad.size))  # in any channel
        order = list(np.ndindex(*grad.shape))
        before = back(module, order[first - 1], x, weight)[0] if first else np.zeros_like(x)
        for at in order[first : first + 12]:
            module.call("explorer_look", *at)
            count = module.fact("seen") * np.prod(both(settings, "kernel"))
            terms = module.real("terms", count, TERM)
            on = terms[:, 2] == 0
            step = np.zeros_like(x)
            np.add.at(step, tuple(terms[on][:, [10, 0, 1]].astype(int).T), terms[on, 8])
            after, _ = back(module, at, x, weight)
            assert np.allclose(after - before, step, 1e-9, 1e-9), settings
            assert (terms[~on, 8] == 0).all()
            before = after


@pytest.mark.parametrize("operator", OPERATORS)
def test_shares_add_up_to_the_gradient(module, operator):
    """Of a cell and of a weight: the products that the page lists."""
    for settings, grad, x, weight in drawn(module, operator, 12):
        found, weights = back(module, tuple(n - 1 for n in grad.shape), x, weight)
        for cell in list(np.ndindex(*x.shape))[:: max(1, x.size // 9)]:
            module.call("explorer_trace_cell", *cell)
            shares = module.real("shares", module.fact("traced"), SHARE)
            assert module.real("share_sum", 1)[0] == pytest.approx(found[cell], abs=1e-9)
            assert (shares[:, 2] * shares[:, 3] == shares[:, 4]).all()
            assert shares[:, 4].sum() == pytest.approx(found[cell], abs=1e-9)
            places = tuple(shares[:, [5, 0, 1]].astype(int).T)
            assert (grad[places] == shares[:, 2]).all()
        if operator in LAYERS:
            taps = list(np.ndindex(*both(settings, "kernel")))
            kernels = weights.reshape(-1, len(taps))
            for kernel in {0, len(kernels) - 1}:
                module.call("explorer_trace_weight", kernel, *taps[-1])
                assert module.real("share_sum", 1)[0] == kernels[kernel, -1]


def test_a_gradient_is_a_difference(module):
    """By the definition, not by convcore: of the number that is the sum of G times Z."""
    for operator in "convolution", "average", "weighted", "transposed":
        for settings, grad, x, weight in drawn(module, operator, 5):
            found, _ = back(module, tuple(n - 1 for n in grad.shape), x, weight)
            cell = tuple(n // 2 for n in x.shape)
            more = x.copy()
            more[cell] += 1
            change = compute(settings, more, weight) - compute(settings, x, weight)
            assert (grad * change).sum() == pytest.approx(found[cell], abs=1e-9)
