"""What so many nats look like, where both columns are Gaussian."""

import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(0)
x, noise = rng.normal(size=(2, 800))
fig, axes = plt.subplots(1, 5, figsize=(9, 2.5), layout="constrained")
for ax, nats in zip(axes, (0.02, 0.1, 0.5, 1.0, 2.0), strict=True):
    rho = np.sqrt(1.0 - np.exp(-2.0 * nats))
    ax.plot(x, rho * x + np.sqrt(1.0 - rho**2) * noise, ".", ms=2, color="#2a6f97")
    ax.set_title(f"{nats} nats\ncorrelation {rho:.2f}", fontsize=9)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_aspect("equal")
