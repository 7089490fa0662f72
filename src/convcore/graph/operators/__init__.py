"""The operators of graphs, a file for each kind. Importing this fills the table."""

from convcore.graph.operators.registry import Call, Operator, find, names, operator

__all__ = ["Call", "Operator", "find", "names", "operator"]
