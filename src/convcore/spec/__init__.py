"""What a layer is: its axes, channels, layout and options, read and checked once.

Nothing here computes with arrays' contents, knows the compiled core, or plans how to compute.
"""
