"""
================================================
What a column tells beyond what is already known
================================================

Two quantities may depend on each other only because a third drives both. Conditional
information is what a column tells about the target *beyond* that third one: fit
:class:`~sklearn_mine.MINE` with `given`, or pass `given_features` to
:func:`~sklearn_mine.mine_score` for every column of a table.

First comes a made confounder, where the truth is known, then the measurements of 442
patients.
"""

# %%
# A confounder
# ------------
# Heat moves the target, and so does a push that has nothing to do with heat. `shadow`
# is a reading of the heat, `cause` one of the push. Both tell equally much about the
# target. Given the heat, the shadow tells nothing more, and the cause tells more than
# before, because the heat no longer blurs what it does. All columns are normal, so that
# their covariance gives the true information.
import numpy as np

rng = np.random.default_rng(0)
heat, push, *noise = rng.normal(size=(5, 1000))
columns = {"shadow": heat + 0.5 * noise[0], "cause": push + 0.5 * noise[1]}
y = heat + push + 0.5 * noise[2]
truth = {
    ("shadow", "alone"): -0.5 * np.log(1.0 - 1.0 / (1.25 * 2.25)),
    ("shadow", "given heat"): 0.0,
    ("cause", "alone"): -0.5 * np.log(1.0 - 1.0 / (1.25 * 2.25)),
    ("cause", "given heat"): -0.5 * np.log(1.0 - 1.0 / (1.25 * 1.25)),
}

# %%
# Alone, shadow and target are plainly dependent. Given the heat the interval holds
# zero, and the p-value, which is then one of independence *given* the heat, is not
# small. (``solver="newton"`` leaves out the training of networks. It saves more than
# half of the time here, and smooth dependence such as this does not need them.)
import matplotlib.pyplot as plt

from sklearn_mine import MINE

fig, ax = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
for place, (name, how) in enumerate(truth):
    given = heat if how == "given heat" else None
    mine = MINE(solver="newton", random_state=0)
    mine.fit(columns[name][:, None], y, given=given)
    low, high = mine.confidence_interval()
    ax.plot([low, high], [place, place], color="#2a6f97", linewidth=2)
    ax.plot(mine.mutual_info_, place, "o", color="#2a6f97")
    ax.plot(truth[name, how], place, "|", color="#d98032", markersize=20)
    print(
        f"{name:<6} {how:<10} {mine.mutual_info_:6.3f} nats, {low:6.3f} to {high:.3f}, "
        f"truth {truth[name, how]:.3f}, p = {mine.p_value_:.0e}"
    )
ax.set_yticks(range(4), [f"{name}, {how}" for name, how in truth])
ax.set_ylim(3.6, -0.6)
ax.set_xlabel("information with the target, nats")
ax.set_title("estimate, 95 % interval and truth (orange)", fontsize=10)
ax.spines[["top", "right"]].set_visible(False)

r = np.corrcoef(columns["cause"], y)[0, 1]
print(f"closed form, cause and target as drawn: {-0.5 * np.log1p(-r * r):.3f} nats")

# %%
# The interval of `cause` alone misses the truth, as one in twenty should. It is the
# draw of 1,000 rows that is off: the closed form, given the correlation of these rows,
# is off by as much.

# %%
# Patients
# --------
# The target is how far diabetes has progressed a year later. Body mass (bmi) is easily
# had. What do blood pressure (bp) and the blood serum (s1 to s6) tell beyond it? A
# column with `given_features` takes as long as a fit of :class:`~sklearn_mine.MINE`
# with `given`: a second or more, where a score without them takes milliseconds.
from sklearn.datasets import load_diabetes

from sklearn_mine import mine_score
from sklearn_mine.plotting import RankingDisplay

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X = X[["bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]]
options = {"solver": "newton", "random_state": 0, "return_std": True}
alone = mine_score(X, y, **options)
beyond = mine_score(X, y, given_features=["bmi"], **options)
print(f"{'column':<7}{'alone':>7}{'beyond bmi':>12}{'std error':>11}{'p-value':>9}")
others = np.arange(1, X.shape[1])
for j in others[np.argsort(-beyond[0][others])]:
    line = f"{X.columns[j]:<7}{alone[0][j]:7.3f}{beyond[0][j]:12.3f}"
    print(f"{line}{beyond[2][j]:11.3f}{beyond[1][j]:9.0e}")

fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharex=True)
for ax, (nats, _, errors), title in zip(
    axes, (alone, beyond), ("alone", "beyond bmi"), strict=True
):
    RankingDisplay.from_scores(
        nats[others], errors[others], feature_names=X.columns[others], ax=ax
    )
    ax.set_title(title)

# %%
# Much of what the columns tell they share with bmi; s5, the logarithm of the serum
# triglycerides, tells most beyond it. Columns that repeat each other are not told apart
# by this: :class:`~sklearn_mine.MINESelector` conditions on each column that it has
# chosen before it takes the next.
#
# Three things to be careful about. A difference of two bounds is not a bound, so that a
# score may lie on either side of the truth. With 442 rows the intervals are wide. And
# conditioning on a column that is itself an effect of both sides makes dependence
# where there was none: which columns belong in `given` is not for the data to say.
