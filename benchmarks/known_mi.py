"""Accuracy on distributions whose mutual information is known.

Fits MINE to each task of a folder that holds tasks.csv (task, file, dim_x, dim_y,
mi_nats, and what other estimators gave: bmi_mine, ksg, gaussian) and the files it
names (npz with x and y). An estimate is held if it lies within 0.05 nats or 10 % of
the truth, whichever is larger. Results go to benchmarks/results.

    python benchmarks/known_mi.py --folder FOLDER
    python benchmarks/known_mi.py --folder FOLDER --tasks spiral --jobs 2
    python benchmarks/known_mi.py --folder FOLDER --estimator paper

The folder may also be given as SKLEARN_MINE_KNOWN_MI.
"""

import argparse
import csv
import os
import sys
import time
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import torch
from joblib import Parallel, delayed

from sklearn_mine import MINE

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
ENVIRONMENT = "SKLEARN_MINE_KNOWN_MI"
OTHERS = ("bmi_mine", "ksg", "gaussian")
ESTIMATORS = {
    "default": {},
    "paper": {"solver": "adam", "start": None, "encoding": "standard"},
}


def is_held(estimate, truth):
    return abs(estimate - truth) <= max(0.05, 0.1 * truth)


def read_tasks(folder, substring):
    with (folder / "tasks.csv").open(newline="") as file:
        tasks = list(csv.DictReader(file))
    for task in tasks:
        for name in ("mi_nats", *OTHERS):
            task[name] = float(task[name]) if task.get(name) else float("nan")
    return [task for task in tasks if substring in task["task"]]


def run_task(folder, task, params):
    """Fit one task; its results as a row of the table."""
    torch.set_num_threads(1)
    with np.load(folder / task["file"]) as data:
        x, y = data["x"], data["y"]
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # leans_on_start is in the table
        mine = MINE(random_state=0, **params).fit(x, y)
    seconds = time.perf_counter() - start
    return {
        "task": task["task"],
        "rows": len(x),
        "dim_x": task["dim_x"],
        "dim_y": task["dim_y"],
        "truth": task["mi_nats"],
        "estimate": round(mine.mutual_info_, 4),
        "std_error": round(mine.std_error_, 4),
        "seconds": round(seconds, 1),
        "held": is_held(mine.mutual_info_, task["mi_nats"]),
        "n_iter": mine.n_iter_,
        "leans_on_start": mine.leans_on_start_,
        **{name: task[name] for name in OTHERS},
    }


def run_all(folder, tasks, params, n_jobs):
    """Rows of all tasks, in order, a line printed as each is done."""
    if n_jobs == 1:
        results = (run_task(folder, task, params) for task in tasks)
    else:
        parallel = Parallel(n_jobs=n_jobs, backend="loky", return_as="generator")
        results = parallel(delayed(run_task)(folder, task, params) for task in tasks)
    width = max(len(task["task"]) for task in tasks)
    print(
        f"{'task':<{width}}{'truth':>9}{'estimate':>10}{'std error':>11}{'seconds':>9}"
    )
    rows = []
    for row in results:
        rows.append(row)
        print(
            f"{row['task']:<{width}}{row['truth']:9.3f}{row['estimate']:10.3f}"
            f"{row['std_error']:11.3f}{row['seconds']:9.1f}  "
            f"{'held' if row['held'] else 'OUT'}",
            flush=True,
        )
    return rows


def summarise(rows, name):
    truth = np.array([row["truth"] for row in rows])
    print(f"\n{'':<12}{'held, of ' + str(len(rows)):>14}{'mean abs. error':>18}")
    for label, key in ((name, "estimate"), *((other, other) for other in OTHERS)):
        values = np.array([row[key] for row in rows])
        known = np.isfinite(values)
        held = sum(
            is_held(value, true)
            for value, true in zip(values[known], truth[known], strict=True)
        )
        error = np.abs(values - truth)[known].mean() if known.any() else np.nan
        note = "" if known.all() else f"  ({known.sum()} known)"
        print(f"{label:<12}{held:>14}{error:>18.3f}{note}")
    seconds = [row["seconds"] for row in rows]
    print(f"seconds a fit: median {np.median(seconds):.1f}, most {max(seconds):.1f}")


def write_csv(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def plot(path, rows, name):
    truth = np.array([row["truth"] for row in rows])
    estimate = np.array([row["estimate"] for row in rows])
    error = np.array([row["std_error"] for row in rows])
    held = np.array([row["held"] for row in rows])
    fig, ax = plt.subplots(figsize=(6, 6), layout="constrained")
    top = 1.1 * max(truth.max(), estimate.max())
    low = min(0.0, 1.1 * estimate.min())
    line = np.linspace(0, top, 200)
    slack = np.maximum(0.05, 0.1 * line)
    ax.fill_between(line, line - slack, line + slack, color="#dfe8ee", label="held")
    ax.plot(line, line, color="#555555", linewidth=0.8)
    for mask, colour, label in (
        (held, "#2a6f97", "estimate, held"),
        (~held, "#c1440e", "estimate, out"),
    ):
        ax.errorbar(
            truth[mask],
            estimate[mask],
            yerr=error[mask],
            fmt="o",
            markersize=4,
            color=colour,
            elinewidth=1,
            label=f"{label} ({mask.sum()})",
        )
    ax.set_xlim(0, top)
    ax.set_ylim(low, top)
    ax.set_xlabel("true mutual information (nats)")
    ax.set_ylabel("estimate (nats, ± 1 standard error)")
    ax.set_title(f"MINE ({name}) on {len(rows)} known distributions")
    ax.legend(frameon=False, loc="upper left")
    fig.savefig(path, dpi=110)
    plt.close(fig)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", default=os.environ.get(ENVIRONMENT))
    parser.add_argument("--estimator", choices=ESTIMATORS, default="default")
    parser.add_argument("--tasks", default="", help="only tasks whose name holds this")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    args = parser.parse_args()
    if not args.folder:
        print(
            f"known_mi: skipped, no data. Pass --folder or set {ENVIRONMENT} to a "
            "folder with tasks.csv."
        )
        return
    folder = Path(args.folder)
    if not (folder / "tasks.csv").is_file():
        sys.exit(f"known_mi: {folder} holds no tasks.csv.")
    tasks = read_tasks(folder, args.tasks)
    if not tasks:
        sys.exit(f"known_mi: no task's name holds {args.tasks!r}.")
    rows = run_all(folder, tasks, ESTIMATORS[args.estimator], args.jobs)
    summarise(rows, args.estimator)
    RESULTS.mkdir(exist_ok=True)
    stem = f"known_mi_{args.estimator}"
    if args.tasks:
        stem += "_" + "".join(c if c.isalnum() else "-" for c in args.tasks)
    write_csv(RESULTS / f"{stem}.csv", rows)
    plot(RESULTS / f"{stem}.png", rows, args.estimator)
    print(f"written: {(RESULTS / stem).relative_to(ROOT)}.csv and .png")


if __name__ == "__main__":
    main()
