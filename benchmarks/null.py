"""p-values of mine_score where nothing depends on anything.

Tables of 300 columns (normal, Cauchy and 4-valued, 100 of each) and 600 rows, with a
target that is independent of all of them: continuous, or of three classes. Prints the
share of p-values under 0.05, 0.01 and 0.001, and draws them against the uniform
distribution that they should have. Results go to benchmarks/results.

    python benchmarks/null.py
    python benchmarks/null.py --seeds 20
"""

import argparse

import matplotlib
import numpy as np
from _common import RESULTS, write_csv
from scipy.stats import beta, kstest

from sklearn_mine import mine_score

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LEVELS = (0.05, 0.01, 0.001)
MARGINS = {
    "normal": lambda rng, size: rng.normal(size=size),
    "Cauchy": lambda rng, size: rng.standard_cauchy(size=size),
    "4-valued": lambda rng, size: rng.integers(4, size=size),
}
TARGETS = {
    "continuous": lambda rng, n: rng.normal(size=n),
    "three classes": lambda rng, n: rng.integers(3, size=n),
}


def null_p_values(n_rows, n_columns, n_seeds, n_jobs):
    """p-values by target and margin, pooled over tables.

    Columns of one table share their target, so that within a table p-values are
    independent given the target; tables are drawn afresh.
    """
    each = n_columns // len(MARGINS)
    pooled = {(target, margin): [] for target in TARGETS for margin in MARGINS}
    for target, draw_target in TARGETS.items():
        for seed in range(n_seeds):
            rng = np.random.default_rng(seed)
            columns = [draw(rng, (n_rows, each)) for draw in MARGINS.values()]
            y = draw_target(rng, n_rows)
            _, p = mine_score(
                np.concatenate(columns, axis=1), y, random_state=seed, n_jobs=n_jobs
            )
            for i, margin in enumerate(MARGINS):
                pooled[target, margin].extend(p[i * each : (i + 1) * each])
    return {key: np.sort(values) for key, values in pooled.items()}


def summarise(pooled):
    rows = []
    header = "".join(f"{'under ' + str(level):>13}" for level in LEVELS)
    print(f"{'target':<15}{'column':<10}{'columns':>8}{header}{'KS p':>8}")
    for target in TARGETS:
        parts = {margin: pooled[target, margin] for margin in MARGINS}
        parts["all"] = np.concatenate(list(parts.values()))
        for margin, p in parts.items():
            shares = [(p < level).mean() for level in LEVELS]
            fit = kstest(p, "uniform").pvalue
            text = "".join(f"{100 * share:>12.2f}%" for share in shares)
            print(f"{target:<15}{margin:<10}{len(p):>8}{text}{fit:>8.3f}")
            rows.append(
                {
                    "target": target,
                    "column": margin,
                    "columns": len(p),
                    **{
                        f"under {level}": round(float(share), 5)
                        for level, share in zip(LEVELS, shares, strict=True)
                    },
                    "smallest": float(p.min()),
                    "KS p": round(float(fit), 4),
                }
            )
    return rows


def plot(path, pooled, n_rows):
    """QQ plots on logarithmic scales, so that the tail is seen."""
    fig, axes = plt.subplots(
        len(TARGETS),
        len(MARGINS),
        figsize=(10, 6.5),
        sharex=True,
        sharey=True,
        layout="constrained",
    )
    for (target, margin), ax in zip(pooled, axes.flat, strict=True):
        p = pooled[target, margin]
        rank = np.arange(1, len(p) + 1)
        expected = rank / (len(p) + 1)
        low, high = beta.ppf([[0.025], [0.975]], rank, len(p) + 1 - rank)
        ax.fill_between(expected, low, high, color="#dfe8ee", label="95 % band")
        ax.plot(expected, expected, color="#555555", linewidth=0.8)
        ax.plot(expected, p, ".", markersize=3, color="#2a6f97", label="columns")
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.invert_xaxis()
        ax.invert_yaxis()
        ax.set_title(f"{target} target, {len(p)} {margin} columns", fontsize=9)
    axes[0, 0].legend(frameon=False, loc="upper left")
    for ax in axes[-1]:
        ax.set_xlabel("expected p-value")
    for ax in axes[:, 0]:
        ax.set_ylabel("observed p-value")
    fig.suptitle(f"p-values of mine_score under independence, {n_rows} rows")
    fig.savefig(path, dpi=110)
    plt.close(fig)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--columns", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=8, help="tables for each target")
    parser.add_argument("--n-jobs", type=int, default=2)
    args = parser.parse_args()
    pooled = null_p_values(args.rows, args.columns, args.seeds, args.n_jobs)
    rows = summarise(pooled)
    write_csv("null.csv", rows)
    plot(RESULTS / "null.png", pooled, args.rows)
    print("written: benchmarks/results/null.csv and null.png")


if __name__ == "__main__":
    main()
