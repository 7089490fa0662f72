"""Functions that are made from a list look as if they had been written one by one."""

from collections.abc import Callable
from inspect import Signature
from typing import Any


def present(
    function: Callable[..., Any], module: str, name: str, signature: Signature, doc: str
) -> Callable[..., Any]:
    """Give a function the name, the signature and the docstring that its users see."""
    function.__name__ = function.__qualname__ = name
    function.__module__ = module
    function.__doc__ = doc
    function.__signature__ = signature  # type: ignore[attr-defined]
    function.__annotations__ = {
        **{each.name: each.annotation for each in signature.parameters.values()},
        "return": signature.return_annotation,
    }
    return function
