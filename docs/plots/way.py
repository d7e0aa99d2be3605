"""The way of the data: columns, folds, critics, held-out rows, an estimate."""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

BLUE, ORANGE, GREY = "#2a6f97", "#d98032", "#5c6670"
fig, ax = plt.subplots(figsize=(9, 3.9), layout="constrained")
ax.set_xlim(0, 100)
ax.set_ylim(0, 43)
ax.axis("off")


def box(x, y, width, height, title, lines, colour):
    ax.add_patch(
        FancyBboxPatch(
            (x, y), width, height, boxstyle="round,pad=0.6", fc="white", ec=colour, lw=2
        )
    )
    ax.text(x + width / 2, y + height - 1.6, title, ha="center", va="top", color=colour)
    ax.text(
        x + width / 2,
        y + height - 6.2,
        "\n".join(lines),
        ha="center",
        va="top",
        fontsize=8.5,
        color="#222222",
        linespacing=1.35,
    )


def arrow(start, end, colour=GREY):
    ax.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.8}
    )


box(
    1,
    13,
    18,
    17,
    "Columns",
    ["numbers to scores", "of their ranks;", "text, missing cells", "to indicators"],
    BLUE,
)
box(
    25,
    13,
    16,
    17,
    "Folds",
    ["shuffled; by class,", "by group, in blocks", "of time, or as", "you give them"],
    BLUE,
)
box(
    48,
    25,
    23,
    17,
    "Training rows",
    [
        "a critic for each fold:",
        "closed forms, a network,",
        "a last layer that is solved;",
        "inner rows stop it",
    ],
    ORANGE,
)
box(
    48,
    1,
    23,
    17,
    "Held-out rows",
    [
        "joint pairs against",
        "pairs of different rows,",
        "by critics that never",
        "saw the row",
    ],
    BLUE,
)
box(
    78,
    13,
    20,
    17,
    "Estimate",
    [
        "nats, with standard",
        "error and interval;",
        "a p-value from a",
        "test of its own",
    ],
    BLUE,
)
arrow((20, 21.5), (24.2, 21.5))
arrow((42, 24), (47.2, 31))
arrow((42, 19), (47.2, 11))
arrow((59.5, 24.2), (59.5, 19), ORANGE)
ax.text(60.6, 21.6, "critics", va="center", fontsize=8.5, color=ORANGE)
arrow((72, 9.5), (77.2, 18))
