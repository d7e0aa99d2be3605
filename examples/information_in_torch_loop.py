"""
=============================================
Information as a term of one's own torch loop
=============================================

A sensor reads a signal and a nuisance. An encoder is trained to keep the signal: the
information of code and signal is raised, and in the same step that of code and nuisance
is lowered. :class:`~sklearn_mine.nn.MutualInformationLoss` is a torch module like any
other loss. Where it enters with a minus sign, information is raised; where it is added,
it is lowered; its own critic climbs either way, under the same optimiser.

What the loss returns serves training. At the end :class:`~sklearn_mine.MINE` measures
the code on new rows, and the figure shows it beside what it should keep and what it
should drop. (The code is noisy. A code without noise hides from the critic what it
should drop, and still holds it.)
"""

import matplotlib.pyplot as plt
import torch

from sklearn_mine import MINE
from sklearn_mine.nn import MutualInformationLoss

torch.manual_seed(0)
mix = torch.randn(2, 8)


def batch(n=256):
    signal, nuisance = torch.randn(2, n, 1)
    x = torch.cat([signal, nuisance], dim=1) @ mix + 0.1 * torch.randn(n, 8)
    return x, signal, nuisance


# %%
# Train
# -----
encoder = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ELU())
encoder.append(torch.nn.Linear(32, 1)).append(torch.nn.Tanh())
kept, dropped = MutualInformationLoss(), MutualInformationLoss()
modules = torch.nn.ModuleList([encoder, kept, dropped])
optimizer = torch.optim.Adam(modules.parameters(), lr=2e-3)
for _ in range(600):
    x, signal, nuisance = batch()
    z = encoder(x) + 0.1 * torch.randn(len(x), 1)
    loss = dropped(z, nuisance) - kept(z, signal)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# %%
# Measure
# -------
with torch.no_grad():
    x, signal, nuisance = batch(2000)
    z = encoder(x) + 0.1 * torch.randn(len(x), 1)
fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="constrained")
axes[0].set_ylabel("code")
others = {"signal": signal, "nuisance": nuisance}
for ax, (name, other) in zip(axes, others.items(), strict=True):
    found = MINE(random_state=0).fit(z, other)
    print(f"I(code; {name}) = {found.mutual_info_:.2f} +- {found.std_error_:.2f} nats")
    ax.plot(other, z, ".", markersize=3)
    ax.set_xlabel(name)
