"""
======================
Drop redundant columns
======================

The ten best columns of a table may be one column ten times over. What each tells about
the target says nothing about that; what they tell about each other does. On the breast
cancer data this example asks how many columns say something that the others do not.
"""

# %%
# The ten best, one by one
# ------------------------
from sklearn.datasets import load_breast_cancer

from sklearn_mine import mine_score

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
scores, _, errors = mine_score(X, y, random_state=0, return_std=True)
best = scores.argsort()[::-1][:10]
for j in best:
    print(f"{X.columns[j]:<22} {scores[j]:.3f} ± {errors[j]:.3f} nats")

# %%
# What they tell about each other
# -------------------------------
# :func:`~sklearn_mine.mine_matrix` measures all pairs. ``normalize=True`` puts
# information on the scale of a correlation, whatever the shape of the dependence. The
# display puts like columns side by side: radius, perimeter and area of a nucleus form
# one block, everything about its hollows another. The score of the pairs is a plain
# one, ``MINEScore(solver="newton", start=None)``: such near copies get a closer look by
# default, which takes seconds for each pair and would change the second decimal.
from sklearn_mine import MINEScore, mine_matrix
from sklearn_mine.plotting import MatrixDisplay

quick = MINEScore(solver="newton", start=None)
likeness = mine_matrix(X.iloc[:, best], normalize=True, score=quick, random_state=0)
display = MatrixDisplay(likeness, units="information, as a correlation").plot(vmax=1.0)

# %%
# Columns that add something
# --------------------------
# :class:`~sklearn_mine.MINESelector` goes step by step. A column is added if it tells
# something given those that are chosen, and taken out once later ones make it
# superfluous. ``solver="newton"`` measures what is told together in a tenth of the time,
# and a little too low.
from sklearn_mine import MINESelector

selector = MINESelector(MINEScore(solver="newton"), random_state=0).fit(X, y)
for step in selector.path_:
    changes = [f"+ {X.columns[j]}" for j in step["features"]]
    changes += [f"- {X.columns[j]}" for j in step["removed"]]
    print(f"{', '.join(changes):<40} {step['mutual_info']:.3f} nats together")
kept = selector.get_support(indices=True)
print("kept:", ", ".join(X.columns[kept]))

# %%
# Is it enough to classify?
# -------------------------
# The selection is a step of the pipeline, so it sees the training rows of each fold
# alone, and the accuracy is fair to it. Which columns are kept may differ from fold to
# fold: near copies stand in for one another, and a small change of the rows decides
# between them. Do not read the choice as a list of causes.
import numpy as np
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

few = MINESelector(MINEScore(solver="newton"), redundancy="mrmr", random_state=0)
ways = {
    "all columns": "passthrough",
    "ten best": SelectKBest(MINEScore(random_state=0), k=10),
    "selector": few,
}
rows = {}
for name, selection in ways.items():
    model = make_pipeline(StandardScaler(), selection, LogisticRegression())
    result = cross_validate(model, X, y, cv=3, return_estimator=True)
    counts = [step[-1].n_features_in_ for step in result["estimator"]]
    rows[name] = np.mean(counts), result["test_score"]
    accuracy = result["test_score"]
    print(
        f"{name:<12} {np.mean(counts):5.1f} columns, accuracy {accuracy.mean():.3f}, "
        f"folds {accuracy.min():.3f} to {accuracy.max():.3f}"
    )

# %%
# The path of the search
# ----------------------
from sklearn_mine.plotting import SelectionPathDisplay

path = SelectionPathDisplay.from_estimator(selector)
