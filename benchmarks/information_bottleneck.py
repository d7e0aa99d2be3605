"""The information bottleneck on permutation-invariant MNIST: 60,000 and 10,000 images.

    python benchmarks/information_bottleneck.py train            # all models, for days
    python benchmarks/information_bottleneck.py train --models "MINE, additive"
    python benchmarks/information_bottleneck.py train --device cuda --jobs 8
    python benchmarks/information_bottleneck.py sweep            # over beta
    python benchmarks/information_bottleneck.py table            # what is done so far
    python benchmarks/information_bottleneck.py price            # small, minutes

`sweep` also measures I(X; Z) and I(Z; y) of 1,000 test images at some passes, and
`table` draws them, and the error against beta, from what is done. `price` shows what
beta does to codes of three columns: what the critic sees, what is there, accuracy.

The images come from the folder SKLEARN_MINE_MNIST (the four idx files, gzipped), else
from OpenML. All models have the same encoder, budget and step sizes; the averaged
weights after the last pass are judged, whatever they are. A run keeps a checkpoint
every few passes and goes on from it; each finished run is one line of
benchmarks/results/information_bottleneck.csv, and is not repeated. `--jobs` is how many
runs go on at the same time, for a device that one does not fill. `--validate` holds
out the last 10,000 training images and judges those, which is how settings were chosen.
"""

import argparse
import ast
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

from sklearn_mine.information_bottleneck import InformationBottleneckClassifier
from sklearn_mine.nn import GaussianNoise
from sklearn_mine.nn.bottleneck import BottleneckLoss, build, stream
from sklearn_mine.nn.networks import dense_layers

FINISHED = "information_bottleneck.csv"
PLANES = "information_bottleneck_planes.csv"
# The paper's encoder and critic.
ENCODER, N_COMPONENTS, CRITIC = (1024, 1024), 256, (512, 512)
# Of additive noise, in units of the pixels' spread; and how often it is drawn where 12
# draws leave too much of it in predictions. Both chosen on validation rows: their error
# is 1.13 % with 12 draws, 1.09 with 24 and with 50 (seed 0, 30 passes).
NOISE, N_DRAWS = 1.0, 48
EVERY = 5


def images():
    """Images (70000, 784) from 0 to 1, float32, and digits; the last 10,000 test."""
    X, y = mnist()
    return X.astype(np.float32) / 255.0, y


class Smoothed(BottleneckLoss):
    """Cross-entropy with a tenth of each label spread over all."""

    def cross_entropy(self, scores, y):
        return torch.nn.functional.cross_entropy(scores, y, label_smoothing=0.1)


class Confident(BottleneckLoss):
    """Cross-entropy less a tenth of the predictions' entropy (Pereyra et al., 2017)."""

    def cross_entropy(self, scores, y):
        logs = torch.log_softmax(scores, dim=1)
        entropy = -(logs.exp() * logs).sum(dim=1).mean()
        return super().cross_entropy(scores, y) - 0.1 * entropy


class WithLoss(InformationBottleneckClassifier):
    """A classifier with a loss of another kind."""

    loss = BottleneckLoss

    def _loss(self):
        return self.loss(self.beta)


class LabelSmoothing(WithLoss):
    loss = Smoothed


class ConfidencePenalty(WithLoss):
    loss = Confident


def with_dropout(seed):
    """The encoder of all models, with a fifth of inputs and half of units dropped."""

    def make():
        layers = [torch.nn.Dropout(0.2)]
        for layer in dense_layers(784, ENCODER, N_COMPONENTS, torch.nn.ReLU, True):
            layers.append(layer)
            if isinstance(layer, torch.nn.ReLU):
                layers.append(torch.nn.Dropout(0.5))
        return torch.nn.Sequential(*layers)

    return build(make, seed)


class NoisyPixels(torch.nn.Module):
    """Noise on pixels while training, none on what stands beside them."""

    def __init__(self, seed):
        super().__init__()
        self.noise = GaussianNoise(NOISE, stream(seed, "pixels"))

    def forward(self, x):
        return torch.cat([self.noise(x[:, :784]), x[:, 784:]], dim=1)


def with_noise(n_in=784, n_out=N_COMPONENTS):
    """The encoder of all models, with noise on its inputs while training."""

    def make_for(seed):
        def make():
            layers = dense_layers(n_in, ENCODER, n_out, torch.nn.ReLU, True)
            return torch.nn.Sequential(NoisyPixels(seed), *layers)

        return build(make, seed)

    return make_for


PLAIN = {"noise": None, "beta": 0.0}
# name: (class, parameters, error of the paper in %, how many seeds)
MODELS = {
    "plain network": (InformationBottleneckClassifier, PLAIN, 1.38, 3),
    "dropout": (
        InformationBottleneckClassifier,
        PLAIN | {"encoder": with_dropout},
        1.34,
        1,
    ),
    "label smoothing": (LabelSmoothing, PLAIN, 1.40, 1),
    "confidence penalty": (ConfidencePenalty, PLAIN, 1.36, 1),
    "variational": (
        InformationBottleneckClassifier,
        {"noise": "gaussian", "penalty": "variational"},
        1.13,
        3,
    ),
    "MINE, gaussian": (
        InformationBottleneckClassifier,
        {"noise": "gaussian"},
        1.11,
        1,
    ),
    "MINE, propagated": (
        InformationBottleneckClassifier,
        {"noise": "propagated"},
        1.10,
        1,
    ),
    "MINE, additive": (
        InformationBottleneckClassifier,
        {"noise": "additive", "noise_scale": NOISE},
        1.01,
        3,
    ),
    "MINE, additive, more draws": (
        InformationBottleneckClassifier,
        {"noise": "additive", "noise_scale": NOISE, "n_samples_predict": N_DRAWS},
        1.01,
        3,
    ),
    "plain, noisy inputs": (
        InformationBottleneckClassifier,
        PLAIN | {"encoder": with_noise()},
        np.nan,
        1,
    ),
    "variational, noisy inputs": (
        InformationBottleneckClassifier,
        {
            "noise": "gaussian",
            "penalty": "variational",
            "encoder": with_noise(n_out=2 * N_COMPONENTS),
        },
        1.13,
        3,
    ),
    "MINE, gaussian, noisy inputs": (
        InformationBottleneckClassifier,
        {"noise": "gaussian", "encoder": with_noise(n_out=2 * N_COMPONENTS)},
        1.11,
        1,
    ),
    "MINE, propagated, noisy inputs": (
        InformationBottleneckClassifier,
        {"noise": "propagated", "encoder": with_noise(n_in=784 + N_COMPONENTS)},
        1.10,
        1,
    ),
}
BETAS = [0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]


def make(name, seed, args, **changes):
    kind, parameters, *_ = MODELS[name]
    parameters = {
        "n_components": N_COMPONENTS,
        "hidden_layer_sizes": ENCODER,
        "critic_hidden_layer_sizes": CRITIC,
        "batch_size": 256,
        "max_iter": args.passes,
        "learning_rate_init": 2e-3,
        "learning_rate_decay": 0.03 ** (1.0 / args.passes),
        "alpha": 1e-4,
        "max_samples": 0,
        "device": args.device,
        "random_state": seed,
        **parameters,
        **changes,
    }
    if "encoder" in parameters:
        parameters["encoder"] = parameters["encoder"](seed)
    return kind(**parameters)


def trained(name, seed, args, at_pass, changes):
    """A model after all passes, from its last checkpoint on.

    Also its seconds, what `at_pass` gave, and the file of the checkpoint.
    """
    X, y = images()
    n_train = 50_000 if args.validate else 60_000
    label = "-".join(f"{key}-{value}" for key, value in sorted(changes.items()))
    stem = f"{name}-{seed}-{args.passes}-{n_train}-{args.device}-{label}"
    file = args.checkpoints / f"{stem.replace(' ', '_')}.joblib"
    found = in_passes(
        lambda: make(name, seed, args, **changes),
        lambda model: model.partial_fit(
            X[:n_train], y[:n_train], classes=np.arange(10)
        ),
        args.passes,
        file,
        every=EVERY,
        at_pass=at_pass,
    )
    return *found, file


def error(model, X, y):
    return 100.0 * float((model.predict(X) != y).mean())


def tested(name, args):
    """Finished runs of a model in this budget, judged on test images."""
    wanted = {
        "model": name,
        "judged on": "test",
        "passes": str(args.passes),
        "changes": args.set,
    }
    return [row for row in read_csv(FINISHED) if wanted.items() <= row.items()]


def measure_plane(model, n_done):
    """I(X; Z) and I(Z; y) of test images, early, midway and at the end."""
    if n_done not in {1, 2, 5, model.max_iter // 2, model.max_iter}:
        return []
    X, y = images()
    rows = slice(60_000, 61_000)
    plane = model.information_plane(X[rows], y[rows])
    row = {"beta": model.beta, "passes": model.max_iter, "device": model.device}
    row |= {"pass": n_done}
    row |= {"input": f"{plane.input:.3f}", "target": f"{plane.target:.3f}"}
    print(row, flush=True)
    return [row]


def run(name, seed, args, at_pass=None, **changes):
    """What `trained` found, as lines of the results; nothing if they are there."""
    changes = dict(eval_pairs(args.set)) | changes
    settings = {
        "model": name,
        "seed": str(seed),
        "beta": str(changes.get("beta", MODELS[name][1].get("beta", 1e-3))),
        "passes": str(args.passes),
        "judged on": "validation" if args.validate else "test",
        "changes": args.set,
        "device": args.device,
    }
    if is_done(FINISHED, settings):
        return [], [], None
    model, seconds, seen, checkpoint = trained(name, seed, args, at_pass, changes)
    X, y = images()
    rows = slice(50_000, 60_000) if args.validate else slice(60_000, 70_000)
    wrong = error(model, X[rows], y[rows])
    row = settings | {"error": f"{wrong:.2f}", "minutes": f"{seconds / 60.0:.1f}"}
    print(row, flush=True)
    return [row], seen, checkpoint


def run_all(runs, args):
    """Several runs, each written as it ends."""
    calls = (joblib.delayed(run)(*each, **changes) for each, changes in runs)
    jobs = joblib.Parallel(n_jobs=args.jobs, return_as="generator_unordered")
    for rows, planes, checkpoint in jobs(calls):
        if rows:
            write_csv(FINISHED, [*read_csv(FINISHED), *rows])
        if planes:
            write_csv(PLANES, [*read_csv(PLANES), *planes])
        if checkpoint is not None:
            checkpoint.unlink(missing_ok=True)


def eval_pairs(text):
    """Parameters from "name=value,name=value"."""
    for pair in filter(None, text.split(",")):
        key, value = pair.split("=")
        yield key, ast.literal_eval(value)


def train(args):
    runs = [
        ((name, seed, args), {})
        for seed in range(3)
        for name in args.models or MODELS
        if seed < MODELS[name][3] and seed in args.seeds
    ]
    run_all(runs, args)


def sweep(args):
    each = "MINE, additive", 0, args, measure_plane
    run_all([(each, {"beta": beta}) for beta in BETAS], args)


def table(args):
    print(f"{'':<32}{'paper':>7}{'mean':>9}   errors in %, of each seed")
    for name, (_, parameters, paper, _) in MODELS.items():
        errors, beta = {}, str(parameters.get("beta", 1e-3))
        for row in sorted(tested(name, args), key=lambda row: row["seed"]):
            if row["beta"] == beta:
                errors.setdefault(row["device"], []).append(float(row["error"]))
        every = [error for some in errors.values() for error in some]
        mean = f"{np.mean(every):.3f}" if every else "not run"
        print(f"{name:<32}{paper:7.2f}{mean:>9}   {errors or ''}")
    draw(args)


def draw(args):
    """Pictures of the sweep, as far as it is done."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from sklearn_mine.plotting import InformationPlaneDisplay

    errors = {
        float(row["beta"]): float(row["error"])
        for row in tested("MINE, additive", args)
        if row["seed"] == "0"
    }
    planes = [row for row in read_csv(PLANES) if row["passes"] == str(args.passes)]
    if len(errors) < 2 or not planes:
        return
    _, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for i, beta in enumerate(sorted({float(row["beta"]) for row in planes})):
        some = [row for row in planes if float(row["beta"]) == beta]
        of_input, of_target = (
            [float(row[name]) for row in some] for name in ("input", "target")
        )
        InformationPlaneDisplay(
            of_input, of_target, entropy=np.log(10.0) if i == 0 else None
        ).plot(left, label=f"beta {beta:g}", color=f"C{i}", markersize=3)
        left.plot(of_input[-1], of_target[-1], "o", color=f"C{i}", markersize=9)
    left.legend(fontsize=8)
    left.set_title("test images, from the first pass to the last (large)")
    betas = sorted(errors)
    right.plot(range(len(betas)), [errors[beta] for beta in betas], marker="o")
    right.set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
    right.set(xlabel="beta", ylabel="test error in %", title="MINE, additive")
    plt.savefig(RESULTS / "information_bottleneck.png", dpi=120)


def price(args):
    """Codes of 3 normal columns, whose sum's sign is the class, at several prices."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 3))
    y = (X[:, 0] + X[:, 1] > 0).astype(int)
    print(
        f"{'noise, penalty':<24}{'beta':>6}{'charged':>9}{'I(X;Z)':>8}{'accuracy':>10}"
    )
    rows = []
    for noise, penalty in (
        ("additive", "mine"),
        ("gaussian", "mine"),
        ("propagated", "mine"),
        ("gaussian", "variational"),
    ):
        for beta in (0.0, 0.01, 0.1, 0.5):
            model = InformationBottleneckClassifier(
                beta=beta,
                noise=noise,
                penalty=penalty,
                n_components=8,
                hidden_layer_sizes=(32,),
                critic_hidden_layer_sizes=(64, 64),
                max_samples=2000,
                random_state=0,
            ).fit(X[:2000], y[:2000])
            kind = f"{noise}, {penalty}"
            charged = model.history_[-1].get("penalty", np.nan)
            kept, accuracy = model.mutual_info_.input, model.score(X[2000:], y[2000:])
            print(f"{kind:<24}{beta:6g}{charged:9.2f}{kept:8.2f}{accuracy:10.3f}")
            rows.append(
                {
                    "noise": noise,
                    "penalty": penalty,
                    "beta": beta,
                    "charged": f"{charged:.3f}",
                    "measured": f"{kept:.3f}",
                    "accuracy": f"{accuracy:.3f}",
                }
            )
    write_csv("information_bottleneck_price.csv", rows)


PARTS = {"train": train, "sweep": sweep, "table": table, "price": price}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="*", choices=MODELS, metavar="MODEL")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--passes", type=int, default=60)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=1, help="runs at the same time")
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--set", default="", help="name=number,... to try settings")
    parser.add_argument(
        "--checkpoints", type=Path, default=Path("benchmarks/checkpoints")
    )
    run_parts(parser, PARTS)


if __name__ == "__main__":
    # Under its name, which other processes and checkpoints know its classes by.
    import information_bottleneck

    information_bottleneck.main()
