"""
===============================
Information as a term in skorch
===============================

A classifier whose hidden code is kept from telling a protected column. skorch runs the
loop; the module returns the term beside its scores, and the loss adds the two up. The
critic inside :class:`~sklearn_mine.nn.MutualInformationLoss` climbs while the encoder
descends, under the one optimiser that skorch makes.

The class depends on the protected column, so that a code without it must cost accuracy.
Both are measured on rows that were not trained on.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from skorch import NeuralNetClassifier

from sklearn_mine import MINE
from sklearn_mine.nn import MutualInformationLoss

rng = np.random.default_rng(0)
X = rng.normal(size=(6000, 5)).astype(np.float32)
y = (X[:, 0] + X[:, 1] > 0.0).astype(np.int64)
X, X_new, y, y_new = X[:4000], X[4000:], y[:4000], y[4000:]


class Fair(torch.nn.Module):
    def __init__(self, price=1.0):
        super().__init__()
        self.encoder = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh())
        self.decoder = torch.nn.Linear(4, 2)
        self.information, self.price = MutualInformationLoss(), price

    def codes(self, X):
        return self.encoder(X) + 0.2 * torch.randn(len(X), 4)

    def forward(self, X):
        code = self.codes(X)
        return self.decoder(code), self.price * self.information(code, X[:, :1])


class Loss(torch.nn.CrossEntropyLoss):
    def forward(self, outcome, y):
        scores, penalty = outcome
        return super().forward(scores, y) + penalty


fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="constrained")
axes[0].set_ylabel("predicted probability of the class")
for ax, price in zip(axes, (0.0, 2.0), strict=True):
    torch.manual_seed(0)
    how = {"criterion": Loss, "optimizer": torch.optim.Adam, "lr": 2e-3, "verbose": 0}
    net = NeuralNetClassifier(Fair, module__price=price, max_epochs=20, **how).fit(X, y)
    code = net.module_.codes(torch.from_numpy(X_new)).detach()
    mine = MINE(solver="newton", random_state=0).fit(code, X_new[:, :1])
    accuracy, told = (net.predict(X_new) == y_new).mean(), mine.mutual_info_
    print(f"price {price}: accuracy {accuracy:.2f}, I(code; protected) {told:.2f} nats")
    ax.plot(X_new[:, 0], net.predict_proba(X_new)[:, 1], ".", markersize=3)
    ax.set(xlabel="protected column", title=f"price {price}: {told:.2f} nats")
