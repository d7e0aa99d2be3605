"""What the benchmarks share: where results go, and the estimator as published."""

import csv
import sys
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
