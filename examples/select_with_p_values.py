"""
==========================
Filter columns by p-values
==========================

Which of several hundred columns tell anything at all? A score alone cannot say where
to cut; a p-value can. :class:`~sklearn_mine.MINEScore` gives both, so it goes into
:class:`~sklearn.feature_selection.SelectFdr`, which keeps the share of useless columns
among those that pass small on average.

The rule to take away: rank by nats, filter by p-value. The two answer different
questions, and the last picture shows how far apart they can lie.
"""

# %%
# A table of three kinds of columns
# ---------------------------------
# The rows are handwritten digits, and the target is whether the digit is odd. There are
#
# - the pixels that are not always blank;
# - made columns whose mean is the same for odd and even digits, and whose spread is
#   twice as large for odd ones: think of an instrument that is less steady;
# - probes: six shuffled copies of every pixel, which tell nothing.
import numpy as np
from sklearn.datasets import load_digits

X, digit = load_digits(return_X_y=True)
X = X[:, X.std(axis=0) > 0]
y = digit % 2
rng = np.random.default_rng(0)
spread = rng.normal(size=(len(X), 20)) * np.where(y == 1, 2.0, 1.0)[:, None]
probes = np.hstack([rng.permuted(X, axis=0) for _ in range(6)])
table = np.hstack([X, spread, probes])
names = ("pixel", "spread only", "probe")
kind = np.repeat(names, [X.shape[1], spread.shape[1], probes.shape[1]])
print(f"{table.shape[0]} rows, {table.shape[1]} columns")

# %%
# Two selectors
# -------------
# :func:`~sklearn.feature_selection.f_classif` compares means, so a column that tells by
# its spread alone is a probe to it. Both selectors promise the same: of the columns
# that pass, at most ``alpha`` are useless on average over tables. A single table may
# have a few more or fewer.
from sklearn.feature_selection import SelectFdr, f_classif

from sklearn_mine import MINEScore

selectors = {
    "MINEScore": SelectFdr(MINEScore(random_state=0), alpha=0.05).fit(table, y),
    "f_classif": SelectFdr(f_classif, alpha=0.05).fit(table, y),
}
print(f"{'columns that pass':<18}" + "".join(f"{name:>14}" for name in names))
print(f"{'of':<18}" + "".join(f"{(kind == name).sum():>14}" for name in names))
for title, selector in selectors.items():
    passed = [selector.get_support()[kind == name].sum() for name in names]
    print(f"{title:<18}" + "".join(f"{count:>14}" for count in passed))

# %%
# Without the correction, a p-value below 0.05 is no news among hundreds of columns:
# about one probe in twenty has one.
p_values = selectors["MINEScore"].pvalues_
print(f"probes with p < 0.05: {(p_values[kind == 'probe'] < 0.05).mean():.1%}")

# %%
# Nats and p-values
# -----------------
# Each dot is a column, and those above the dashed line pass. By their score the made
# columns stand apart, beside the best pixels. To the F test, on the right, they are
# probes. On the left their p-values are larger than those of pixels that score the
# same: the test behind the p-value weighs plain shapes, such as a shift, more than a
# change of spread. With few rows such columns can miss the line while their scores
# still stand out. So do not rank by p-value, and look at a column with a high score
# before it is dropped.
import matplotlib.pyplot as plt

colours = {"pixel": "#2a6f97", "spread only": "#d98032", "probe": "#b8c4cc"}
fig, axes = plt.subplots(1, 2, figsize=(9, 4.5), sharey=True, layout="constrained")
scores = selectors["MINEScore"].scores_
for ax, (title, selector) in zip(axes, selectors.items(), strict=True):
    height = -np.log10(np.maximum(selector.pvalues_, 1e-300))
    for name in reversed(names):
        mask = kind == name
        ax.scatter(scores[mask], height[mask], s=14, color=colours[name], label=name)
    cut = height[selector.get_support()].min()
    ax.axhline(cut, color="#333333", linestyle="--", linewidth=0.9)
    ax.set_yscale("symlog", linthresh=1.0)
    ax.set_xscale("symlog", linthresh=0.005, linscale=0.5)
    ax.set_xticks([0, 0.01, 0.1], ["0", "0.01", "0.1"])
    ax.set(xlabel="score of MINE, nats", title=f"p-values of {title}")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("-log10 of the p-value")
axes[0].legend(loc="upper left", frameon=False)
