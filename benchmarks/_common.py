"""What the benchmarks share: results, checkpoints, MNIST, the published estimator."""

import csv
import functools
import gzip
import os
import sys
import time
from pathlib import Path

import joblib
import numpy as np

RESULTS = Path(__file__).parent / "results"
PAPER = {"solver": "adam", "start": None, "encoding": "standard"}


def write_csv(name, rows):
    """Write a list of dicts to benchmarks/results."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_csv(name):
    """The lines of a file of benchmarks/results, none where there is no file."""
    file = RESULTS / name
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def is_done(name, key):
    """Whether a file of results has a line with these values."""
    return any(key.items() <= row.items() for row in read_csv(name))


def in_passes(make, one_pass, n_passes, file, *, every, at_pass=None):
    """Train pass by pass, from the last checkpoint on.

    Parameters
    ----------
    make, one_pass : callable
        Give a new estimator, and make a pass of one, which counts them in `n_iter_`.
    n_passes : int
    file : path
        Of the checkpoint.
    every : int
        Passes between checkpoints.
    at_pass : callable, default=None
        Given the estimator and the pass, returns a list of what is worth keeping.

    Returns
    -------
    model, seconds, seen
        Trained; the time of all passes; what `at_pass` returned, joined.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    model, seconds, seen = joblib.load(file) if file.exists() else (make(), 0.0, [])
    for n_done in range(getattr(model, "n_iter_", 0) + 1, n_passes + 1):
        start = time.perf_counter()
        one_pass(model)
        seconds += time.perf_counter() - start
        if at_pass is not None:
            seen += at_pass(model, n_done)
        if n_done % every == 0 or n_done == n_passes:
            joblib.dump((model, seconds, seen), file.with_suffix(".part"))
            file.with_suffix(".part").replace(file)
            print(f"{file.stem}: pass {n_done}, {seconds:.0f} s", flush=True)
    return model, seconds, seen


@functools.cache
def mnist():
    """Images (70000, 784), uint8, and digits; the last 10,000 are for tests.

    From the folder SKLEARN_MINE_MNIST (the four idx files, gzipped), else from OpenML.
    """
    folder = os.environ.get("SKLEARN_MINE_MNIST")
    if not folder:
        from sklearn.datasets import fetch_openml

        X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False)
        return X.astype(np.uint8), y.astype(int)
    parts = []
    for kind, offset in (("images-idx3", 16), ("labels-idx1", 8)):
        each = [
            gzip.open(Path(folder) / f"{part}-{kind}-ubyte.gz").read()
            for part in ("train", "t10k")
        ]
        parts.append(
            np.concatenate([np.frombuffer(x, np.uint8, offset=offset) for x in each])
        )
    return parts[0].reshape(-1, 784), parts[1].astype(int)


def run_parts(parser, parts):
    """Run the parts that the command line names, or all.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        With the options that parts read.
    parts : dict of callables
        By name; each takes the parsed arguments.
    """
    parser.add_argument("parts", nargs="*", help=", ".join(parts))
    args = parser.parse_args()
    unknown = set(args.parts) - set(parts)
    if unknown:
        name = Path(parser.prog).stem
        sys.exit(f"{name}: unknown {sorted(unknown)}; there are {', '.join(parts)}.")
    RESULTS.mkdir(exist_ok=True)
    for name in args.parts or parts:
        print(f"\n{name}")
        parts[name](args)
