"""Six pairs of columns, their correlation, and their information."""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mine import mine_score

rng = np.random.default_rng(0)
n = 1500
x, noise, angle = rng.normal(size=n), rng.normal(size=n), rng.uniform(0, 2 * np.pi, n)
spread = 0.12 * rng.normal(size=(2, n))
pairs = {
    "a trend": (x, 0.7 * x + 0.5 * noise),
    "a curve": (x, x**2 + 0.5 * noise),
    "a circle": (np.cos(angle) + spread[0], np.sin(angle) + spread[1]),
    "a wave": (x, np.sin(4 * x) + 0.3 * noise),
    "spread alone": (x, np.exp(0.8 * x) * noise),
    "nothing": (x, noise),
}
fig, axes = plt.subplots(2, 3, figsize=(8, 5.4), layout="constrained")
for ax, (name, (a, b)) in zip(axes.flat, pairs.items(), strict=True):
    (nats,), _ = mine_score(a[:, None], b, random_state=0)
    ax.plot(a, b, ".", markersize=2, color="#2a6f97", alpha=0.6)
    ax.set_title(
        f"{name}\ncorrelation {np.corrcoef(a, b)[0, 1] + 0.0:.2f}, "
        f"information {max(nats, 0.0):.2f} nats",
        fontsize=9,
    )
    ax.set_xticks([])
    ax.set_yticks([])
