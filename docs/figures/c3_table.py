"""f33: which maps of S2 each map of LeNet-5's C3 sees, and what each costs."""

from boxes import box, canvas

from convcore import connections
from convcore.geometry import Layer, count

LEFT, TOP = 3.2, 1.6  # of the table
SIZES = (6, 14, 14)  # what S2 gives


def draw():
    """Return the figure."""
    table = connections.lenet5_c3()
    maps, inputs = table.shape
    figure, axes = canvas(LEFT + maps * 1.25 + 0.4, TOP + inputs + 2.4, unit=0.45)
    axes.text(LEFT + maps * 1.25 / 2, 0.4, "map of C3", ha="center", va="center", fontsize=12)
    axes.text(0.2, TOP + inputs / 2, "map\nof S2", va="center", fontsize=12)
    for i in range(inputs):
        axes.text(LEFT - 0.5, TOP + i + 0.5, str(i), ha="center", va="center", fontsize=11)
    for k in range(maps):
        left = LEFT + 1.25 * k
        fan_in = int(table[k].sum())
        axes.text(left + 0.6, 1.2, str(k), ha="center", va="center", fontsize=11)
        for i in range(inputs):
            seen = bool(table[k, i])
            box(axes, left, TOP + i, "X" if seen else "", color=f"C{fan_in - 3}",
                fill=0.4 if seen else 0.0, width=1.2, line=0.6)
        alone = Layer("conv2d", (1, 6, 5, 5), (1,), connections=table[k : k + 1])
        axes.text(left + 0.6, TOP + inputs + 0.6, str(count(alone, SIZES).parameters), ha="center",
                  va="center", fontsize=10)
    whole = count(Layer("conv2d", (maps, inputs, 5, 5), (maps,), connections=table), SIZES)
    axes.text(0.2, TOP + inputs + 0.6, "parameters", va="center", fontsize=10)
    axes.text(LEFT + maps * 1.25 / 2, TOP + inputs + 1.9,
              f"{whole.parameters:,} parameters, {whole.connections:,} connections", ha="center",
              va="center", fontsize=12)
    return figure
