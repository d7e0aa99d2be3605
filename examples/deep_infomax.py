"""
An encoder trained by information alone
=======================================

As in Deep InfoMax (Hjelm et al., 2019): an encoder of MNIST's images sees no labels;
all it is trained for is that its code tells much about the image. A linear classifier
on the code, the probe, then shows what the code keeps, beside one on the code of the
same encoder before training. Images come from the folder SKLEARN_MINE_MNIST (the idx
files, gzipped), else from OpenML. About two minutes on two cores.
"""

import gzip
import os
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mine.nn import Critic, MutualInformationLoss


def mnist(part):
    folder = os.environ.get("SKLEARN_MINE_MNIST")
    if not folder:
        from sklearn.datasets import fetch_openml

        X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False)
        rows = slice(0, 60_000) if part == "train" else slice(60_000, None)
        X, y = X[rows] / 255.0, y[rows].astype(int)
    else:
        images, labels = (
            gzip.open(Path(folder) / f"{part}-{kind}-ubyte.gz").read()
            for kind in ("images-idx3", "labels-idx1")
        )
        X = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 784) / 255.0
        y = np.frombuffer(labels, np.uint8, offset=8).astype(int)
    return torch.tensor(X, dtype=torch.float32).view(-1, 1, 28, 28), y


def accuracy_of_probe(encoder, n_train=10_000):
    codes = []
    with torch.no_grad():
        for images in (train_images[:n_train], test_images):
            codes.append(encoder(images).numpy())
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probe.fit(codes[0], train_labels[:n_train])
    return probe.score(codes[1], test_labels)


train_images, train_labels = mnist("train")
test_images, test_labels = mnist("t10k")
torch.manual_seed(0)
encoder = torch.nn.Sequential(
    torch.nn.Conv2d(1, 16, 4, stride=2, padding=1),
    torch.nn.ELU(),
    torch.nn.Conv2d(16, 32, 4, stride=2, padding=1),
    torch.nn.ELU(),
    torch.nn.Flatten(),
    torch.nn.Linear(32 * 7 * 7, 16),
    torch.nn.Tanh(),
)
before = accuracy_of_probe(encoder)
# The divergence is steadier than the bound where there is much to tell.
information = MutualInformationLoss(Critic((128, 128)), "jensen-shannon")
modules = torch.nn.ModuleList([encoder, information])
optimizer = torch.optim.Adam(modules.parameters(), lr=1e-3)
for n_pass in range(3):
    for rows in torch.randperm(len(train_images)).split(128)[:-1]:
        images = train_images[rows]
        codes = encoder(images)
        codes = codes + 0.3 * torch.randn_like(codes)
        loss = -information(images, codes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"pass {n_pass + 1}: 2 JSD(image; code) = {-loss.item():.2f} nats")
after = accuracy_of_probe(encoder)
print(f"accuracy of a linear probe: random encoder {before:.3f}, trained {after:.3f}")
