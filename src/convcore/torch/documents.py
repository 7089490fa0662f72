"""Docstrings of the functions of tensors, from those of arrays."""

from __future__ import annotations

import inspect

from convcore.spec.registry import Operator, layer_name

LAYOUTS = {1: "(N, C, W)", 2: "(N, C, H, W)", 3: "(N, C, D, H, W)"}
SHORT = {1: "(C, W)", 2: "(C, H, W)", 3: "(C, D, H, W)"}
TAPS = {1: "S", 2: "R, S", 3: "Q, R, S"}
OUTPUTS = {1: "OW", 2: "OH, OW", 3: "OD, OH, OW"}


def document(operator: Operator, axes: int, signature: inspect.Signature, doc: str | None) -> str:
    """Return the docstring of a function of tensors."""
    name = layer_name(operator.kind, axes)
    summary = (doc or "").strip().partition("\n\n")[0].replace("\n    ", " ")
    options = [word for word in signature.parameters if word not in ("x", "weight", "bias")]
    gaps = "mask" in options
    lines = [
        summary, "",
        f":func:`convcore.{name}` for tensors in main memory, with derivatives.", "",
        "Parameters", "----------",
        f"x : Tensor, shape {LAYOUTS[axes]} or {SHORT[axes]}",
        "    As ``layout`` says. A batch that lies in memory with its channels last is read so,",
        "    and the result lies like it.",
    ]  # fmt: skip
    if operator.has_weight:
        shape, bias = weight_shapes(operator, axes)
        lines += [f"weight : Tensor, shape {shape}", f"bias : Tensor, shape {bias}, optional"]
    lines.append(", ".join(options))
    lines += [
        f"    As :func:`convcore.{name}` takes them. Arrays among them may be tensors or arrays.",
        "    ``threads`` None is :func:`torch.get_num_threads`.",
        "", "Returns", "-------", "Tensor",
        f"    {_result(operator, axes)}",
    ]  # fmt: skip
    if operator.pools == "max":
        lines += ["indices : Tensor of int64, with ``return_indices``"]
    if gaps:
        lines += ["share : Tensor, with ``return_weight``"]
    lines += [
        "", "Raises", "------", "ValueError",
        f"    As :func:`convcore.{name}`.",
        "TypeError",
        "    For what is no dense tensor of real numbers in main memory, and as above.",
        "", "See Also", "--------", f"convcore.{name}",
        "", "Notes", "-----",
    ]  # fmt: skip
    lines += _derivatives(operator, gaps)
    lines += ["", "Examples", "--------", ">>> import torch",
              ">>> import convcore.torch", *_example(operator, axes)]  # fmt: skip
    return (
        "\n".join(line if not line or i == 0 else f"    {line}" for i, line in enumerate(lines))
        + "\n    "
    )


def indented(lines: list[str]) -> str:
    """Return a docstring's lines as they stand in a source file."""
    body = "\n".join(f"    {line}" if line else "" for line in lines[1:])
    return f"{lines[0]}\n{body}\n    "


def weight_shapes(operator: Operator, axes: int) -> tuple[str, str]:
    """Return the shapes of a layer's weight and bias, in letters."""
    taps, outputs = TAPS[axes], OUTPUTS[axes]
    if operator.transposed:
        return f"(C, out / groups, {taps})", "(out,)"
    if operator.sharing == "shared":
        return f"(out, C / groups, {taps})", "(out,)"
    if operator.sharing == "local":
        return f"(out, {outputs}, C, {taps})", f"(out, {outputs})"
    return rf"(out, \*period, C, {taps})", r"(out, \*period)"


def _result(operator: Operator, axes: int) -> str:
    channels = "out" if operator.has_weight else "C"
    words = f"Of shape (N, {channels}, {OUTPUTS[axes]}), or without N, as ``layout`` says."
    return words if operator.pools == "max" else f"{words} bfloat16 is computed in float32."


def _derivatives(operator: Operator, gaps: bool) -> list[str]:
    if operator.has_weight:
        lines = ["Gradients of every order, and forward mode, are this operator and its adjoints."]
    elif operator.pools == "max":
        lines = ["The gradient goes to the first maximum, and gradients of every order exist."]
    elif operator.pools == "norm":
        lines = ["Gradients of the second order and more are formulas of tensors; they are 0 where",
                 "they do not exist."]  # fmt: skip
    else:
        lines = ["Gradients of every order, and forward mode, are this pooling and its adjoint."]
    if gaps:
        lines += ["With missing cells there is a gradient of the first order alone."]
    return lines


def _example(operator: Operator, axes: int) -> list[str]:
    """Return a call whose result's shape and gradient are shown."""
    name = layer_name(operator.kind, axes)
    five = ", ".join(["5"] * axes)
    three, two = ", ".join(["3"] * axes), ", ".join(["2"] * axes)
    weights = {
        "conv": f"torch.ones(4, 2, {three})",
        "conv_transpose": f"torch.ones(2, 4, {three})",
        "local_conv": f"torch.ones(4, {three}, 2, {three})",
        "tiled_conv": f"torch.ones(4, {two}, 2, {three})",
    }
    outputs = {"conv_transpose": 7, "max_pool": 2, "avg_pool": 2, "lp_pool": 2, "l2_pool": 2,
               "weighted_pool": 2}  # fmt: skip
    size = outputs.get(operator.kind, 3)
    channels = 4 if operator.has_weight else 2
    second = weights.get(operator.kind, "2")
    if operator.kind == "weighted_pool":
        second = f"torch.ones({two})"
    elif "adaptive" in operator.kind:
        second = "3"
    shape = ", ".join([str(channels), *[str(size)] * axes])
    return [
        f">>> x = torch.ones(1, 2, {five}, requires_grad=True)",
        f">>> y = convcore.torch.{name}(x, {second})",
        ">>> y.shape",
        f"torch.Size([1, {shape}])",
        ">>> y.sum().backward()",
        ">>> x.grad.shape",
        f"torch.Size([1, 2, {five}])",
    ]
