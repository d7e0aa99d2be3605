"""
Information as a term of one's own torch loop
=============================================

A sensor reads a signal and a nuisance. An encoder is trained to keep the signal: first
the information of code and signal is raised, then that of code and nuisance lowered.
"""

import torch

from sklearn_mine import MINE
from sklearn_mine.nn import MutualInformationLoss

torch.manual_seed(0)
mix = torch.randn(2, 8)


def batch(n=256):
    signal, nuisance = torch.randn(2, n, 1)
    x = torch.cat([signal, nuisance], dim=1) @ mix + 0.1 * torch.randn(n, 8)
    return x, signal, nuisance


encoder = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ELU())
encoder.append(torch.nn.Linear(32, 1)).append(torch.nn.Tanh())
kept, dropped = MutualInformationLoss(), MutualInformationLoss()
modules = torch.nn.ModuleList([encoder, kept, dropped])
optimizer = torch.optim.Adam(modules.parameters(), lr=2e-3)
for _ in range(600):
    x, signal, nuisance = batch()
    z = encoder(x) + 0.1 * torch.randn(len(x), 1)
    # Subtracted, information is raised; added, it is lowered. Critics climb anyway.
    loss = dropped(z, nuisance) - kept(z, signal)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

with torch.no_grad():
    x, signal, nuisance = batch(2000)
    z = encoder(x) + 0.1 * torch.randn(len(x), 1)
for name, other in (("signal", signal), ("nuisance", nuisance)):
    found = MINE(random_state=0).fit(z, other)
    print(f"I(code; {name}) = {found.mutual_info_:.2f} +- {found.std_error_:.2f} nats")
