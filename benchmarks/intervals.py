"""Whether intervals hold the truth as often as they say, and p-values are valid.

Draws each distribution again and again, fits MINE on its defaults, and counts how
often the 95 % interval holds the known information; then how often p-values of
vectors lie below 0.05, without and with a dependence. Results go to
benchmarks/results.

    python benchmarks/intervals.py
    python benchmarks/intervals.py --draws 50 --rows 1000 --jobs 2
"""

import argparse
import time
import warnings

import numpy as np
import torch
from _common import write_csv
from joblib import Parallel, delayed

from sklearn_mine import MINE
from sklearn_mine.datasets import make_gaussian, make_labels


def dropout(n, random_state):
    """A Gaussian pair whose y is set to 0 in three rows of ten: mixed y."""
    X, y, mi = make_gaussian(n, rho=0.9, random_state=random_state, return_mi=True)
    lost = np.random.default_rng(random_state).uniform(size=n) < 0.3
    return X, np.where(lost, 0.0, y), 0.7 * mi


def gaussian(n, random_state, **params):
    return make_gaussian(n, random_state=random_state, return_mi=True, **params)


def labels(n, random_state):
    return make_labels(n, n_features=1, random_state=random_state, return_mi=True)


CASES = {
    "Gaussian, rho 0.6": lambda n, seed: gaussian(n, seed, rho=0.6),
    "Student-t of 3, rho 0.6": lambda n, seed: gaussian(n, seed, rho=0.6, df=3.0),
    "mixed: Gaussian with dropout": dropout,
    "labels of a continuous x": labels,
    "Gaussian 5 x 5, rho 0.5": lambda n, seed: gaussian(n, seed, rho=0.5, n_features=5),
}


def pair_of_vectors(rho, n, seed):
    """5 columns and 2, of which one pair is correlated."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 5)), rng.normal(size=(n, 2))
    y[:, 0] = rho * x[:, 0] + np.sqrt(1.0 - rho**2) * y[:, 0]
    return x, y


def fit(X, y, seed):
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MINE(random_state=seed).fit(X, y)


def cover(case, n, seed):
    X, y, truth = CASES[case](n, seed)
    mine = fit(X, y, seed)
    low, high = mine.confidence_interval(0.95)
    return truth, mine.mutual_info_, mine.std_error_, low <= truth <= high


def reject(rho, n, seed):
    mine = fit(*pair_of_vectors(rho, n, seed), seed)
    return mine.mutual_info_, mine.p_value_


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="seed of the first draw")
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--cases", default="", help="only cases whose name holds this")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    args = parser.parse_args()
    parallel = Parallel(n_jobs=args.jobs)
    seeds = range(args.first, args.first + args.draws)
    rows = []
    print(
        f"{'':<30}{'rows':>7}{'truth':>8}{'mean':>8}{'error':>8}{'spread':>8}"
        f"{'covered':>9}{'seconds':>9}"
    )
    for case in CASES:
        for n in args.rows:
            if args.cases not in case:
                continue
            start = time.perf_counter()
            drawn = parallel(delayed(cover)(case, n, seed) for seed in seeds)
            seconds = (time.perf_counter() - start) * args.jobs / args.draws
            truth, estimates, errors, held = map(np.array, zip(*drawn, strict=True))
            rows.append(
                {
                    "case": case,
                    "rows": n,
                    "draws": args.draws,
                    "truth": round(float(truth[0]), 4),
                    "mean_estimate": round(float(estimates.mean()), 4),
                    "mean_std_error": round(float(errors.mean()), 4),
                    "spread": round(float(estimates.std()), 4),
                    "covered": float(held.mean()),
                }
            )
            print(
                f"{case:<30}{n:>7}{truth[0]:8.3f}{estimates.mean():8.3f}"
                f"{errors.mean():8.4f}{estimates.std():8.4f}{held.mean():9.1%}"
                f"{seconds:9.1f}",
                flush=True,
            )
    if rows:
        write_csv("intervals.csv", rows)
    if args.cases:
        return
    print(f"\n{'5 x 2 columns, 300 rows':<30}{'p < .05':>10}{'mean':>9}{'highest':>9}")
    rows = []
    for rho in (0.0, 0.3):
        drawn = parallel(delayed(reject)(rho, 300, seed) for seed in seeds)
        estimates, p_values = map(np.array, zip(*drawn, strict=True))
        share = float((p_values < 0.05).mean())
        print(
            f"{f'rho {rho} in one pair':<30}{share:>10.1%}{estimates.mean():>9.4f}"
            f"{estimates.max():>9.4f}"
        )
        rows.append(
            {
                "rho": rho,
                "draws": args.draws,
                "below_0.05": share,
                "mean_estimate": round(float(estimates.mean()), 4),
                "highest_estimate": round(float(estimates.max()), 4),
            }
        )
    write_csv("vector_p_values.csv", rows)


if __name__ == "__main__":
    main()
