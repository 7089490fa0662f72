"""
AlexNet in numbers
==================

Every row counted, in one part and in the two of the paper, and run.

Run with ``python examples/alexnet_table.py``; takes a few seconds.
"""

from time import perf_counter

import numpy as np

from convcore import nn

ROWS = ("Conv-1", "MaxPool-1", "Conv-2", "MaxPool-2", "Conv-3", "Conv-4", "Conv-5", "MaxPool-3",
        "FC-1", "FC-2", "FC-3")  # fmt: skip


def main():
    """Print the table of both forms, where the parameters are, and the time of an image."""
    model = nn.models.alexnet(rng=0)
    table = nn.summary(model, (3, 227, 227))
    print(table, "\n")

    halves = nn.summary(nn.models.alexnet(groups=True, rng=0), (3, 227, 227))
    print(f"{'parameters':<12}{'one part':>14}{'two groups':>14}")
    for name in ROWS:
        print(f"{name:<12}{table[name].parameters:>14,}{halves[name].parameters:>14,}")
    print(f"{'total':<12}{table.parameters:>14,}{halves.parameters:>14,}\n")

    dense = sum(row.parameters for row in table.rows if row.name.startswith("FC"))
    work = sum(row.multiply_adds for row in table.rows if row.name.startswith("Conv"))
    print(
        f"{100 * dense / table.parameters:.0f} % of the parameters are in the dense layers, "
        f"{100 * work / table.multiply_adds:.0f} % of the multiply-adds in the convolutions."
    )

    model.freeze()
    image = np.random.default_rng(0).normal(size=(3, 227, 227)).astype(np.float32)
    model.forward(image)
    start = perf_counter()
    scores = model.forward(image)
    print(f"One image, {scores.size} scores: {1000 * (perf_counter() - start):.0f} ms.")
    return table


# %%
# Where the parameters are, and where the work
# --------------------------------------------


def draw(table):
    """Draw the shares of each row as bars."""
    import matplotlib.pyplot as plt

    rows = [table[name] for name in ROWS if table[name].multiply_adds]
    axes = plt.figure(figsize=(8, 3.6)).subplots()
    axes.set_title("AlexNet's rows: share of the parameters and of the multiply-adds")
    place = np.arange(len(rows))
    axes.bar(
        place - 0.2, [row.parameters / table.parameters for row in rows], 0.4, label="parameters"
    )
    axes.bar(
        place + 0.2,
        [row.multiply_adds / table.multiply_adds for row in rows],
        0.4,
        label="multiply-adds",
    )
    axes.set_xticks(place, [row.name for row in rows])
    axes.legend(frameon=False)
    plt.show()


if __name__ == "__main__":
    draw(main())
