"""Accuracy on distributions whose mutual information is known.

Fits MINE to each task of a folder that holds tasks.csv (task, file, dim_x, dim_y,
mi_nats, and what other estimators gave: bmi_mine, ksg, gaussian) and the files it
names (npz with x and y), or to mixtures of sklearn_mine.datasets. An estimate is held
if it lies within 0.05 nats or 10 % of the truth, whichever is larger. Results go to
benchmarks/results.

    python benchmarks/known_mi.py --folder FOLDER
    python benchmarks/known_mi.py --mixtures --jobs 2
    python benchmarks/known_mi.py --folder FOLDER --tasks spiral --estimator paper
    python benchmarks/known_mi.py --mixtures --tasks shells --ablate

The folder may also be given as SKLEARN_MINE_KNOWN_MI. Rivals that run here, beside
the figures that come with the folder: KSG through scikit-learn, where x and y are
single columns. With --ablate the tasks are run again with each ingredient off.
"""

import argparse
import csv
import os
import sys
import time
import warnings
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import matplotlib
import numpy as np
import torch
from _common import PAPER, RESULTS, write_csv
from joblib import Parallel, cpu_count, delayed
from sklearn.feature_selection import mutual_info_regression

from sklearn_mine import MINE, _mixture, _pair, _start, _student, datasets

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).parents[1]
ENVIRONMENT = "SKLEARN_MINE_KNOWN_MI"
OTHERS = ("bmi_mine", "ksg", "gaussian")
ESTIMATORS = {
    "default": {},
    "paper": PAPER,
}
# What is put out of work to see what it earns: a module's constant, or a parameter.
ABLATIONS = {
    "without twisted coordinates": (_start, "_MAX_WAVES", 0),
    "without Student-t": (_student, "_DEGREES", ()),
    "without mixtures": (_mixture, "_LADDER", ()),
    "without directions": (_pair, "_MAX_DIRECTIONS", 0),
    "without training": {"solver": "newton"},
    "without start": {"start": None},
}


def cubed(n_samples, **params):
    x, y, mi = datasets.make_gaussian(n_samples, **params)
    return x**3, y**3, mi


def exponential(n_samples, **params):
    x, y, mi = datasets.make_gaussian(n_samples, **params)
    return np.exp(x), np.exp(y), mi


MIXTURES = {
    "arms": (datasets.make_arms, {}),
    "ring": (datasets.make_ring, {}),
    "waves": (datasets.make_waves, {}),
    "waves, 8": (datasets.make_waves, {"n_waves": 8}),
    "shells 3": (datasets.make_shells, {"n_features": 3}),
    "shells 5": (datasets.make_shells, {"n_features": 5, "n_shells": 8}),
    "shells 25": (datasets.make_shells, {"n_features": 25, "n_shells": 10}),
    "clusters 2-1": (datasets.make_clusters, {"n_targets": 1, "n_clusters": 6}),
    "clusters 2-2": (datasets.make_clusters, {}),
    "clusters 5-5": (
        datasets.make_clusters,
        {"n_features": 5, "n_targets": 5, "n_clusters": 8, "separation": 1.0},
    ),
    "outliers 2-2": (datasets.make_outliers, {}),
    "outliers 5-5": (datasets.make_outliers, {"n_features": 5, "rho": 0.6}),
    "labels 10": (datasets.make_labels, {"n_features": 10}),
    "Gaussian 20": (datasets.make_gaussian, {"n_features": 20, "rho": 0.9}),
    "Gaussian 20, cubed": (cubed, {"n_features": 20, "rho": 0.9}),
    "Gaussian 16, exp": (exponential, {"n_features": 16, "rho": 0.5}),
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


def mixture_tasks(substring):
    tasks = []
    for name, (make, params) in MIXTURES.items():
        if substring in name:
            x, y, mi = make(10_000, random_state=1, return_mi=True, **params)
            others = dict.fromkeys(OTHERS, float("nan"))
            tasks.append(
                {
                    "task": name,
                    "x": x,
                    "y": y,
                    "dim_x": x.shape[1],
                    "dim_y": 1 if y.ndim == 1 else y.shape[1],
                    "mi_nats": mi,
                    **others,
                }
            )
    return tasks


def load(folder, task):
    if "x" in task:
        return task["x"], task["y"]
    with np.load(folder / task["file"]) as data:
        return data["x"], data["y"]


def run_task(folder, task, params, n_threads, switched_off=None):
    """Fit one task; its results as a row of the table."""
    torch.set_num_threads(n_threads)
    x, y = load(folder, task)
    start = time.perf_counter()
    with patch.object(*switched_off) if switched_off else nullcontext():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            mine = MINE(random_state=0, **params).fit(x, y)
    seconds = time.perf_counter() - start
    if x.size == y.size == len(x) and not np.isfinite(task["ksg"]):
        task["ksg"] = mutual_info_regression(x.reshape(-1, 1), y.ravel())[0]
    return {
        "task": task["task"],
        "rows": len(x),
        "dim_x": task["dim_x"],
        "dim_y": task["dim_y"],
        "truth": task["mi_nats"],
        "estimate": round(mine.mutual_info_, 4),
        "std_error": round(mine.std_error_, 4),
        "held_out_bound": round(mine.held_out_bound_, 4),
        "seconds": round(seconds, 1),
        "held": is_held(mine.mutual_info_, task["mi_nats"]),
        "n_iter": mine.n_iter_,
        "leans_on_start": mine.leans_on_start_,
        **{name: task[name] for name in OTHERS},
    }


def run_all(folder, tasks, params, n_jobs, switched_off=None):
    """Rows of all tasks, in order, a line printed as each is done."""
    options = params, max(1, cpu_count() // n_jobs), switched_off
    if n_jobs == 1:
        results = (run_task(folder, task, *options) for task in tasks)
    else:
        parallel = Parallel(n_jobs=n_jobs, backend="loky", return_as="generator")
        results = parallel(delayed(run_task)(folder, task, *options) for task in tasks)
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
    others = [(other, other) for other in OTHERS]
    for label, key in ((name, "estimate"), ("its bound", "held_out_bound"), *others):
        values = np.array([row[key] for row in rows])
        known = np.isfinite(values)
        if not known.any():
            continue
        held = sum(
            is_held(value, true)
            for value, true in zip(values[known], truth[known], strict=True)
        )
        error = np.abs(values - truth)[known].mean()
        note = "" if known.all() else f"  ({known.sum()} known)"
        print(f"{label:<12}{held:>14}{error:>18.3f}{note}")
    seconds = [row["seconds"] for row in rows]
    print(f"seconds a fit: median {np.median(seconds):.1f}, most {max(seconds):.1f}")


def ablate(folder, tasks, params, n_jobs, rows):
    """Run the tasks with one ingredient off at a time, and print what that costs."""
    table = {"all": rows}
    for name, off in ABLATIONS.items():
        print(f"\n{name}")
        if isinstance(off, dict):
            table[name] = run_all(folder, tasks, {**params, **off}, n_jobs)
        else:
            table[name] = run_all(folder, tasks, params, n_jobs, off)
    print(f"\n{'':<30}{'held':>6}{'mean abs. error':>18}{'median seconds':>17}")
    for name, results in table.items():
        away = np.mean([abs(row["estimate"] - row["truth"]) for row in results])
        held = sum(row["held"] for row in results)
        seconds = np.median([row["seconds"] for row in results])
        print(f"{name:<30}{held:>6}{away:>18.3f}{seconds:>17.1f}")


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
    for other, mark in zip(OTHERS, ("x", "+", "1"), strict=True):
        values = np.array([row[other] for row in rows])
        if np.isfinite(values).any():
            ax.plot(truth, values, mark, color="#9a9a9a", markersize=5, label=other)
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
    parser.add_argument("--mixtures", action="store_true", help="sklearn_mine's own")
    parser.add_argument("--ablate", action="store_true", help="ingredients off, too")
    args = parser.parse_args()
    folder = None
    if args.mixtures:
        tasks = mixture_tasks(args.tasks)
    elif args.folder:
        folder = Path(args.folder)
        if not (folder / "tasks.csv").is_file():
            sys.exit(f"known_mi: {folder} holds no tasks.csv.")
        tasks = read_tasks(folder, args.tasks)
    else:
        print(
            f"known_mi: skipped, no data. Pass --folder or set {ENVIRONMENT} to a "
            "folder with tasks.csv, or pass --mixtures."
        )
        return
    if not tasks:
        sys.exit(f"known_mi: no task's name holds {args.tasks!r}.")
    params = ESTIMATORS[args.estimator]
    rows = run_all(folder, tasks, params, args.jobs)
    summarise(rows, args.estimator)
    if args.ablate:
        ablate(folder, tasks, params, args.jobs, rows)
    stem = f"{'mixtures' if args.mixtures else 'known_mi'}_{args.estimator}"
    if args.tasks:
        stem += "_" + "".join(c if c.isalnum() else "-" for c in args.tasks)
    write_csv(f"{stem}.csv", rows)
    plot(RESULTS / f"{stem}.png", rows, args.estimator)
    print(f"written: {(RESULTS / stem).relative_to(ROOT)}.csv and .png")


if __name__ == "__main__":
    main()
