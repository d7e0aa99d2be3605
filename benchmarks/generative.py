"""Generative models with and without the information term.

    python benchmarks/generative.py plane      # spiral and 25 Gaussians, 3 seeds
    python benchmarks/generative.py stacked    # three digits as three channels
    python benchmarks/generative.py inference  # MINEALI on 25 Gaussians
    python benchmarks/generative.py digits     # and on MNIST
    python benchmarks/generative.py faces --faces FOLDER     # MINEALI on your images
    python benchmarks/generative.py table      # what is done so far, and pictures

Runs keep checkpoints and go on from them; each finished run is one line of a file in
benchmarks/results, and is not repeated. Images of digits come from the folder
SKLEARN_MINE_MNIST (the four idx files, gzipped), else from OpenML; those who judge them
are told by a classifier that is trained here first. The weights judged are those after
the last pass, also where `fit` would keep those of before a collapse.

25 Gaussians: centres -4, -2, 0, 2, 4 in both directions, standard deviation 0.05. A
sample is good within 3 standard deviations of a centre, a mode counts with at least 20
good ones of 2,500; KL is that of the histogram of good samples over modes from the even
one. The spiral is cut into 25 stretches, which count in the same way. Stacked digits:
26,000 samples, 1,000 modes; one sample covers a mode.
"""

import argparse
import itertools
from pathlib import Path

import joblib
import numpy as np
import torch
from _common import (
    RESULTS,
    in_passes,
    is_done,
    mnist,
    read_csv,
    run_parts,
    write_csv,
)
from skorch import NeuralNetClassifier
from skorch.callbacks import LRScheduler

from sklearn_mine.datasets import load_image_folder
from sklearn_mine.generative import MINEALI, MINEGAN

SPREAD = 0.05
CENTRES = np.stack(np.meshgrid(*[np.arange(-4.0, 5.0, 2.0)] * 2), axis=-1)
CENTRES = CENTRES.reshape(-1, 2)
N_SAMPLES, ENOUGH = 2500, 20
# The spiral: points along it, and its 25 stretches.
ANGLE = 3.0 * np.pi * np.sqrt(np.linspace(0.05, 1.0, 2500))
CURVE = (ANGLE * np.array([np.cos(ANGLE), np.sin(ANGLE)])).T * (4.0 / (3.0 * np.pi))


def gaussians(n, rng):
    """Points of 25 Gaussians on a grid."""
    return CENTRES[rng.integers(0, 25, n)] + SPREAD * rng.normal(size=(n, 2))


def spiral(n, rng):
    """Points of a spiral of one and a half turns."""
    return CURVE[rng.integers(0, len(CURVE), n)] + SPREAD * rng.normal(size=(n, 2))


def judged(samples, places, mode_of_place):
    """Modes covered, share of good samples, KL of the histogram from the even one."""
    distances = np.linalg.norm(samples[:, None] - places, axis=2)
    good = distances.min(axis=1) < 3.0 * SPREAD
    modes = mode_of_place[distances.argmin(axis=1)[good]]
    counts = np.bincount(modes, minlength=25)
    return int((counts >= ENOUGH).sum()), float(good.mean()), divergence(counts)


def divergence(counts):
    """Of a histogram, from the even one, in nats."""
    shares = counts[counts > 0] / max(1, counts.sum())
    return float((shares * np.log(shares * len(counts))).sum())


PLANE = {
    "25 Gaussians": (gaussians, CENTRES, np.arange(25)),
    "spiral": (spiral, CURVE, np.arange(len(CURVE)) // 100),
}


def run(file, key, args, make, X, *, passes, judge, at_pass=None, every=10):
    """One line of a file of results, unless it is there."""
    key = {name: str(value) for name, value in key.items()}
    if is_done(file, key):
        return
    checkpoint = args.checkpoints / f"{_stem(file, key)}.joblib"
    model, seconds, seen = in_passes(
        make,
        lambda model: model.partial_fit(X),
        passes,
        checkpoint,
        every=every,
        at_pass=at_pass and (lambda model, n: at_pass(with_last_weights(model), n)),
    )
    row = key | judge(with_last_weights(model)) | {"minutes": f"{seconds / 60.0:.1f}"}
    print(row, flush=True)
    write_csv(file, [*read_csv(file), row])
    if seen:
        np.savez_compressed(checkpoint.with_suffix(".npz"), **dict(seen))
    checkpoint.unlink(missing_ok=True)


def with_last_weights(model):
    """As it is after the last pass, where a fit would return to before a collapse."""
    model._use(model._keeper.average_)
    return model


def _stem(file, key):
    return "-".join([Path(file).stem, *key.values()]).replace(" ", "_")


def kept(file, args):
    """Each finished run of a file whose samples were kept, and those by name."""
    for row in read_csv(file):
        key = dict(itertools.takewhile(lambda item: item[0] != "passes", row.items()))
        key["passes"] = row["passes"]
        samples = args.checkpoints / f"{_stem(file, key)}.npz"
        if samples.exists():
            yield row, dict(np.load(samples))


def plane(args):
    """Points in the plane, without and with the term."""
    passes = args.passes or 160
    for data, (draw, places, modes) in PLANE.items():
        for seed in args.seeds:
            X = draw(20_000, np.random.default_rng(seed))
            for beta in args.betas or (0.0, 0.3):

                def make(beta=beta, seed=seed):
                    return MINEGAN(
                        beta=beta,
                        learning_rate_decay=0.03 ** (1.0 / passes),
                        device=args.device,
                        random_state=seed,
                    )

                def judge(model, places=places, modes=modes, seed=seed):
                    made = model.sample(N_SAMPLES, random_state=seed)
                    covered, good, kl = judged(made, places, modes)
                    return {"modes": covered, "good": f"{good:.3f}", "kl": f"{kl:.3f}"}

                def at_pass(model, n_done):
                    if n_done not in {1, passes // 16, passes // 4, passes}:
                        return []
                    return [(str(n_done), model.sample(N_SAMPLES, random_state=0))]

                run(
                    "generative_plane.csv",
                    {"data": data, "beta": beta, "seed": seed, "passes": passes},
                    args,
                    make,
                    X,
                    passes=passes,
                    judge=judge,
                    at_pass=at_pass,
                    every=50,
                )


class Digits(torch.nn.Module):
    """A small convolutional network of digits, (B, 1, 28, 28) from 0 to 1."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, 32, 3, padding=1),
            torch.nn.BatchNorm2d(32),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Conv2d(32, 64, 3, padding=1),
            torch.nn.BatchNorm2d(64),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Flatten(),
            torch.nn.Dropout(0.3),
            torch.nn.Linear(64 * 7 * 7, 128),
            torch.nn.ReLU(),
            torch.nn.Linear(128, 10),
        )

    def forward(self, x):
        return self.layers(x)


def classifier(args):
    """Trained on the 60,000 digits, once; refused below 99 % on the others."""
    file = args.checkpoints / "digits.joblib"
    if file.exists():
        return joblib.load(file)
    torch.manual_seed(0)
    X, y = mnist()
    X = X.reshape(-1, 1, 28, 28).astype(np.float32) / 255.0
    net = NeuralNetClassifier(
        Digits,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        max_epochs=6,
        batch_size=250,
        callbacks=[
            LRScheduler(
                torch.optim.lr_scheduler.OneCycleLR,
                max_lr=3e-3,
                total_steps=6 * 240,
                step_every="batch",
            )
        ],
        iterator_train__shuffle=True,
        train_split=None,
        device=args.device,
    ).fit(X[:60_000], y[:60_000])
    accuracy = float((net.predict(X[60_000:]) == y[60_000:]).mean())
    print(f"classifier of digits: {100.0 * accuracy:.2f} % of test images", flush=True)
    if accuracy < 0.99:
        raise SystemExit("the classifier tells fewer than 99 % of test images")
    file.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(net, file)
    return net


def stacked_digits(n, rng):
    """Three digits as three channels."""
    X, _ = mnist()
    return X[rng.integers(0, 60_000, size=(n, 3))].reshape(n, 3, 28, 28)


def stacked(args):
    """1,000 modes, without and with the term."""
    digits, passes = classifier(args), args.passes or 16
    for seed in args.seeds[:1]:
        X = stacked_digits(60_000, np.random.default_rng(seed))
        for beta in args.betas or (0.0, 0.1):

            def make(beta=beta, seed=seed):
                return MINEGAN(
                    n_latent=64,
                    n_codes=16,
                    beta=beta,
                    batch_size=64,
                    learning_rate_init=1e-3,
                    learning_rate_decay=0.03 ** (1.0 / passes),
                    device=args.device,
                    random_state=seed,
                )

            def judge(model, n_samples=26_000):
                counts = np.zeros(1000, dtype=int)
                for start in range(0, n_samples, 1000):
                    made = model.sample(1000, random_state=start)
                    told = digits.predict(made.reshape(-1, 1, 28, 28) / np.float32(255))
                    mode = told.reshape(-1, 3) @ [100, 10, 1]
                    counts += np.bincount(mode, minlength=1000)
                covered = int((counts > 0).sum())
                return {"modes": covered, "kl": f"{divergence(counts):.3f}"}

            def at_pass(model, n_done):
                if n_done % 5 == 0:
                    print(n_done, model.history_[-1], judge(model, 5000), flush=True)
                made = model.sample(64, random_state=0)
                return [(str(n_done), made)] if n_done == passes else []

            run(
                "generative_stacked.csv",
                {"beta": beta, "seed": seed, "passes": passes},
                args,
                make,
                X,
                passes=passes,
                judge=judge,
                at_pass=at_pass,
                every=1,
            )


def similarity(rows, others):
    """MS-SSIM of images (n, C, H, W) from 0 to 1; 2 scales where they are small."""
    from torchmetrics.image import MultiScaleStructuralSimilarityIndexMeasure

    betas = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
    small = min(rows.shape[2:])
    betas = betas[: max(k for k in range(1, 6) if small > 10 * 2 ** (k - 1))]
    measure = MultiScaleStructuralSimilarityIndexMeasure(
        data_range=1.0, betas=tuple(betas / betas.sum())
    )
    for part in np.array_split(np.arange(len(rows)), max(1, len(rows) // 500)):
        measure.update(torch.from_numpy(others[part]), torch.from_numpy(rows[part]))
    return float(measure.compute())


# name: (beta, price of reconstruction)
INFERENCE = {"ALI": (0.0, 0.0), "ALICE, l2": (0.0, 1.0), "MINE": (1.0, 0.0)}


def inferring(name, passes, args, **settings):
    """One of those models, untrained."""
    beta, reconstruction = INFERENCE[name]
    return MINEALI(
        beta=beta,
        reconstruction=reconstruction,
        learning_rate_decay=0.03 ** (1.0 / passes),
        device=args.device,
        random_state=0,
        **settings,
    )


def inference(args):
    """25 Gaussians: ALI, ALICE and the information term."""
    passes = args.passes or 80
    X = gaussians(20_000, np.random.default_rng(0))
    fresh = gaussians(2500, np.random.default_rng(1))

    def judge(model):
        made = model.sample(N_SAMPLES, random_state=0)
        covered, good, kl = judged(made, CENTRES, np.arange(25))
        away = np.square(model.reconstruct(fresh) - fresh).sum(axis=1).mean()
        measured = {"modes": covered, "good": f"{good:.3f}", "kl": f"{kl:.3f}"}
        return measured | {"error": f"{away:.3f}"}

    for name in args.models:
        run(
            "generative_inference_plane.csv",
            {"model": name, "passes": passes},
            args,
            lambda name=name: inferring(name, passes, args, n_latent=2),
            X,
            passes=passes,
            judge=judge,
            every=50,
        )


def digits_inference(args):
    """MNIST: reconstructions of the 10,000 test images."""
    X, y = mnist()
    images_inference("MNIST", X.reshape(-1, 1, 28, 28), y, 60_000, args)


def faces(args):
    """The same on a folder of images, without labels."""
    if args.faces is None:
        print("not run: name a folder of images with --faces")
        return
    X = load_image_folder(args.faces, size=64, crop=args.crop, verbose=1)
    images_inference("faces", X, None, int(0.9 * len(X)), args)


def images_inference(data, X, y, n_train, args):
    """Errors, accuracy and MS-SSIM of reconstructions of images held out."""
    passes = args.passes or 8
    digits = None if y is None else classifier(args)
    held_out = X[n_train:]

    def judge(model):
        shown, again = (
            rows.astype(np.float32) / 255.0
            for rows in (held_out, model.reconstruct(held_out))
        )
        away = np.square(again - shown).sum(axis=(1, 2, 3)).mean()
        measured = {"error": f"{away:.2f}", "accuracy %": ""}
        if digits is not None:
            right = (digits.predict(again) == y[n_train:]).mean()
            measured["accuracy %"] = f"{100.0 * right:.2f}"
        return measured | {"ms-ssim": f"{similarity(shown, again):.3f}"}

    def at_pass(model, n_done):
        if n_done < passes:
            return []
        rows = held_out[:16]
        return [("rows", rows), ("again", model.reconstruct(rows))]

    for name in args.models:
        run(
            "generative_inference.csv",
            {"data": data, "model": name, "passes": passes},
            args,
            lambda name=name: inferring(
                name, passes, args, n_channels=16, batch_size=128
            ),
            X[:n_train],
            passes=passes,
            judge=judge,
            at_pass=at_pass,
            every=1,
        )


def table(args):
    """What is done, and pictures of what was kept."""
    for file in sorted(RESULTS.glob("generative_*.csv")):
        print(f"\n{file.stem}")
        for row in read_csv(file.name):
            print("  ".join(f"{name} {value}" for name, value in row.items()))
    pictures(args)


def pictures(args):
    """Samples over passes, stacked digits, rows and their reconstructions."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    def save(name):
        plt.savefig(RESULTS / name, dpi=110)
        plt.close()

    runs = [run for run in kept("generative_plane.csv", args) if run[0]["seed"] == "0"]
    if runs:
        n_columns = max(len(samples) for _, samples in runs)
        _, axes = plt.subplots(
            len(runs),
            n_columns,
            figsize=(2.2 * n_columns, 2.3 * len(runs)),
            layout="constrained",
            squeeze=False,
        )
        for line, (row, samples) in zip(axes, runs, strict=True):
            line[0].set_ylabel(f"{row['data']}, beta {row['beta']}")
            for ax, (n_done, made) in zip(line, samples.items(), strict=False):
                ax.plot(*made.T, ".", markersize=1.5, alpha=0.5)
                ax.set(xlim=(-5.0, 5.0), ylim=(-5.0, 5.0), xticks=[], yticks=[])
                ax.set_title(f"pass {n_done}", fontsize=9)
        save("generative_plane.png")
    runs = list(kept("generative_stacked.csv", args))
    if runs:
        _, axes = plt.subplots(
            1, len(runs), figsize=(4.2 * len(runs), 4.4), layout="constrained"
        )
        for ax, (row, samples) in zip(np.atleast_1d(axes), runs, strict=True):
            ax.imshow(_tiled(next(iter(samples.values())), 8))
            ax.set_title(f"beta {row['beta']}: {row['modes']} modes, KL {row['kl']}")
            ax.axis("off")
        save("generative_stacked.png")
    for data in ("MNIST", "faces"):
        runs = [
            run
            for run in kept("generative_inference.csv", args)
            if run[0]["data"] == data
        ]
        if not runs:
            continue
        lines = {"held-out images": runs[0][1]["rows"]}
        lines |= {row["model"]: samples["again"] for row, samples in runs}
        _, axes = plt.subplots(
            len(lines), 1, figsize=(8.0, 0.8 * len(lines)), layout="constrained"
        )
        for ax, (name, images) in zip(axes, lines.items(), strict=True):
            ax.imshow(_tiled(images, len(images)), cmap="gray")
            ax.set_title(name, fontsize=8)
            ax.axis("off")
        save(f"generative_inference_{data}.png")


def _tiled(images, n_columns):
    """Images (n, C, H, W) side by side, for imshow."""
    n, _, height, width = images.shape
    tiles = images.reshape(n // n_columns, n_columns, -1, height, width)
    tiles = tiles.transpose(0, 3, 1, 4, 2)
    return tiles.reshape(n // n_columns * height, n_columns * width, -1)


PARTS = {
    "plane": plane,
    "stacked": stacked,
    "inference": inference,
    "digits": digits_inference,
    "faces": faces,
    "table": table,
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument(
        "--betas", nargs="*", type=float, help="default: 0, and 0.3 or 0.1"
    )
    parser.add_argument("--models", nargs="*", default=list(INFERENCE))
    parser.add_argument("--passes", type=int, help="other than each part's own")
    parser.add_argument("--faces", help="a folder of images")
    parser.add_argument("--crop", type=int, help="pixels kept of each, CelebA: 108")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--checkpoints", type=Path, default=Path("benchmarks/checkpoints")
    )
    run_parts(parser, PARTS)


if __name__ == "__main__":
    main()
