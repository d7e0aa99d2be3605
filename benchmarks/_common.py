"""What the benchmarks share: where results go, and the estimator as published."""

import csv
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PAPER = {"solver": "adam", "start": None, "encoding": "standard"}


def write_csv(name, rows):
    """Write a list of dicts to benchmarks/results."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
