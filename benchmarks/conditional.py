"""Conditional information: estimates where it is known, p-values where there is none.

    python benchmarks/conditional.py               # both
    python benchmarks/conditional.py estimates --rows 5000
    python benchmarks/conditional.py p-values --draws 100

Estimates are of MINE.fit(given=) and mine_score(given_features=), on their defaults;
held means within 0.05 nats or 10 % of the truth, whichever is larger. p-values are
those of the test behind both: shares under 0.05 should be 5 % in the upper part of the
table and high in the lower. Tables go to benchmarks/results.
"""

import argparse
import time

import numpy as np
from _common import run_parts, write_csv
from joblib import Parallel, delayed

from sklearn_mine import MINE, mine_score
from sklearn_mine._encoding import TableEncoder
from sklearn_mine._given import ConditionalTest
from sklearn_mine._table import as_given
from sklearn_mine._threads import one_thread

# --- Distributions: (n, rng) -> x, y, z ----------------------------------------------


def chain(n, rng):
    x = rng.normal(size=n)
    z = x + rng.normal(size=n)
    return x, z + rng.normal(size=n), z


def collider(n, rng, noise=0.5):
    x, y = rng.normal(size=(2, n))
    return x, y, x + y + noise * rng.normal(size=n)


def parity(n, rng):
    x, z = rng.normal(size=(2, n))
    return x, np.abs(rng.normal(size=n)) * np.sign(x * z), z


def regime(n, rng, rho=0.9):
    z = rng.integers(2, size=n)
    x = rng.normal(size=n)
    y = rho * (2 * z - 1) * x + np.sqrt(1.0 - rho**2) * rng.normal(size=n)
    return x, y, z


def wave(n, rng):
    z = rng.normal(size=n)
    x = np.sin(3.0 * z) + 0.3 * rng.normal(size=n)
    return x, z**2 + 0.3 * rng.normal(size=n), z


def products(n, rng):
    z = rng.normal(size=(n, 3))
    x = np.sin(2.0 * z[:, 0]) * z[:, 1] + 0.5 * rng.normal(size=n)
    y = z[:, 0] * z[:, 1] + np.cos(2.0 * z[:, 2]) + 0.5 * rng.normal(size=n)
    return x, y, z


def heteroscedastic(n, rng):
    z = rng.normal(size=n)
    x, y = z + np.exp(0.7 * z) * rng.normal(size=(2, n))
    return x, y, z


def four_groups(n, rng):
    z = rng.integers(4, size=n)
    x = z + rng.normal(size=n)
    return x, np.array([0.0, 3.0, 1.0, 2.0])[z] + rng.normal(size=n), z


def classes(n, rng):
    z = rng.normal(size=n)
    y = sum((z + rng.normal(size=n) > cut).astype(int) for cut in (0, 1))
    return z + rng.normal(size=n), y, z


def ten_columns(n, rng):
    z = rng.normal(size=(n, 10))
    x = z.sum(axis=1) / 3.0 + rng.normal(size=n)
    return x, z @ np.arange(10) / 10.0 + rng.normal(size=n), z


def weak(n, rng):
    z = rng.normal(size=(n, 3))
    x = z[:, 0] + rng.normal(size=n)
    return x, z[:, 0] + 0.15 * x + rng.normal(size=n), z


KNOWN = {
    "chain": (chain, 0.0),
    "collider": (collider, 0.510826),
    "parity": (parity, np.log(2.0)),
    "regime": (regime, 0.830366),
}
INDEPENDENT = {
    "chain": chain,
    "wave": wave,
    "heteroscedastic": heteroscedastic,
    "four groups": four_groups,
    "three classes": classes,
    "ten columns": ten_columns,
    "products of three columns": products,
}
DEPENDENT = {
    "collider, noise 2": lambda n, rng: collider(n, rng, 2.0),
    "parity": parity,
    "regime, rho 0.3": lambda n, rng: regime(n, rng, 0.3),
    "weak, three columns": weak,
}
# Rows of p-values.
SIZES = (100, 300, 1000, 3000)


def estimates(args):
    rows = []
    for name, (draw, truth) in KNOWN.items():
        x, y, z = draw(args.rows, np.random.default_rng(0))
        start = time.perf_counter()
        mine = MINE(random_state=0).fit(x[:, None], y, given=z)
        taken = time.perf_counter() - start
        scores, p_values = mine_score(
            np.column_stack([x, z]), y, given_features=[1], random_state=0
        )
        near = max(0.05, 0.1 * truth)
        held = [abs(each - truth) <= near for each in (mine.mutual_info_, scores[0])]
        print(
            f"{name:<10} truth {truth:.4f}   MINE {mine.mutual_info_:.4f} ± "
            f"{mine.std_error_:.4f} ({taken:.0f} s)   mine_score {scores[0]:.4f}   "
            f"p {p_values[0]:.1e}   held {held}",
            flush=True,
        )
        rows.append(
            {
                "distribution": name,
                "truth": round(truth, 4),
                "MINE": round(mine.mutual_info_, 4),
                "std error": round(mine.std_error_, 4),
                "mine_score": round(scores[0], 4),
                "p-value": f"{p_values[0]:.2e}",
                "seconds": round(taken, 1),
            }
        )
    write_csv("conditional_estimates.csv", rows)


def p_value(draw, n, seed):
    x, y, z = (
        TableEncoder().fit_transform(as_given(side))
        for side in draw(n, np.random.default_rng([seed, n]))
    )
    with one_thread():
        return ConditionalTest(y, z, seed).p_value(x)


def p_values(args):
    rows = []
    for title, cases in (("independent", INDEPENDENT), ("dependent", DEPENDENT)):
        print(f"{title}: share of p-values under 0.05, {args.draws} draws")
        for name, draw in cases.items():
            row = {"given z": title, "distribution": name}
            for n in SIZES:
                found = Parallel(n_jobs=args.jobs)(
                    delayed(p_value)(draw, n, seed) for seed in range(args.draws)
                )
                row[n] = float(np.mean(np.array(found) < 0.05))
            print(f"{name:<28}", *(f"{n:>6,}: {row[n]:.2f}" for n in SIZES))
            rows.append(row)
    write_csv("conditional_p_values.csv", rows)


PARTS = {"estimates": estimates, "p-values": p_values}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=5000, help="of estimates")
    parser.add_argument("--draws", type=int, default=200, help="of p-values")
    parser.add_argument("--jobs", type=int, default=2)
    run_parts(parser, PARTS)


if __name__ == "__main__":
    main()
