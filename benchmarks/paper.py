"""The figures of the MINE paper, by its own estimator and by the defaults.

Three experiments of Belghazi et al. (2018), as tables and one picture: mutual
information against correlation in 2 and 20 dimensions, equitability over functions of
x, and consistency over the number of rows. Results go to benchmarks/results.

    python benchmarks/paper.py
    python benchmarks/paper.py --only correlation --rows 2000 --jobs 2
"""

import argparse
import time
import warnings

import matplotlib
import numpy as np
import torch
from _common import PAPER, RESULTS, write_csv
from joblib import Parallel, delayed
from scipy.integrate import quad
from scipy.special import digamma
from sklearn.neighbors import KDTree, NearestNeighbors

from sklearn_mine import MINE
from sklearn_mine.datasets import make_gaussian

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ESTIMATORS = {
    "MINE, the paper's": PAPER,
    "MINE-f, the paper's": {**PAPER, "objective": "mine-f"},
    "MINE, defaults": {},
}
CORRELATIONS = (-0.99, -0.9, -0.7, -0.5, -0.2, 0.0, 0.2, 0.5, 0.7, 0.9, 0.99)
FUNCTIONS = {"x": lambda x: x, "x^3": lambda x: x**3, "sin x": np.sin}
NOISES = (0.1, 0.2, 0.4, 0.7, 1.0)
ROWS = (100, 300, 1000, 3000, 10_000, 30_000, 100_000)


def ksg(x, y, k=5):
    """The estimator of Kraskov, Stoegbauer and Grassberger (2004), their first."""
    x, y = x.reshape(len(x), -1), y.reshape(len(y), -1)
    both = np.concatenate([x, y], axis=1)
    nearest = NearestNeighbors(n_neighbors=k, metric="chebyshev").fit(both)
    radius = np.nextafter(nearest.kneighbors()[0][:, -1], 0)
    counts = [
        KDTree(side, metric="chebyshev").query_radius(side, radius, count_only=True)
        for side in (x, y)
    ]
    own = sum(digamma(count) for count in counts)
    return digamma(k) + digamma(len(x)) - own.mean()


def estimate(name, x, y, seed):
    torch.set_num_threads(1)
    if name == "KSG":
        return float(ksg(x, y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MINE(random_state=seed, **ESTIMATORS[name]).fit(x, y).mutual_info_


def correlation(parallel, n, _):
    """Information against correlation."""
    rows = []
    for d in (2, 20):
        draws = [
            make_gaussian(n, rho=rho, n_features=d, random_state=0, return_mi=True)
            for rho in CORRELATIONS
        ]
        for name in ("KSG", *ESTIMATORS):
            values = parallel(delayed(estimate)(name, x, y, 0) for x, y, _ in draws)
            for rho, (_, _, truth), value in zip(
                CORRELATIONS, draws, values, strict=True
            ):
                rows.append(
                    {
                        "d": d,
                        "rho": rho,
                        "estimator": name,
                        "truth": truth,
                        "estimate": value,
                    }
                )
            away = [abs(v - t) for v, (_, _, t) in zip(values, draws, strict=True)]
            print(
                f"d = {d:<3}{name:<22} mean absolute error {np.mean(away):7.3f}, "
                f"worst {max(away):7.3f}",
                flush=True,
            )
    return rows


def noisy_function(name, noise, n, seed):
    """y = f(x) + noise e, x uniform on (-1, 1), and its information."""
    rng = np.random.default_rng(seed)
    f = FUNCTIONS[name]
    x = rng.uniform(-1.0, 1.0, size=n)
    y = f(x) + noise * rng.normal(size=n)
    grid = f(np.linspace(-1.0, 1.0, 4001))
    top = grid.max() + 8.0 * noise

    def surprise(value):
        density = np.exp(-0.5 * ((value - grid) / noise) ** 2).mean()
        density /= noise * np.sqrt(2.0 * np.pi)
        return -density * np.log(density) if density > 0 else 0.0

    entropy = quad(surprise, -top, top, limit=400, epsabs=1e-6)[0]
    truth = entropy - 0.5 * np.log(2.0 * np.pi * np.e * noise**2)
    return x[:, None], y, truth


def equitability(parallel, n, _):
    """Whether the estimate follows the noise and not the function."""
    cases = [(f, noise) for noise in NOISES for f in FUNCTIONS]
    draws = [noisy_function(f, noise, n, 0) for f, noise in cases]
    rows = []
    for name in ("MINE, the paper's", "MINE, defaults"):
        values = parallel(delayed(estimate)(name, x, y, 0) for x, y, _ in draws)
        for (f, noise), (_, _, truth), value in zip(cases, draws, values, strict=True):
            rows.append(
                {
                    "function": f,
                    "noise": noise,
                    "estimator": name,
                    "truth": truth,
                    "estimate": value,
                }
            )
        for noise in NOISES:
            told = [
                (r["estimate"], r["truth"])
                for r in rows
                if r["estimator"] == name and r["noise"] == noise
            ]
            plain = np.array([value for value, _ in told])
            shares = np.array([value / truth for value, truth in told])
            print(
                f"{name:<22} noise {noise:.1f}: estimates {plain.round(3)}, spread "
                f"{np.ptp(plain) / plain.mean():6.1%}; of the truth "
                f"{shares.round(3)}, spread {np.ptp(shares):6.1%}",
                flush=True,
            )
    return rows


def consistency(parallel, _, n_draws):
    """Error against the number of rows."""
    rows = []
    for name in ("MINE, the paper's", "MINE, defaults"):
        errors = []
        for n in ROWS:
            seeds = range(n_draws if n <= 10_000 else min(n_draws, 3))
            drawn = [
                make_gaussian(n, rho=0.7, n_features=2, random_state=s, return_mi=True)
                for s in seeds
            ]
            values = parallel(
                delayed(estimate)(name, x, y, s)
                for s, (x, y, _) in zip(seeds, drawn, strict=True)
            )
            away = np.array(values) - drawn[0][2]
            errors.append(float(np.sqrt((away**2).mean())))
            rows.append(
                {
                    "rows": n,
                    "estimator": name,
                    "draws": len(drawn),
                    "truth": drawn[0][2],
                    "rmse": errors[-1],
                }
            )
            print(f"{name:<22}{n:>8} rows: error {errors[-1]:.4f}", flush=True)
        slope = np.polyfit(np.log(ROWS), np.log(errors), 1)[0]
        print(f"{name:<22} error falls as rows to the power {slope:.2f}", flush=True)
    return rows


EXPERIMENTS = {
    "correlation": correlation,
    "equitability": equitability,
    "consistency": consistency,
}


def plot(name, rows):
    marks = {
        "truth": "k-",
        "KSG": "s:",
        "MINE, the paper's": "^--",
        "MINE-f, the paper's": "v--",
        "MINE, defaults": "o-",
    }
    if name == "correlation":
        fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
        for ax, d in zip(axes, (2, 20), strict=True):
            here = [row for row in rows if row["d"] == d]
            one = [row for row in here if row["estimator"] == "KSG"]
            ax.plot(
                [r["rho"] for r in one], [r["truth"] for r in one], "k-", label="truth"
            )
            for label in ("KSG", *ESTIMATORS):
                mine = [row for row in here if row["estimator"] == label]
                ax.plot(
                    [r["rho"] for r in mine],
                    [r["estimate"] for r in mine],
                    marks[label],
                    markersize=4,
                    label=label,
                )
            ax.set(
                title=f"{d} dimensions",
                xlabel="correlation of each pair",
                ylabel="mutual information (nats)",
            )
        axes[0].legend(frameon=False)
    else:
        fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
        for label in ("MINE, the paper's", "MINE, defaults"):
            mine = [row for row in rows if row["estimator"] == label]
            if name == "consistency":
                ax.loglog(
                    [r["rows"] for r in mine],
                    [r["rmse"] for r in mine],
                    marks[label],
                    label=label,
                )
                ax.set(xlabel="rows", ylabel="root mean squared error (nats)")
            else:
                ax.plot(
                    [r["truth"] for r in mine],
                    [r["estimate"] for r in mine],
                    marks[label][0],
                    label=label,
                )
                ax.set(xlabel="truth (nats)", ylabel="estimate (nats)")
        if name == "equitability":
            top = 1.05 * max(row["truth"] for row in rows)
            ax.plot([0, top], [0, top], "k-", linewidth=0.8)
        ax.legend(frameon=False)
    fig.savefig(RESULTS / f"paper_{name}.png", dpi=110)
    plt.close(fig)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=EXPERIMENTS)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--draws", type=int, default=5, help="for consistency")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    args = parser.parse_args()
    parallel = Parallel(n_jobs=args.jobs)
    for name, experiment in EXPERIMENTS.items():
        if args.only not in (None, name):
            continue
        print(f"\n{name}: {experiment.__doc__}")
        start = time.perf_counter()
        rows = experiment(parallel, args.rows, args.draws)
        write_csv(f"paper_{name}.csv", rows)
        plot(name, rows)
        print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
