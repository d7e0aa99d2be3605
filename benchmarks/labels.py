"""Columns of very many labels, whose mutual information is known.

Labels with themselves (evenly frequent, or with frequencies that fall as 1 / rank);
with a copy in which a share of the rows is drawn anew; labels that name one of few
classes; labels that shift the odds of two; labels that go with five others each; and
independent ones. Prints the truth, `mutual_info_`, its standard error,
`held_out_bound_` and the plain table of counts with Miller and Madow's correction,
means of some draws. Then columns of numbers, which nobody says are labels, with
themselves: the truth is their entropy where they are whole numbers, else infinite.
Results go to benchmarks/results.

    python benchmarks/labels.py
    python benchmarks/labels.py --draws 10
"""

import argparse
import time
import warnings

import numpy as np
from _common import write_csv
from scipy.special import xlogy
from sklearn.metrics import mutual_info_score

from sklearn_mine import MINE


def entropy(shares):
    return -xlogy(shares, shares).sum()


def linked(weights, share):
    """The same label in a share of the rows, else one at random, and the truth."""

    def draw(rng, n):
        x, other = (rng.choice(len(weights), p=weights, size=n) for _ in range(2))
        return x, np.where(rng.random(n) < share, x, other)

    same = share + (1.0 - share) * weights
    other = xlogy(1.0 - share, 1.0 - share) * (1.0 - weights @ weights)
    return draw, weights @ (same * np.log(same / weights)) + other


def classes(n_labels, n_classes):
    """Each label is of one class."""

    def draw(rng, n):
        x = rng.integers(n_labels, size=n)
        return x, x % n_classes

    return draw, entropy(np.bincount(np.arange(n_labels) % n_classes) / n_labels)


def odds(n_labels, share):
    """Half of the labels go with 1 in this share of their rows, the others with 0."""

    def draw(rng, n):
        x = rng.integers(n_labels, size=n)
        return x, (rng.random(n) < np.where(x % 2, share, 1.0 - share)) * 1

    return draw, np.log(2.0) - entropy(np.array([share, 1.0 - share]))


def partners(n_labels, n_partners):
    """Each label goes with so many others, evenly."""
    tables = np.random.default_rng(0).permuted(
        np.tile(np.arange(n_labels), (n_partners, 1)), axis=1
    )

    def draw(rng, n):
        x = rng.integers(n_labels, size=n)
        return x, tables[rng.integers(n_partners, size=n), x]

    joint = np.zeros((n_labels, n_labels))
    for table in tables:
        np.add.at(joint, (np.arange(n_labels), table), 1.0 / n_labels / n_partners)
    return draw, entropy(joint.sum(axis=0)) + np.log(n_labels) - entropy(joint)


def cases():
    even = {n: np.full(n, 1.0 / n) for n in (300, 1000, 4096)}
    zipf = 1.0 / np.arange(1, 2001)
    zipf /= zipf.sum()
    same = linked(even[4096], 1.0)
    return [
        ("12 fair bits with themselves", 5_000, *same),
        ("12 fair bits with themselves", 10_000, *same),
        ("12 fair bits with themselves", 20_000, *same),
        ("12 fair bits with themselves", 50_000, *same),
        ("the same, 30 % drawn anew", 20_000, *linked(even[4096], 0.7)),
        ("the same, 30 % drawn anew", 50_000, *linked(even[4096], 0.7)),
        ("1,000 labels, 30 % drawn anew", 5_000, *linked(even[1000], 0.7)),
        ("1,000 labels, 30 % drawn anew", 20_000, *linked(even[1000], 0.7)),
        ("1,000 labels, 70 % drawn anew", 20_000, *linked(even[1000], 0.3)),
        ("2,000 of Zipf with themselves", 20_000, *linked(zipf, 1.0)),
        ("2,000 of Zipf, 30 % drawn anew", 20_000, *linked(zipf, 0.7)),
        ("4,096 labels of 16 classes", 20_000, *classes(4096, 16)),
        ("500 labels, odds of 9 to 1", 5_000, *odds(500, 0.9)),
        ("500 labels, odds of 9 to 1", 20_000, *odds(500, 0.9)),
        ("1,000 labels, five partners", 20_000, *partners(1000, 5)),
        ("300 labels, independent", 5_000, *linked(even[300], 0.0)),
    ]


def names(labels):
    return np.array([f"label {i}" for i in labels], dtype=object)


def corrected_table(x, y):
    """Of the plain table of counts, less what its occupied cells show by chance."""
    cells = [len(np.unique(each)) for each in (x, y, x * (y.max() + 1) + y)]
    return mutual_info_score(x, y) - (cells[2] - cells[0] - cells[1] + 1) / 2 / len(x)


def fit(x, y, seed):
    """`mutual_info_`, its standard error, the bound and seconds."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine = MINE(random_state=seed).fit(x[:, None], y)
    seconds = time.perf_counter() - start
    return mine.mutual_info_, mine.std_error_, mine.held_out_bound_, seconds


def measure(draw, n, seed):
    x, y = draw(np.random.default_rng(seed), n)
    *figures, seconds = fit(names(x), names(y), seed)
    return *figures, corrected_table(x, y), seconds


def measure_copies(n_values, n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n) if n_values is None else rng.integers(n_values, size=n)
    return fit(x, x, seed)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=3)
    args = parser.parse_args()
    columns = "MINE", "se", "bound", "table", "s"
    header = "".join(f"{each:>8}" for each in ("rows", "truth", *columns))
    print(f"{'labels':<32}{header}")
    rows = []
    for name, n, draw, truth in cases():
        figures = np.mean([measure(draw, n, i) for i in range(args.draws)], axis=0)
        text = "".join(f"{each:8.3f}" for each in (truth, *figures))
        print(f"{name:<32}{n:8}{text}", flush=True)
        found = dict(zip(columns, figures.round(4).tolist(), strict=True))
        rows.append(
            {"labels": name, "rows": n, "truth": round(float(truth), 4)} | found
        )
    write_csv("labels.csv", rows)
    copies(args.draws)


def copies(n_draws):
    columns = "MINE", "se", "bound", "s"
    header = "".join(f"{each:>8}" for each in ("rows", "ln rows", "truth", *columns))
    print(f"\n{'numbers with themselves':<32}{header}")
    rows = []
    for name, n_values in (("continuous", None), ("4,096 whole numbers", 4096)):
        truth = np.inf if n_values is None else np.log(n_values)
        for n in (100, 1000, 5_000, 20_000, 100_000):
            if n < (n_values or 0):
                continue
            draws = [measure_copies(n_values, n, i) for i in range(n_draws)]
            figures = np.mean(draws, axis=0)
            text = "".join(f"{each:8.3f}" for each in (np.log(n), truth, *figures))
            print(f"{name:<32}{n:8}{text}", flush=True)
            found = dict(zip(columns, figures.round(4).tolist(), strict=True))
            rows.append({"numbers": name, "rows": n} | found)
    write_csv("copies.csv", rows)


if __name__ == "__main__":
    main()
