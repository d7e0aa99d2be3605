"""
===========================
A target of several columns
===========================

Something moves in the plane, and four sensors watch it. Which of them tells where it
is? The position is one thing with two coordinates, and a score for each coordinate can
miss what a sensor knows: a distance from the origin tells little about x and little
about y, and a good deal about both together. :func:`~sklearn_mine.mine_score` takes a
``y`` of several columns as one vector.
"""

# %%
# A position and four sensors
# ---------------------------
import numpy as np
import pandas as pd

n = 1500
rng = np.random.default_rng(0)
position = rng.normal(size=(n, 2))
radius = np.hypot(*position.T)
angle = np.arctan2(position[:, 1], position[:, 0])
sensors = pd.DataFrame(
    {
        "x, noisy": position[:, 0] + 0.5 * rng.normal(size=n),
        "distance": radius + 0.2 * rng.normal(size=n),
        "orientation": np.sin(2 * angle) + 0.3 * rng.normal(size=n),
        "broken": rng.normal(size=n),
    }
)

# %%
# Each coordinate, and the pair
# -----------------------------
# The coordinates are independent of each other, so a sensor tells at least as much
# about the pair as about both in sum. What is missing from the sum is what only the
# pair shows.
#
# There is a check. Each sensor reads one quantity (x, the distance, the angle) and
# noise, so it tells about the pair exactly what it tells about that quantity. Between
# single columns that is measured well; the last column has it.
#
# Scores of a vector are fits of :class:`~sklearn_mine.MINE`, which take seconds for
# each column. ``start=None`` makes the critics plain networks, without closed forms to
# start from, and three folds save time as well.
from sklearn_mine import mine_score

x_score, x_p = mine_score(sensors, position[:, 0], random_state=0)
y_score, y_p = mine_score(sensors, position[:, 1], random_state=0)
network = {"start": None, "max_iter": 100, "cv": 3}
pair, pair_p, errors = mine_score(
    sensors, position, **network, random_state=0, return_std=True
)
quantities = {"x, noisy": position[:, 0], "distance": radius, "orientation": angle}
direct = [
    mine_score(sensors[[name]], quantity, random_state=0)[0][0]
    for name, quantity in quantities.items()
]
direct.append(0.0)  # the broken one reads nothing

columns = ("x", "y", "sum", "pair", "± std", "direct")
print(f"{'nats':<12}" + "".join(f"{name:>8}" for name in columns))
for j, name in enumerate(sensors):
    row = (x_score[j], y_score[j], x_score[j] + y_score[j], pair[j], errors[j])
    print(f"{name:<12}" + "".join(f"{value:8.3f}" for value in (*row, direct[j])))

# %%
# The pair's figures fall short of the direct ones: a plain network has to learn from
# the rows what a distance or an angle is, and even what a straight line is, which puts
# the first sensor below its own sum. They are lower bounds, and no interval covers what
# the critic did not find. Which sensors tell anything is clear all the same, and the
# p-values of the pair say it too.
print(f"{'p-value':<12}" + "".join(f"{name:>9}" for name in ("x", "y", "pair")))
for j, name in enumerate(sensors):
    print(f"{name:<12}{x_p[j]:9.0e}{y_p[j]:9.0e}{pair_p[j]:9.0e}")

# %%
# A picture
# ---------
# Above, the plane, coloured by what each sensor reads: the sensors that tell much sort
# the plane into regions. Below, how much of that the scores see.
import matplotlib.pyplot as plt

fig, axes = plt.subplot_mosaic(
    [list(sensors), ["bars"] * 4],
    figsize=(10, 6.5),
    height_ratios=[1, 1.1],
    layout="constrained",
)
for name, readings in sensors.items():
    axes[name].scatter(*position.T, c=readings.rank(), s=6, cmap="viridis")
    axes[name].set(title=name, xticks=[], yticks=[], aspect="equal")
axes["x, noisy"].set(xlabel="x", ylabel="y")
places = np.arange(len(sensors.columns))
bars = (
    ("x and y, in sum", x_score + y_score, None, "#b8c4cc"),
    ("the pair", pair, 1.96 * errors, "#2a6f97"),
    ("the quantity that is read", direct, None, "#d98032"),
)
for shift, (label, values, error, colour) in enumerate(bars):
    axes["bars"].bar(
        places + 0.27 * (shift - 1), values, 0.25, yerr=error, color=colour, label=label
    )
axes["bars"].set_xticks(places, sensors.columns)
axes["bars"].set_ylabel("information, nats")
axes["bars"].axhline(0, color="#333333", linewidth=0.8)
axes["bars"].spines[["top", "right"]].set_visible(False)
axes["bars"].legend(frameon=False, title="what the sensor tells about")
