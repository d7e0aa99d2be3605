"""
=================================
Which past tells about the future
=================================

How much does the temperature of the sea tell about its temperature some months later?
In a time series neighbouring rows are nearly copies of each other. Shuffled folds put
such copies on both sides, so that a critic is judged on what it has all but seen. This
example cuts the folds in blocks of years, with a gap between training and test rows,
and shows what shuffled folds would have claimed.

The data are the monthly sea surface temperatures of El Niño, 1950 to 2010, that
statsmodels ships.
"""

# %%
# The anomaly
# -----------
# The season would tell of any month by any other. It is taken out: what is left is the
# difference from the mean of the same month over all years.
import numpy as np
from statsmodels.datasets import elnino

table = elnino.load_pandas().data.set_index("YEAR")
anomaly = (table - table.mean()).to_numpy().ravel()

lags = np.array([1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 28, 32, 36])
now = anomaly[lags.max() :]
past = np.column_stack([anomaly[lags.max() - k : -k] for k in lags])
print(f"{len(now)} months, {len(lags)} lags")

# %%
# Blocked folds
# -------------
# `cv` takes pairs of training and test rows. Each test block is a fifth of the series,
# about eleven years in one piece; the three years before and after it, as long as the
# largest lag, train nothing.
# (:class:`~sklearn.model_selection.TimeSeriesSplit` with a gap trains on the past
# alone, and leaves the first block untested.)


def blocks(n_rows, n_blocks=5, gap=36):
    rows = np.arange(n_rows)
    return [
        (rows[(rows < test[0] - gap) | (rows > test[-1] + gap)], test)
        for test in np.array_split(rows, n_blocks)
    ]


from sklearn_mine import mine_score

options = {"solver": "newton", "random_state": 0, "return_std": True}
shuffled, _, shuffled_errors = mine_score(past, now, cv=5, **options)
blocked, _, blocked_errors = mine_score(past, now, cv=blocks(len(now)), **options)
print("lag, months  shuffled folds  blocked folds")
for k, *nats in zip(lags, shuffled, blocked, strict=True):
    print(f"{k:11}{nats[0]:16.3f}{nats[1]:15.3f}")

# %%
# What the folds change
# ---------------------
# Blocked scores are lower at nearly every lag. They measure what a critic of other
# decades tells about this one, and where the series drifts that is less than what it
# tells about the month next door. A score below zero says that what was learnt
# elsewhere did not hold here; it is no information.
#
# To see which folds are right, the series is scored with itself decades ago (what the
# shift pushes over one end comes back at the other). There is hardly anything to be
# told from so far away.
years = np.arange(10, 51, 5)
long_ago = np.column_stack([np.roll(anomaly, 12 * k) for k in years])
claimed, p_values, _ = mine_score(long_ago, anomaly, cv=5, **options)
held, _, _ = mine_score(long_ago, anomaly, cv=blocks(len(anomaly)), **options)
print(f"mean score of {len(years)} shifts by decades, nats:")
print(f"shuffled folds {claimed.mean():.3f}, blocked folds {held.mean():.3f}")
print(f"shifts with a p-value below 0.01: {(p_values < 0.01).sum()} of {len(years)}")

# %%
# Shuffled folds claim information there and blocked ones do not. The p-values are wrong
# too: they suppose that rows may be re-paired freely, as do the standard errors, and
# months are far from independent. No choice of folds mends that. Take both as too
# small, and believe what stays above zero in blocked folds by a wide margin.
import matplotlib.pyplot as plt

fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for nats, errors, far, style, label in (
    (shuffled, shuffled_errors, claimed, "o:", "shuffled folds"),
    (blocked, blocked_errors, held, "s-", "blocked folds, gap of three years"),
):
    colour = "#d98032" if far is claimed else "#2a6f97"
    axes[0].errorbar(
        lags, nats, 2 * errors, fmt=style, color=colour, markersize=4, label=label
    )
    axes[1].plot(years, far, style, color=colour, markersize=4, label=label)
axes[0].set(xlabel="lag, months", ylabel="information about now, nats")
axes[0].set_title("the last three years (± 2 standard errors, too short)", fontsize=10)
axes[0].legend(frameon=False)
axes[1].set(xlabel="shift, years", ylabel="information, nats")
axes[1].set_title("decades ago: there is hardly anything to be told", fontsize=10)
for ax in axes:
    ax.axhline(0, color="#333333", linewidth=0.8)
    ax.spines[["top", "right"]].set_visible(False)
