"""Gradients against PyTorch's automatic ones, where it is installed, in float64.

Local and tiled layers, which it has not got, are put together from its patches and convolutions.
"""

from itertools import product

import numpy as np
import pytest

import convcore
from convcore.spec.axis import padding_pair
from tests.tables.gradient_cases import GRADIENTS, Gradient, random_arrays

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")

BORDERS = {"zeros": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """The problems are small: more threads only wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def per_axis(value, nd):
    return tuple(value) if isinstance(value, tuple) else (value,) * nd


def assert_autograd_agrees(case, forward):
    """`forward(x, weight, bias)`, on tensors, has the gradients that convcore says."""
    grad, *operands = random_arrays(case, np.float64)
    tensors = [None if a is None else torch.from_numpy(a).requires_grad_() for a in operands]
    result = forward(*tensors)
    assert tuple(result.shape) == grad.shape
    result.backward(torch.from_numpy(grad))
    got = case.back(convcore, (grad, *operands))
    for gradient, tensor in zip(got, tensors, strict=True):
        if tensor is None:
            assert gradient is None
            continue
        want = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad.numpy()
        np.testing.assert_allclose(gradient, want, rtol=1e-10, atol=1e-11)


# Convolutions and transposed ones, with PyTorch's own padding.

SPACE, KERNEL = (9, 8, 7), (3, 2, 3)


STRIDES, PADDINGS, DILATIONS = (1, 2, (3, 1, 2)), (0, 1, (2, 0, 1)), (1, 2, (1, 3, 2))


def options(transposed):
    """Each stride with each padding, the dilations in turn."""
    for nd, groups, s, p in product((1, 2, 3), (1, 2, 4), range(3), range(3)):
        stride = per_axis(STRIDES[s], 3)[:nd]
        yield (
            nd,
            groups,
            {
                "stride": stride,
                "padding": per_axis(PADDINGS[p], 3)[:nd],
                "groups": groups,
                "dilation": per_axis(DILATIONS[(s + p + groups) % 3], 3)[:nd],
                **({"output_padding": tuple(one - 1 for one in stride)} if transposed else {}),
            },
        )


@pytest.mark.parametrize(("nd", "groups", "options"), list(options(False)))
def test_convolution(nd, groups, options):
    case = Gradient(
        f"torch conv {nd} {options}",
        f"conv{nd}d",
        (2, 4, *SPACE[:nd]),
        (2 * groups, 4 // groups, *KERNEL[:nd]),
        options=options,
    )
    torchs = getattr(torch.nn.functional, case.op)
    assert_autograd_agrees(case, lambda x, w, b: torchs(x, w, b, **options))


@pytest.mark.parametrize(("nd", "groups", "options"), list(options(True)))
def test_transposed(nd, groups, options):
    case = Gradient(
        f"torch up {nd} {options}",
        f"conv_transpose{nd}d",
        (2, 4, 4, 3, 3)[: nd + 2],
        (4, 2, *KERNEL[:nd]),
        bias=groups < 4,
        options=options,
    )
    torchs = getattr(torch.nn.functional, case.op)
    assert_autograd_agrees(case, lambda x, w, b: torchs(x, w, b, **options))


@pytest.mark.parametrize(("nd", "border"), list(product((1, 2, 3), BORDERS)))
def test_borders(nd, border):
    pairs = ((1, 2), (2, 0), (1, 1))[:nd]
    case = Gradient(
        f"torch {border} {nd}",
        f"conv{nd}d",
        (2, 3, 5, 4, 3)[: nd + 2],
        (2, 3, *KERNEL[:nd]),
        options={"border": border, "padding": pairs},
    )
    flat = [cells for pair in reversed(pairs) for cells in pair]
    torchs = getattr(torch.nn.functional, case.op)
    assert_autograd_agrees(
        case, lambda x, w, b: torchs(torch.nn.functional.pad(x, flat, BORDERS[border]), w, b)
    )


# Layers of the table.


def of(kind, keep=lambda case: True):
    return pytest.mark.parametrize(
        "case",
        [
            case
            for case in GRADIENTS
            if case.kind == kind
            and 0 not in case.x + case.weight
            and case.work < 1_000_000
            and (kind == "conv" or "border" not in case.options)  # PyTorch has no pads as mixed
            and keep(case)
        ][::3],
        ids=str,
    )


def option(case, name, default):
    return per_axis(case.options.get(name, default), case.axes)


def padded(case, x):
    """x as (n, c, *space) with zeros around it."""
    first = x if case.batched else x[None]
    first = torch.movedim(first, -1, 1) if case.last else first
    axes = zip(
        first.shape[2:],
        case.weight[-case.axes :],
        option(case, "stride", 1),
        option(case, "padding", "valid"),
        option(case, "dilation", 1),
        strict=True,
    )
    pairs = [padding_pair(*axis) for axis in axes]
    return torch.nn.functional.pad(first, [cells for pair in reversed(pairs) for cells in pair])


def put_back(case, z):
    z = torch.movedim(z, 1, -1) if case.last else z
    return z if case.batched else z[0]


@of("local_conv")
def test_local_is_unfold_and_a_product(case):
    def forward(x, weight, bias):
        patches = padded(case, x)
        steps = zip(
            weight.shape[-case.axes :],
            option(case, "stride", 1),
            option(case, "dilation", 1),
            strict=True,
        )
        for axis, (r, s, d) in enumerate(steps, 2):
            patches = patches.unfold(axis, (r - 1) * d + 1, s)[..., ::d]
        out, taps = "pqr"[: case.axes], "uvw"[: case.axes]
        z = torch.einsum(f"nc{out}{taps},k{out}c{taps}->nk{out}", patches, weight)
        return put_back(case, z if bias is None else z + bias)

    assert_autograd_agrees(case, forward)


@of("tiled_conv", lambda case: np.prod(case.weight[1 : 1 + case.axes]) < 60)
def test_tiled_is_a_choice_among_convolutions(case):
    # Every kernel everywhere, and of these results the one whose turn it is.
    def forward(x, weight, bias):
        cells, nd = padded(case, x), case.axes
        period = weight.shape[1 : 1 + nd]
        kernels = torch.flatten(weight, 0, nd)  # (k * turns, c, *kernel)
        z = getattr(torch.nn.functional, f"conv{nd}d")(
            cells,
            kernels,
            None if bias is None else torch.flatten(bias),
            stride=option(case, "stride", 1),
            dilation=option(case, "dilation", 1),
        )
        sizes = z.shape[2:]
        z = z.reshape(len(z), weight.shape[0], -1, *sizes)
        turn = np.ravel_multi_index(
            np.meshgrid(
                *(np.arange(n) % t for n, t in zip(sizes, period, strict=True)), indexing="ij"
            ),
            tuple(period),
        )
        index = torch.from_numpy(turn).expand(*z.shape[:2], 1, *sizes)
        return put_back(case, z.gather(2, index)[:, :, 0])

    assert_autograd_agrees(case, forward)


@of("conv", lambda case: "connections" in case.options and "border" not in case.options)
def test_connected_is_a_convolution_with_a_mask(case):
    mask = torch.from_numpy(case.arguments()["connections"].astype(float))

    def forward(x, weight, bias):
        masked = weight * mask.reshape(*mask.shape, *[1] * case.axes)
        if case.options.get("flip"):
            masked = torch.flip(masked, tuple(range(2, 2 + case.axes)))
        return put_back(
            case,
            getattr(torch.nn.functional, case.op)(
                padded(case, x),
                masked,
                bias,
                stride=option(case, "stride", 1),
                dilation=option(case, "dilation", 1),
            ),
        )

    assert_autograd_agrees(case, forward)
