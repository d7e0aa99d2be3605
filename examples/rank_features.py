"""
=======================================
Rank the columns of a table, and choose
=======================================

Which measurements of a tumour tell whether it is malignant, how much does each tell,
and which tell nothing at all? :func:`~sklearn_mine.mine_score` answers in nats, with a
standard error and a p-value for every column.

The table is the breast cancer data that scikit-learn ships: 569 tumours and 30
measurements. To see that the answer can be trusted, 20 of its own columns are shuffled
and put beside the real ones. These probes have the margins of real measurements and
say nothing about the target, so they belong at the bottom.
"""

# %%
# A table with probes
# -------------------
import numpy as np
from sklearn.datasets import load_breast_cancer

data = load_breast_cancer()
X, y = data.data, data.target
rng = np.random.default_rng(0)
chosen = rng.choice(X.shape[1], size=20, replace=False)
table = np.hstack([X, rng.permuted(X[:, chosen], axis=0)])
names = np.array(
    [*data.feature_names, *(f"shuffled {name}" for name in data.feature_names[chosen])]
)
is_probe = np.arange(len(names)) >= X.shape[1]

# %%
# The ranking
# -----------
# A score is the information that the column has about the target, as measured on rows
# that the critic did not see. It is not clipped at zero, so that columns without
# information do not tie; a p-value says whether there is any dependence at all. No
# column can tell more than there is to know: the entropy of the target, H(y).
from sklearn_mine import mine_score

scores, p_values, std_errors = mine_score(
    table, y, random_state=0, n_jobs=2, return_std=True
)
order = np.argsort(-scores)

share = np.bincount(y) / len(y)
width = max(map(len, names))
print(f"{len(table)} rows, H(y) = {-(share * np.log(share)).sum():.3f} nats")
print(f"{'feature':<{width}}  {'nats':>7}  {'std error':>9}  {'p-value':>8}")
for j in order:
    score = round(scores[j], 3) + 0.0  # no minus sign on a zero
    print(
        f"{names[j]:<{width}}  {score:7.3f}  {std_errors[j]:9.3f}  {p_values[j]:8.1e}"
    )

# %%
# A picture of it
# ---------------
# :class:`~sklearn_mine.plotting.RankingDisplay` draws the scores with their intervals,
# the probes paler than measured columns.
from sklearn_mine.plotting import RankingDisplay

display = RankingDisplay.from_scores(
    scores, std_errors, feature_names=names, support=~is_probe, max_features=len(names)
)
display.ax_.set_title("What each column tells about the diagnosis; probes are pale")
display.figure_.savefig("feature_ranking.png", dpi=110)
print("The plot is in feature_ranking.png.")

# %%
# Columns chosen inside a pipeline
# --------------------------------
# :class:`~sklearn_mine.MINEScore` is the same score as an estimator, so that a grid
# search reaches the network that measures the columns. The search sees the training
# rows only; the accuracy is that of rows held out from all of it.
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mine import MINEScore

pipeline = Pipeline(
    [
        ("select", SelectKBest(MINEScore(random_state=0), k=15)),
        ("scale", StandardScaler()),
        ("classify", LogisticRegression(max_iter=1000)),
    ]
)
grid = {"select__score_func__hidden_layer_sizes": [(32,), (64,)]}
X_train, X_test, y_train, y_test = train_test_split(
    table, y, stratify=y, random_state=0
)
search = GridSearchCV(pipeline, grid, cv=3).fit(X_train, y_train)
kept = search.best_estimator_["select"].get_support()
print(f"Best parameters: {search.best_params_}")
print(f"Columns kept: {kept.sum()}, of them probes: {(kept & is_probe).sum()}")
print(f"Accuracy on {len(X_test)} held-out rows: {search.score(X_test, y_test):.3f}")
