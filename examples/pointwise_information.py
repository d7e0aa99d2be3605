"""
=========================================================
Which rows carry a dependence, and which speak against it
=========================================================

Mutual information is a mean over rows. What is averaged is the pointwise information,
ln p(x, y) / p(x)p(y): above zero where a pair is likelier than if both sides were
independent, below zero where it is rarer. :meth:`MINE.pointwise_mutual_info
<sklearn_mine.MINE.pointwise_mutual_info>` gives it row by row. It shows where in the
data a dependence sits, and rows far below zero deserve a second look: labels that were
entered wrongly are found there.
"""

# %%
# Where the dependence sits
# -------------------------
# Body mass (bmi) of 442 patients, and how far diabetes progressed within a year. Rows
# that tell most (red) are at the ends: heavy patients with much progress, light ones
# with little. Blue rows are the pairs that are rarer than by chance.
from sklearn.datasets import load_diabetes

from sklearn_mine import MINE
from sklearn_mine.plotting import PointwiseInformationDisplay

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X = X[["bmi"]]
mine = MINE(random_state=0).fit(X, y)
nats = mine.pointwise_mutual_info(X, y)
print(f"I(bmi; progression) = {mine.mutual_info_:.3f} +- {mine.std_error_:.3f} nats")
print(f"rows: mean {nats.mean():.3f}, {(nats < 0).mean():.0%} below zero")
rows = X.assign(progression=y, nats=nats.round(2)).sort_values("nats")
print(rows.iloc[[0, 1, 2, -3, -2, -1]].to_string(index=False))

display = PointwiseInformationDisplay.from_estimator(mine, X, y)
_ = display.ax_.set_ylabel("progression")

# %%
# The mean over rows lies somewhat above the estimate, since the critics have trained on
# these rows. A single row's figure has no standard error, and at the ends, where rows
# are few, it rests on few: read it as an order, not as a measurement.

# %%
# Labels that contradict their rows
# ---------------------------------
# Of 569 tumours 15 get the wrong diagnosis. So that no critic has learnt the labels
# that it is to judge, each third of the rows is scored by one that was fitted to the
# others.
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
swapped = np.random.default_rng(0).choice(len(y), size=15, replace=False)
y.iloc[swapped] = 1 - y.iloc[swapped]

nats = np.zeros(len(y))
folds = StratifiedKFold(3, shuffle=True, random_state=0)
for train, test in folds.split(X, y):
    mine = MINE(random_state=0).fit(X.iloc[train], y.iloc[train])
    nats[test] = mine.pointwise_mutual_info(X.iloc[test], y.iloc[test])

lowest_first = np.argsort(nats)
planted = np.isin(lowest_first, swapped)
print(f"{(nats < 0).sum()} of {len(y)} rows are below zero")
for n in (15, 30):
    print(f"swapped labels among the {n} lowest: {planted[:n].sum()} of 15")

# %%
# Most of the swapped labels lie at the bottom. What else lies there are tumours whose
# measurements look like the other kind's: rare, and not wrong. Conversely, a label that
# is swapped where the kinds overlap contradicts little, and may lie higher up. So the
# list says where to look, and somebody has to look.
display = PointwiseInformationDisplay(
    X["worst perimeter"],
    X["worst concave points"],
    nats,
    x_name="worst perimeter",
    y_name="worst concave points",
).plot()
display.ax_.scatter(
    X["worst perimeter"].iloc[swapped],
    X["worst concave points"].iloc[swapped],
    s=70,
    facecolors="none",
    edgecolors="black",
    label="label swapped",
)
display.ax_.set_title("Each row's information: 30 columns and the label")
_ = display.ax_.legend(loc="lower right", frameon=False)
