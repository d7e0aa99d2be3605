"""
======================
Compare two embeddings
======================

Two embeddings of the same rows may look unlike and say the same, or look alike and say
different things. Coordinates cannot be compared one by one: embeddings are turned,
stretched and bent at will. Information does not change under any such map that can be
undone, so :class:`~sklearn_mine.MINE` on two vectors answers how much one tells about
the other, and how much either tells about a label.
"""

# %%
# Three maps of the digits
# ------------------------
# Two numbers for each of the handwritten digits: by principal components, by distances
# along a graph of neighbours (:class:`~sklearn.manifold.Isomap`), and by a random
# projection. None of them sees the labels; one that did would have to be scored on rows
# it was not fitted to.
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import Isomap
from sklearn.random_projection import GaussianRandomProjection

X, digit = load_digits(return_X_y=True)
makers = {
    "PCA": PCA(2, random_state=0),
    "Isomap": Isomap(n_neighbors=10, n_components=2),
    "random": GaussianRandomProjection(2, random_state=0),
}
codes = {name: maker.fit_transform(X) for name, maker in makers.items()}

# %%
# What they tell
# --------------
# The critics are networks alone, ``start=None``, in three folds. That is quick, and the
# same for all. The defaults take several times as long and find more, most of all
# between two embeddings. The intervals cover sampling error only, not what the critic
# did not find.
#
# About a label no code can tell more than its entropy. Between two continuous codes
# there is no such limit, and rows are what limits the figure.
import itertools

import numpy as np

from sklearn_mine import MINE


def tell(a, b):
    mine = MINE(start=None, cv=3, max_iter=100, random_state=0).fit(a, b)
    return (mine.mutual_info_, *mine.confidence_interval())


share = np.bincount(digit) / len(digit)
entropy = -(share * np.log(share)).sum()
found = {f"{name}, digit": tell(code, digit) for name, code in codes.items()}
for one, other in itertools.combinations(codes, 2):
    found[f"{one}, {other}"] = tell(codes[one], codes[other])
for name, (nats, low, high) in found.items():
    print(f"{name:<16} {nats:.3f} nats, {low:.3f} to {high:.3f}")
print(f"{'H(digit)':<16} {entropy:.3f} nats")

# %%
# Isomap tells most about the digit and the random projection least. PCA and Isomap look
# unlike in the picture below, and still tell more about each other than either tells
# about the random projection.
#
# Neighbours as a check
# ---------------------
# A classifier that only looks at neighbours in the code puts the codes into the same
# order.
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

for name, code in codes.items():
    accuracy = cross_val_score(KNeighborsClassifier(20), code, digit, cv=5).mean()
    print(f"{name:<8} accuracy of 20 neighbours {accuracy:.3f}")

# %%
# A picture
# ---------
# Above, the three maps, coloured by digit; below, what they tell, with 95 % intervals.
import matplotlib.pyplot as plt

fig, axes = plt.subplot_mosaic(
    [list(codes), ["bars"] * 3],
    figsize=(10, 6.5),
    height_ratios=[1.2, 1],
    layout="constrained",
)
for name, code in codes.items():
    dots = axes[name].scatter(*code.T, c=digit, cmap="tab10", vmin=-0.5, vmax=9.5, s=5)
    axes[name].set(title=name, xticks=[], yticks=[])
fig.colorbar(dots, ax=axes["random"], ticks=range(10), label="digit")
nats, low, high = np.array(list(found.values())).T
places = np.arange(len(found))
axes["bars"].barh(
    places,
    nats,
    xerr=(nats - low, high - nats),
    color=["#2a6f97"] * 3 + ["#d98032"] * 3,
    error_kw={"elinewidth": 1, "ecolor": "#333333"},
)
axes["bars"].set_yticks(places, list(found))
axes["bars"].invert_yaxis()
axes["bars"].axvline(entropy, color="0.5", linestyle=":")
axes["bars"].text(entropy - 0.02, 0, "H(digit)", ha="right", va="center")
axes["bars"].set_xlabel("information, nats")
axes["bars"].spines[["top", "right"]].set_visible(False)
