"""Time and memory: mine_score from a hundred rows to a million, MINE.fit on vectors.

    python benchmarks/scale.py speed      # against mutual_info_regression
    python benchmarks/scale.py growth     # time against rows and columns
    python benchmarks/scale.py large      # 20,000 columns; a million rows on disk
    python benchmarks/scale.py vectors    # MINE.fit against dimension and rows
    python benchmarks/scale.py jobs       # one thread against two
    python benchmarks/scale.py pieces     # MINE.partial_fit against one fit
    python benchmarks/scale.py pairs      # mine_matrix
    python benchmarks/scale.py            # all of these

p-values are part of every call of mine_score. Each contender is called once unmeasured
and then in turns with the others, the best time of each counting, so that a busy moment
of the machine falls on all. Memory is the proportional set size of the process and its
children, sampled ten times a second. Tables, and plots of growth, go to
benchmarks/results.
"""

import argparse
import multiprocessing
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
import psutil
from _common import RESULTS, run_parts, write_csv
from sklearn.feature_selection import mutual_info_regression

from sklearn_mine import MINE, mine_matrix, mine_score
from sklearn_mine.datasets import make_gaussian

matplotlib.use("Agg")
import matplotlib.pyplot as plt

# Rows, columns, and the ratio to mutual_info_regression that is aimed at.
SHAPES = (
    (1000, 400, 0.3),
    (10_000, 200, 0.2),
    (100_000, 40, 0.1),
    (1_000_000, 5, 0.03),
)


def table(n_rows, n_columns, seed=0):
    """Normal columns; the target is a sum of five of them, one squared, and noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_columns))
    y = X[:, :4].sum(axis=1) + rng.normal(size=n_rows)
    if n_columns > 4:
        y += X[:, 4] ** 2
    return X, y


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def best_times(calls, repeats):
    """The best time of each call, all called in turns."""
    for call in calls:
        call()
    rounds = [[seconds(call) for call in calls] for _ in range(repeats)]
    return np.min(rounds, axis=0).tolist()


def draw_growth(ax, name, sizes, times):
    """Draw times, and say the slope of log time on log size over two decades."""
    sizes, times = np.asarray(sizes, dtype=float), np.asarray(times)
    last = sizes >= sizes[-1] / 100
    slope = np.polyfit(np.log(sizes[last]), np.log(times[last]), 1)[0]
    print(f"slope of log time on log {name}: {slope:.2f}")
    ax.loglog(sizes, times, "o-", color="#2a6f97")
    ax.set(xlabel=name, title=f"slope {slope:.2f} over the last two decades")


# --- Speed ---------------------------------------------------------------------------


def speed(args):
    rows = []
    print(
        f"{'rows x columns':<20}{'mine_score':>12}{'mutual_info':>13}{'ratio':>8}"
        f"{'aim':>7}"
    )
    for n_rows, n_columns, aim in SHAPES:
        X, y = table(n_rows, n_columns)
        ours, theirs = best_times(
            [
                partial(mine_score, X, y, random_state=0, n_jobs=2),
                partial(mutual_info_regression, X, y, random_state=0, n_jobs=2),
            ],
            1 if n_rows > 20_000 else args.repeats,
        )
        name = f"{n_rows:,} x {n_columns:,}"
        print(
            f"{name:<20}{ours:12.2f}{theirs:13.2f}{ours / theirs:8.3f}{aim:7.2f}",
            flush=True,
        )
        rows.append(
            {
                "rows": n_rows,
                "columns": n_columns,
                "mine_score": round(ours, 3),
                "mutual_info_regression": round(theirs, 3),
                "ratio": round(ours / theirs, 4),
                "aim": aim,
            }
        )
    write_csv("scale_speed.csv", rows)


# --- Growth --------------------------------------------------------------------------


def growth(args):
    cases = {
        "rows, of 20 columns": [
            (n, 20) for n in (1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
        ],
        "columns, of 1,000 rows": [
            (1000, d) for d in (20, 60, 200, 600, 2000, 6000, 20_000)
        ],
    }
    rows = []
    fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
    for ax, (name, shapes) in zip(axes, cases.items(), strict=True):
        varies = 0 if name.startswith("rows") else 1
        sizes = [shape[varies] for shape in shapes]
        times = []
        for shape in shapes:
            X, y = table(*shape)
            n_calls = args.repeats if np.prod(shape) < 1e6 else 1
            times += best_times([partial(mine_score, X, y, random_state=0)], n_calls)
            print(f"{shape[0]:>9,} x {shape[1]:>6,}{times[-1]:9.2f} s", flush=True)
            rows.append(
                {"rows": shape[0], "columns": shape[1], "seconds": round(times[-1], 3)}
            )
        draw_growth(ax, name, sizes, times)
    axes[0].set_ylabel("seconds of mine_score, one job")
    fig.savefig(RESULTS / "scale_growth.png", dpi=110)
    write_csv("scale_growth.csv", rows)


# --- Large tables --------------------------------------------------------------------


def memory():
    """Proportional set size of this process and its children, in bytes."""
    total = 0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            pass
    return total


class Peak:
    """The most memory in use within a with block, and before it."""

    def __enter__(self):
        self.before = self.most = memory()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def _watch(self):
        while not self.done.wait(0.1):
            self.most = max(self.most, memory())

    def __exit__(self, *error):
        self.done.set()
        self.thread.join()


def cost(X, y):
    """Seconds of a call, and bytes in use before it and at most."""
    with Peak() as peak:
        taken = seconds(partial(mine_score, X, y, random_state=0, n_jobs=2))
    return taken, peak.before, peak.most


def wide(queue):
    X, y = table(1000, 20_000)
    queue.put(cost(X, y))


def long(queue, path):
    X = np.memmap(path, dtype=np.float32, mode="r", shape=(1_000_000, 200))
    y = X[:, :4].sum(axis=1) + X[:, 4] ** 2
    queue.put(cost(X, y))


def in_process(work, *args):
    """Run in a process of its own, whose memory is its own."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=work, args=(queue, *args))
    process.start()
    result = queue.get()
    process.join()
    return result


def large(args):
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.f32"
        rng = np.random.default_rng(0)
        with path.open("wb") as file:
            for _ in range(100):
                rng.normal(size=(10_000, 200)).astype(np.float32).tofile(file)
        for name, work, args in (
            ("1,000 x 20,000", wide, ()),
            ("1,000,000 x 200 float32, read-only memmap", long, (path,)),
        ):
            taken, before, most = in_process(work, *args)
            gib = 2.0**30
            print(
                f"{name}: {taken:.0f} s, memory {most / gib:.2f} GiB in all, "
                f"{(most - before) / gib:.2f} above the input",
                flush=True,
            )
            rows.append(
                {
                    "table": name,
                    "seconds": round(taken, 1),
                    "GiB": round(most / gib, 3),
                    "GiB above the input": round((most - before) / gib, 3),
                }
            )
    write_csv("scale_large.csv", rows)


# --- Vectors -------------------------------------------------------------------------


def vectors(args):
    """Correlated normal vectors; one column in ten of each side tells something."""
    cases = {
        "columns a side, of 5,000 rows": [
            (5000, d) for d in (1, 3, 10, 30, 100, 300, 1000)
        ],
        "rows, of 10 + 10 columns": [
            (n, 10) for n in (1000, 3000, 10_000, 30_000, 100_000)
        ],
    }
    rows = []
    fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
    for ax, (name, shapes) in zip(axes, cases.items(), strict=True):
        sizes = [shape[1 if name.startswith("columns") else 0] for shape in shapes]
        times = []
        for n, d in shapes:
            rng = np.random.default_rng(0)
            x, y = rng.normal(size=(2, n, d))
            k = max(1, d // 10)
            y[:, :k] = 0.6 * x[:, :k] + 0.8 * y[:, :k]
            mine = MINE(random_state=0)
            times.append(seconds(partial(mine.fit, x, y)))
            truth = -0.5 * k * np.log(1 - 0.6**2)
            print(
                f"{n:>8,} rows, {d:>5,} + {d:,} columns{times[-1]:9.2f} s   "
                f"{mine.mutual_info_:.3f} of {truth:.3f} nats",
                flush=True,
            )
            rows.append(
                {
                    "rows": n,
                    "columns a side": d,
                    "seconds": round(times[-1], 2),
                    "estimate": round(mine.mutual_info_, 4),
                    "truth": round(truth, 4),
                }
            )
        draw_growth(ax, name, sizes, times)
    axes[0].set_ylabel("seconds of MINE.fit")
    fig.savefig(RESULTS / "scale_vectors.png", dpi=110)
    write_csv("scale_vectors.csv", rows)


# --- Jobs ----------------------------------------------------------------------------


def jobs(args):
    X, y = table(10_000, 400)
    one, two = best_times(
        [partial(mine_score, X, y, random_state=0, n_jobs=n) for n in (1, 2)],
        args.repeats,
    )
    print(
        f"10,000 x 400: one job {one:.2f} s, two {two:.2f} s, {one / two:.2f} times as "
        "fast"
    )
    write_csv("scale_jobs.csv", [{"one job": round(one, 3), "two jobs": round(two, 3)}])


# --- Pieces --------------------------------------------------------------------------

PIECES = {
    "Gaussian 1 + 1": {"rho": 0.6},
    "Gaussian 5 + 5": {"rho": 0.4, "n_features": 5},
    "Student-t 2 + 2": {"rho": 0.4, "n_features": 2, "df": 3.0},
}


def pieces(args):
    rows = []
    for name, params in PIECES.items():
        x, y, truth = make_gaussian(100_000, random_state=0, return_mi=True, **params)
        whole, mine = MINE(random_state=0), MINE(random_state=0)
        of_whole = seconds(partial(whole.fit, x, y))
        of_pieces = sum(
            seconds(partial(mine.partial_fit, *piece))
            for piece in zip(np.split(x, 10), np.split(y, 10), strict=True)
        )
        away = (mine.mutual_info_ - whole.mutual_info_) / whole.std_error_
        print(
            f"{name}, truth {truth:.4f}: ten pieces of 10,000 rows "
            f"{mine.mutual_info_:.4f} ({of_pieces:.0f} s), one fit "
            f"{whole.mutual_info_:.4f} ({of_whole:.0f} s), {away:+.2f} standard errors",
            flush=True,
        )
        rows.append(
            {
                "distribution": name,
                "truth": round(truth, 4),
                "pieces": round(mine.mutual_info_, 4),
                "whole": round(whole.mutual_info_, 4),
                "std error": round(whole.std_error_, 4),
                "seconds of pieces": round(of_pieces, 1),
                "seconds of whole": round(of_whole, 1),
            }
        )
    write_csv("scale_pieces.csv", rows)


# --- Pairs ---------------------------------------------------------------------------


def pairs(args):
    rng, n = np.random.default_rng(0), 5000
    factors = rng.normal(size=(n, 10)) @ rng.normal(size=(10, 200)) / 3.0
    chain = rng.normal(size=(n, 200))
    for j in range(1, 200):
        chain[:, j] = 0.9 * chain[:, j - 1] + np.sqrt(0.19) * chain[:, j]
    rows = []
    for name, X in (
        ("ten factors", factors + rng.normal(size=(n, 200))),
        ("each depends on the one before, 0.9", chain),
    ):
        taken = seconds(partial(mine_matrix, X, random_state=0, n_jobs=2))
        print(f"200 columns x 5,000 rows, {name}: {taken:.0f} s", flush=True)
        rows.append({"table": name, "seconds": round(taken, 1)})
    write_csv("scale_pairs.csv", rows)


PARTS = {
    each.__name__: each for each in (speed, growth, large, vectors, jobs, pieces, pairs)
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3, help="timed calls of each")
    run_parts(parser, PARTS)


if __name__ == "__main__":
    main()
