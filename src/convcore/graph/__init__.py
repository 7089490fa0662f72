"""Graphs of operators: described, optimised and run. The operators are those of ONNX."""
