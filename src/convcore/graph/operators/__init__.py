"""The operators of graphs, a file for each kind. Importing this fills the table."""

from convcore.graph.operators import conv, elementwise, layer, pool
from convcore.graph.operators.registry import Call, Operator, find, names, operator

FILES = (conv, elementwise, layer, pool)

__all__ = ["FILES", "Call", "Operator", "find", "names", "operator"]
