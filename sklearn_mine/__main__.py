"""The main job from a command line: rank the columns of a file."""

import argparse
import codecs
import difflib
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ._score import mine_score
from ._typing import Floats, Ints
from ._version import __version__
from .plotting import RankingDisplay, pyplot

# Widths of a feature's name and of the bar of the best one.
_NAME, _BAR = 40, 24
_INSTALL = 'Install it: pip install "sklearn-mine[tables]".'


class Unusable(Exception):
    """What the user gave cannot be used; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Parameters
    ----------
    arguments : list of str, default=None
        Those of the process by default.

    Returns
    -------
    code : int
        0, or 2 where something that was given cannot be used.

    Raises
    ------
    SystemExit
        If the command line cannot be parsed, or asks for help or the version.

    Examples
    --------
    >>> from sklearn_mine.__main__ import main
    >>> main(["rank", "no_such_file.csv", "--target", "y"])
    2
    """
    options = _parser().parse_args(arguments)
    try:
        _rank(options)
    except (Unusable, ImportError) as error:
        print(f"sklearn_mine: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read has seen enough; what is left would fail when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_mine",
        description="Mutual information of the columns of a table.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    rank = commands.add_parser(
        "rank",
        help="rank all columns by what each tells about one of them",
        description=(
            "Rank the columns of a CSV or Parquet file by what each tells about the "
            "target, in nats or bits, with standard errors and p-values. Numbers, "
            "text, dates and missing cells are taken as they are."
        ),
    )
    rank.add_argument("file", type=Path, metavar="FILE", help="CSV or Parquet")
    rank.add_argument(
        "--target", required=True, metavar="COLUMN", help="what columns tell about"
    )
    rank.add_argument("--k", type=_positive, help="print the best so many alone")
    rank.add_argument(
        "--plot", type=Path, metavar="OUT.png", help="draw the ranking (png, pdf, svg)"
    )
    rank.add_argument(
        "--output",
        type=Path,
        metavar="OUT.csv",
        help="write the ranking of all columns",
    )
    rank.add_argument(
        "--units",
        choices=["nats", "bits"],
        default="nats",
        help="of information and errors (default: nats)",
    )
    rank.add_argument(
        "--random-state",
        type=int,
        default=0,
        metavar="SEED",
        help="seed of folds and weights (default: 0)",
    )
    rank.add_argument(
        "--n-jobs",
        type=int,
        metavar="N",
        help="columns done in parallel (default: 1)",
    )
    return parser


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


# What argparse calls it in its messages.
_positive.__name__ = "whole number of 1 or more"


def _rank(options: argparse.Namespace) -> None:
    _check_that_results_can_be_written(options)
    frame = _read(options.file)
    names = list(frame.columns)
    if options.target not in names:
        near = difflib.get_close_matches(options.target, names, n=3) or names[:8]
        raise Unusable(
            f"{options.file} has no column {options.target!r}. Did you mean "
            f"{' or '.join(map(repr, near))}?"
        )
    if len(names) < 2:
        raise Unusable(f"{options.file} has no column beside the target.")
    target = frame[options.target]
    known = target.notna()
    if not known.all():
        print(f"{(~known).sum()} rows without a target are left out.", file=sys.stderr)
    y, X = target[known], frame.loc[known].drop(columns=options.target)
    if y.astype(str).nunique() < 2:
        values = f"is {str(y.iloc[0])!r}" if len(y) else "is empty"
        raise Unusable(
            f"The target {options.target!r} {values} in every row: there is nothing "
            "to tell about it. Name another column."
        )
    if y.dtype.kind not in "iufbmM" and y.astype(str).nunique() == len(y) > 2:
        raise Unusable(
            f"The target {options.target!r} is text that differs in each row, an "
            "identifier: nothing can be learnt of it. Name another column."
        )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            scores, p_values, errors = mine_score(
                X,
                y,
                units=options.units,
                n_jobs=options.n_jobs,
                random_state=options.random_state,
                verbose=int(sys.stderr.isatty()),
                return_std=True,
            )
        except (ValueError, TypeError) as error:
            raise Unusable(str(error)) from error
    for message in dict.fromkeys(str(each.message) for each in told):
        print(f"Warning: {message}", file=sys.stderr)
    order = np.argsort(-scores, kind="stable")
    features = list(X.columns)
    try:
        if options.output is not None:
            table = {
                "feature": [features[j] for j in order],
                options.units: scores[order],
                "std_error": errors[order],
                "p_value": p_values[order],
            }
            _written(
                options.output,
                lambda: type(frame)(table).to_csv(options.output, index=False),
            )
        if options.plot is not None:
            display = RankingDisplay(
                scores, errors, feature_names=features, units=options.units
            )
            _written(options.plot, lambda: _drawn(display, options))
    finally:
        _print(options, features, len(y), scores, errors, p_values, order)


def _check_that_results_can_be_written(options: argparse.Namespace) -> None:
    """What would fail in the end fails before the work is done."""
    for file in (options.plot, options.output):
        if file is not None and file.is_dir():
            raise Unusable(f"Cannot write {file}: it is a folder.")
        if file is not None and not file.parent.is_dir():
            raise Unusable(f"Cannot write {file}: No such folder.")
    if options.plot is not None:
        formats = pyplot("--plot").Figure().canvas.get_supported_filetypes()
        if options.plot.suffix[1:].lower() not in formats:
            raise Unusable(
                f"Cannot write {options.plot}: no format of pictures. Name a file that "
                "ends in .png, .pdf or .svg."
            )


def _read(file: Path) -> Any:
    """A pandas frame of a file."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(f"Reading tables needs pandas. {_INSTALL}") from error
    try:
        has_types = file.suffix.lower() in (".parquet", ".pq")
        # What begins with a slash is no address to fetch from.
        place = file.absolute()
        frame = pd.read_parquet(place) if has_types else pd.read_csv(place)
    except ImportError as error:
        raise ImportError(f"Reading Parquet needs pyarrow. {_INSTALL}") from error
    except UnicodeDecodeError as error:
        with file.open("rb") as text:
            is_wide = text.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        encoding = "utf-16" if is_wide else "latin-1"
        raise Unusable(
            f"Cannot read {file}: it is not UTF-8, but perhaps {encoding}. "
            f"{_rewritten(f'encoding={encoding!r}')}"
        ) from error
    except FileNotFoundError as error:
        raise Unusable(f"Cannot read {file}: No such file.") from error
    except OSError as error:
        raise Unusable(f"Cannot read {file}: {error.strerror or error}.") from error
    except Exception as error:
        hint = "" if has_types else _otherwise_separated(file)
        raise Unusable(f"Cannot read {file}: {error}.{hint}") from error
    if len(frame.columns) == 1 and not has_types:
        if hint := _otherwise_separated(file):
            raise Unusable(f"{file} reads as one column.{hint}")
    frame.columns = [str(name) for name in frame.columns]
    if not len(frame):
        raise Unusable(f"{file} has no rows.")
    for name in frame.columns[frame.columns.duplicated()]:
        raise Unusable(f"{file} has several columns {name!r}. Rename them.")
    for name in [] if has_types else frame.select_dtypes(["object", "string"]):
        # A CSV file has no dates, only what reads like one in every row.
        try:
            frame[name] = pd.to_datetime(frame[name], format="ISO8601")
        except (ValueError, TypeError):
            continue
    return frame


def _otherwise_separated(file: Path) -> str:
    """What would do where the first line is not set apart by commas; else nothing."""
    with file.open("rb") as lines:
        header = lines.readline()
    mark = next((mark for mark in ";\t|" if mark.encode() in header), None)
    if mark is None or b"," in header:
        return ""
    return (
        f" Its columns seem to be set apart by {mark!r}, not by commas. "
        f"{_rewritten(f'sep={mark!r}')}"
    )


def _rewritten(option: str) -> str:
    """What would do for a CSV file that is written otherwise."""
    return (
        f"Write it anew: pandas.read_csv(FILE, {option}).to_csv(NEW, index=False), "
        "with decimal=',' where numbers have commas."
    )


def _print(
    options: argparse.Namespace,
    features: list[str],
    n: int,
    scores: Floats,
    errors: Floats,
    p_values: Floats,
    order: Ints,
) -> None:
    units, target = options.units, options.target
    shown = order[: options.k]
    names = [_cut(features[j]) for j in shown]
    width = max(map(len, [*names, "feature"]))
    best, mark = max(float(scores.max()), 1e-12), _mark()
    print(f"{n:,} rows, what each of {len(order)} columns tells about {target}\n")
    print(f"{'feature':<{width}}  {units:>7}  {'std error':>9}  {'p-value':>8}")
    for name, j in zip(names, shown, strict=True):
        value = round(float(scores[j]), 3) + 0.0  # no minus sign on a zero
        bar = mark * round(_BAR * max(0.0, scores[j]) / best)
        numbers = f"{value:7.3f}  {errors[j]:9.3f}  {p_values[j]:8.1e}"
        print(f"{name:<{width}}  {numbers}  {bar}".rstrip())
    if len(shown) < len(order):
        print(f"({len(order) - len(shown)} more)")


def _mark() -> str:
    """What bars are made of, where it can be written."""
    try:
        "█".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "#"
    return "█"


def _cut(name: str) -> str:
    return name if len(name) <= _NAME else name[: _NAME - 1] + "…"


def _drawn(display: RankingDisplay, options: argparse.Namespace) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    display.plot(max_features=options.k or 30)
    # No dollar begins a formula.
    target = options.target.replace("$", r"\$")
    display.ax_.set_title(f"What each column tells about {target}", fontsize=10)
    plt.savefig(options.plot, dpi=150)
    plt.close()


def _written(file: Path, write: Callable[[], object]) -> None:
    try:
        write()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unusable(f"Cannot write {file}: {reason}.") from error
    print(f"{file} is written.", file=sys.stderr)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(main())
