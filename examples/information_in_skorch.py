"""
Information as a term in skorch
===============================

A classifier whose hidden code is kept from telling a protected column: skorch runs the
loop, the module returns the term beside its scores.
"""

import numpy as np
import torch
from skorch import NeuralNetClassifier

from sklearn_mine import MINE
from sklearn_mine.nn import MutualInformationLoss

rng = np.random.default_rng(0)
protected = rng.normal(size=(4000, 1)).astype(np.float32)
X = np.hstack([protected, rng.normal(size=(4000, 4))]).astype(np.float32)
y = (X[:, 0] + X[:, 1] > 0.0).astype(np.int64)


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


for price in (0.0, 2.0):
    torch.manual_seed(0)
    how = {"criterion": Loss, "optimizer": torch.optim.Adam, "lr": 2e-3, "verbose": 0}
    net = NeuralNetClassifier(Fair, module__price=price, max_epochs=40, **how).fit(X, y)
    code = net.module_.codes(torch.from_numpy(X)).detach()
    told = MINE(random_state=0).fit(code, protected).mutual_info_
    accuracy = (net.predict(X) == y).mean()
    print(f"price {price}: accuracy {accuracy:.2f}, I(code; protected) {told:.2f} nats")
