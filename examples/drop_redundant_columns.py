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
# One half of the rows chooses columns, the other half judges the choice.
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from sklearn_mine import mine_score

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X, X_judge, y, y_judge = train_test_split(
    X, y, test_size=0.5, stratify=y, random_state=0
)
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
# one block, everything about its hollows another.
#
# The score of the pairs is a plain one, ``solver="newton", start=None``. By default
# such near copies get a closer look, which takes seconds for each pair and would hardly
# show on this scale.
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
# superfluous. ``solver="newton"`` measures what is told together in a fraction of the
# time, and a little too low.
from sklearn_mine import MINESelector

selector = MINESelector(MINEScore(solver="newton"), random_state=0).fit(X, y)
for step in selector.path_:
    changes = [f"+ {X.columns[j]}" for j in step["features"]]
    changes += [f"- {X.columns[j]}" for j in step["removed"]]
    print(
        f"{', '.join(changes):<40} {step['mutual_info']:.3f} nats together, "
        f"p = {step['p_value']:.0e}"
    )
kept = selector.get_support(indices=True)
print("kept:", ", ".join(X.columns[kept]))

# %%
# Which columns these are is not the point, and no list of causes: near copies stand in
# for one another, and other rows may decide otherwise between them.
#
# Is it enough to classify?
# -------------------------
# The other half of the rows has not seen the choice, so that its cross-validated
# accuracy is fair to it. With so few rows to judge by, differences of a percent or two
# mean little.
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

model = make_pipeline(StandardScaler(), LogisticRegression())
folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=5, random_state=0)
columns = {"all columns": range(X.shape[1]), "ten best": best, "selector": kept}
for name, which in columns.items():
    accuracy = cross_val_score(model, X_judge.iloc[:, which], y_judge, cv=folds)
    print(f"{name:<12} {len(which):>3} columns, accuracy {accuracy.mean():.3f}")

# %%
# The path of the search
# ----------------------
from sklearn_mine.plotting import SelectionPathDisplay

path = SelectionPathDisplay.from_estimator(selector)
