"""Joint pairs, the same re-paired, and the critic that tells them apart."""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mine import MINE

rng = np.random.default_rng(0)
angle = rng.uniform(0, 2 * np.pi, 1500)
x, y = np.stack([np.cos(angle), np.sin(angle)]) + 0.12 * rng.normal(size=(2, 1500))
mine = MINE(random_state=0).fit(x[:, None], y)

grid = np.linspace(-1.45, 1.45, 90)
across, up = np.meshgrid(grid, grid)
ratio = mine.pointwise_mutual_info(across.reshape(-1, 1), up.ravel())

fig, axes = plt.subplots(1, 3, figsize=(9, 3.3), layout="constrained", sharey=True)
axes[0].plot(x, y, ".", markersize=2, color="#2a6f97")
axes[0].set_title("joint pairs: each row as it is", fontsize=10)
axes[1].plot(x, rng.permutation(y), ".", markersize=2, color="#d98032")
axes[1].set_title("product of marginals: re-paired", fontsize=10)
limit = np.abs(ratio).max()
image = axes[2].pcolormesh(
    across, up, ratio.reshape(across.shape), cmap="RdBu", vmin=-limit, vmax=limit
)
axes[2].set_title("critic: ln p(x, y) / p(x) p(y)", fontsize=10)
fig.colorbar(image, ax=axes[2], label="nats")
for ax in axes:
    ax.set_xlabel("x")
    ax.set_aspect("equal")
axes[0].set_ylabel("y")
