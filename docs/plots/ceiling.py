"""What so many rows can show of Gaussian pairs of columns: not more than ln n."""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mine import MINE
from sklearn_mine.datasets import make_gaussian

truths = np.array([0.5, 2.0, 4.0, 6.0, 8.0, 10.0])
fig, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
ax.plot([0, 10], [0, 10], color="#5c6670", lw=1, label="truth")
for n, colour in ((300, "#d98032"), (3000, "#2a6f97")):
    found = []
    for nats in truths:
        rho = np.sqrt(1.0 - np.exp(-2.0 * nats / 3.0))
        x, y = make_gaussian(n, n_features=3, rho=rho, random_state=0)
        mine = MINE(solver="newton", random_state=0).fit(x, y)
        found.append(mine.held_out_bound_)
    ax.plot(truths, found, "o-", color=colour, label=f"held-out bound, {n:,} rows")
    ax.axhline(np.log(n), color=colour, ls=":", label=f"ln {n:,}")
ax.set_xlabel("information of two vectors of three columns (nats)")
ax.set_ylabel("found (nats)")
ax.legend(loc="lower right", frameon=False)
