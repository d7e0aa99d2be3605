"""
=================================
Search for the size of the critic
=================================

How large must a network be to see a dependence? The bound on held-out rows says so: a
critic that is too small finds too little, one that learns rows by heart finds less on
rows that it has not seen. :meth:`MINE.score <sklearn_mine.MINE.score>` is that bound,
higher is better, so :class:`~sklearn.model_selection.GridSearchCV` needs no
``scoring``.
"""

# %%
# Points on a ring
# ----------------
# x and y lie around a circle. Neither their correlation nor any monotone trend shows
# anything, and how much they tell about each other is known.
from sklearn_mine.datasets import make_ring

x, y, truth = make_ring(3000, random_state=0, return_mi=True)
x_train, x_test, y_train, y_test = x[:2000], x[2000:], y[:2000], y[2000:]
print(f"truth: {truth:.3f} nats")

# %%
# The search
# ----------
# ``solver="adam", start=None`` is the estimator as it was published: a network, and
# nothing but gradient descent. Here size and weight decay decide. The inner ``cv`` of
# :class:`~sklearn_mine.MINE` is set low for speed; the outer one is a single split, on
# which every candidate is judged.
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from sklearn_mine import MINE

sizes = [(4,), (64,), (16, 16), (64, 64)]
network = MINE(solver="adam", start=None, cv=2, max_iter=150, random_state=0)
search = GridSearchCV(
    network,
    {"hidden_layer_sizes": sizes, "alpha": [1e-3, 3e-2]},
    cv=ShuffleSplit(1, test_size=0.3, random_state=0),
).fit(x_train, y_train)
results = search.cv_results_
for params, score in zip(results["params"], results["mean_test_score"], strict=True):
    size, alpha = params["hidden_layer_sizes"], params["alpha"]
    print(f"{size!s:<11} alpha {alpha:<6g} {score:6.3f} nats on held-out rows")
print("best:", search.best_params_)

# %%
# What the best one finds
# -----------------------
# The best of many looks better than it is, so the figure to quote is that of rows which
# took no part in the search. Beside it is :class:`~sklearn_mine.MINE` on its defaults,
# which looks at two single columns on a grid of their levels and needs no search.
default = MINE(random_state=0).fit(x_train, y_train)
for name, mine in {"best of the search": search, "defaults of MINE": default}.items():
    print(f"{name:<18} {mine.score(x_test, y_test):6.3f} nats on rows of the test")
print(f"{'truth':<18} {truth:6.3f} nats")

# %%
# The same reach goes through pipelines: with ``SelectKBest(MINEScore())`` as a step
# named ``select``, the parameter is ``select__score_func__hidden_layer_sizes``, and
# the score is that of the pipeline's last step.
#
# Pictures
# --------
# Every candidate against the truth. A bound lies below it but for sampling error. Where
# growing the network still pays, the critic is what limits the estimate, and no
# interval shows that. The best lies at the edge of this grid: a wider search, or more
# passes, would find more.
import matplotlib.pyplot as plt
import numpy as np

fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
labels = [" x ".join(map(str, size)) for size in sizes]
for alpha, colour in ((1e-3, "#2a6f97"), (3e-2, "#d98032")):
    mask = np.array([params["alpha"] == alpha for params in results["params"]])
    ax.plot(
        labels,
        results["mean_test_score"][mask],
        "o-",
        color=colour,
        label=f"alpha = {alpha:g}",
    )
ax.axhline(truth, color="#333333", linestyle="--", linewidth=0.9, label="truth")
ax.axhline(0, color="0.7", linewidth=0.8)
ax.set(xlabel="units of the hidden layers", ylabel="held-out information, nats")
ax.set_ylim(top=1.3 * truth)
ax.legend(frameon=False, loc="upper left", ncols=3)
ax.spines[["top", "right"]].set_visible(False)

# %%
# How the best one was trained.
from sklearn_mine.plotting import TrainingCurvesDisplay

display = TrainingCurvesDisplay.from_estimator(search)
