"""f33: which maps of S2 each map of LeNet-5's C3 sees, and what each costs."""

from boxes import box, canvas

from convcore import connections
from convcore.geometry import Layer, count

LEFT, TOP, WIDTH = 3.6, 2.5, 1.25  # of the table, and of its columns
SIZES = (6, 14, 14)  # what S2 gives
KINDS = [("3 neighbours", 6), ("4 neighbours", 6), ("2 pairs", 3), ("all", 1)]


def draw():
    """Return the figure."""
    table = connections.lenet5_c3()
    maps, inputs = table.shape
    figure, axes = canvas(LEFT + maps * WIDTH + 0.6, TOP + inputs + 2.4, unit=0.43)
    axes.text(0.1, 1.9, "map of C3", va="center", fontsize=12)
    axes.text(0.1, TOP + inputs / 2, "map\nof S2", va="center", fontsize=12)
    axes.text(0.1, TOP + inputs + 0.7, "parameters", va="center", fontsize=12)
    for i in range(inputs):
        axes.text(LEFT - 0.5, TOP + i + 0.5, str(i), ha="center", va="center", fontsize=11)
    first = 0  # map of a kind
    for kind, (words, number) in enumerate(KINDS):
        left, color = LEFT + WIDTH * first, f"C{kind}"
        axes.text(left + WIDTH * number / 2, 0.5, words, ha="center", va="center", fontsize=12)
        axes.plot([left + 0.1, left + WIDTH * number - 0.1], [1.15, 1.15], color=color, linewidth=2)
        for k in range(first, first + number):
            left = LEFT + WIDTH * k
            axes.text(left + WIDTH / 2, 1.9, str(k), ha="center", va="center", fontsize=11)
            for i in range(inputs):
                seen = bool(table[k, i])
                box(
                    axes,
                    left + 0.06,
                    TOP + i + 0.05,
                    "X" if seen else "",
                    color=color,
                    fill=0.35 if seen else 0.0,
                    width=WIDTH - 0.12,
                    height=0.9,
                    line=1.0 if seen else 0.4,
                )
            alone = Layer("conv2d", (1, inputs, 5, 5), (1,), connections=table[k : k + 1])
            axes.text(
                left + WIDTH / 2,
                TOP + inputs + 0.7,
                str(count(alone, SIZES).parameters),
                ha="center",
                va="center",
                fontsize=11,
            )
        first += number
    whole = count(Layer("conv2d", (maps, inputs, 5, 5), (maps,), connections=table), SIZES)
    axes.text(
        LEFT + maps * WIDTH / 2,
        TOP + inputs + 1.8,
        f"{whole.parameters:,} parameters, {whole.connections:,} connections",
        ha="center",
        va="center",
        fontsize=12,
    )
    return figure
