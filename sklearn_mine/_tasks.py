"""The scoring of columns against one target, chunk by chunk.

A task holds what all columns need of the target, a chunk the columns themselves; any
worker that is given both scores the chunk. Columns that tell little are done on a few
dozen levels, others get a closer look.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import NDArray
from tqdm import tqdm

from ._checks import discrete_labels, fold_rows, is_number_of_folds
from ._columns import ColumnScorer, ColumnScores
from ._copies import Cells, copied_cells
from ._crossfit import CrossFit, cross_fit
from ._encoding import Levels, Override, TableEncoder, level_column
from ._given import ConditionalTest, GivenFitter
from ._null import independence_p_value
from ._pair import Pair, falls_short, fine_levels, fit_pair
from ._params import Settings
from ._table import Table, is_missing
from ._threads import one_thread
from ._typing import Floats

if TYPE_CHECKING:
    from ._score import MINEScore


# Columns of one task; what a worker sets up for each task costs a few columns.
_CHUNK = 64
# Of long tables, so many cells.
_CHUNK_CELLS = 2**24
# A column scoring higher than this tells more than a few dozen levels hold. Only what
# is as significant as this is worth a closer look.
STRONG, _ALPHA_CANDIDATE = 0.5, 1e-3
# So is what a plain table shows by so many standard deviations.
_CLEAR = 6.0

# Score, standard error, p-value, and what ran.
Outcome = tuple[float, float, float, str]


class Task:
    """What all chunks of columns need; sent to workers as one object, once.

    Parameters
    ----------
    target : Table
    params : MINEScore
    discrete : list of bool or "auto"
        Of the target's columns.
    groups : ndarray of shape (n,) or None
    seed : int
    strong : float or None
        Nats above which a column deserves more than a few dozen levels. None if those
        have to do for all.
    """

    abandoned = False
    scorer: ColumnScorer | None = None
    given: "_Given | None" = None

    def __init__(
        self,
        target: Table,
        params: "MINEScore",
        *,
        discrete: list[Override],
        groups: NDArray[Any] | None,
        seed: int,
        strong: float | None = STRONG,
    ) -> None:
        self.target, self.strong = target, strong
        # Columns run in parallel; within one column, folds do not.
        self.settings, self.of_vectors = (
            replace(
                Settings.of(params, hidden_layer_sizes=sizes, activation=activation),
                n_jobs=1,
            )
            for sizes, activation in (((32,), "tanh"), ((64, 64), "relu"))
        )
        self.encoding, self.max_samples = params.encoding, params.max_samples
        self.groups, self.seed, self.discrete = groups, seed, discrete
        self.encoder = TableEncoder(self.encoding, discrete).fit(target)
        self.labels = discrete_labels(target, self.encoder)
        self.folds = fold_rows(params.cv, target.shape[0], self.labels, groups, seed)
        if self.settings.solved and self.encoder.informative and target.shape[1] == 1:
            levels = level_column(
                target.column(0),
                encoding=self.encoding,
                discrete=self.discrete[0],
            )
            independent = groups is None and is_number_of_folds(params.cv)
            self.scorer = ColumnScorer(
                levels,
                self.folds,
                self.settings,
                seed,
                independent,
                counts_labels=strong is not None and self.settings.start is not None,
            )

    @cached_property
    def present(self) -> float:
        """Share of the target's rows that are not missing."""
        columns = map(self.target.column, range(self.target.shape[1]))
        return np.prod([1.0 - is_missing(column).mean() for column in columns])

    def condition_on(
        self, table: Table, overrides: Literal["auto"] | list[Override]
    ) -> None:
        """Score given these columns."""
        encoder = TableEncoder(self.encoding, overrides)
        z = encoder.fit_transform(table)
        if not (encoder.informative and self.encoder.informative):
            return
        self.scorer = None
        how = self.folds, self.of_vectors
        with one_thread():
            fitter = GivenFitter(self.y, z, *how, seed=self.seed, **self.options)
            self.given = _Given(fitter, ConditionalTest(self.y, z, self.seed))

    @property
    def options(self) -> dict[str, Any]:
        """What :func:`cross_fit` is told of the rows."""
        return {
            "groups": self.groups,
            "labels": self.labels,
            "max_samples": self.max_samples,
        }

    def fit_vector(self, x: Floats, n_jobs: int = 1) -> CrossFit:
        """Critics of encoded columns and the target."""
        settings = replace(self.of_vectors, n_jobs=n_jobs)
        return cross_fit(x, self.y, self.folds, settings, **_options(self))

    def __sizeof__(self) -> int:
        # For schedulers that keep large objects with their workers.
        return object.__sizeof__(self) + 8 * self.target.shape[0]

    @cached_property
    def y(self) -> Floats:
        """The target, encoded."""
        how = self.encoder.encoding, self.encoder.discrete
        return TableEncoder(*how).fit_transform(self.target)

    @cached_property
    def target_column(self) -> NDArray[Any]:
        """The only column of the target."""
        return self.target.column(0)

    @cached_property
    def target_levels(self) -> Levels:
        """The target on a fine grid."""
        return fine_levels(
            self.target_column,
            encoding=self.encoding,
            discrete=self.discrete[0],
        )


class _Given:
    """Scores any x given what all columns are conditioned on.

    Critics are fitted only where there is something to tell.
    """

    def __init__(self, fitter: GivenFitter, test: ConditionalTest) -> None:
        self.fitter, self.test = fitter, test
        # What all columns share is fitted before there are several threads.
        fitter.alone()

    def score(self, x: Floats) -> Outcome:
        p_value, information, error = self.test.look(x)
        if p_value >= _ALPHA_CANDIDATE and self.fitter.settings.solver == "auto":
            return information, error, p_value, "newton"
        # The difference is no bound, and without its bias nearer the truth.
        fit = self.fitter.fit(x)
        return fit.corrected, fit.std_error, p_value, fit.solver


class Chunk:
    """Groups of columns, and these columns alone.

    Parameters
    ----------
    table : Table
    overrides : list
        Of all columns; see `discrete_overrides`.
    blocks : list of lists of column numbers
    """

    def __init__(
        self, table: Table, overrides: Sequence[Override], blocks: list[list[int]]
    ) -> None:
        columns = [j for block in blocks for j in block]
        self.table = table.block(columns)
        self.overrides = [overrides[j] for j in columns]
        ends = np.cumsum([len(block) for block in blocks]).tolist()
        self.blocks = [
            list(range(end - len(block), end))
            for end, block in zip(ends, blocks, strict=True)
        ]


def score_chunk(task: Task, chunk: Chunk) -> list[Outcome | None]:
    """Score groups of columns; (score, std_error, p_value, solver) of each."""
    with one_thread():
        chunk.table = chunk.table.compact()
        outcomes: list[Outcome | None] = [None] * len(chunk.blocks)
        fast: list[int] = []
        if task.scorer is not None:
            fast = [i for i, block in enumerate(chunk.blocks) if len(block) == 1]
        if fast and task.scorer is not None:
            columns = [chunk.blocks[i][0] for i in fast]
            result = task.scorer.score(
                (chunk.table.column(j) for j in columns),
                encoding=task.encoding,
                discrete=[chunk.overrides[j] for j in columns],
            )
            for place, i in enumerate(fast):
                outcomes[i] = outcome = (
                    result.scores[place],
                    result.std_errors[place],
                    result.p_values[place],
                    result.kinds[place],
                )
                column = chunk.table.column(columns[place])
                cells = None
                if task.strong is not None and result.kinds[place] == "newton":
                    cells = copied_cells(column, task.target_column)
                if _may_pay(task, column, result, place, cells) and not task.abandoned:
                    outcomes[i] = _look_closer(task, chunk, i, outcome, cells)
        for i, outcome in enumerate(outcomes):
            if outcome is None and not task.abandoned:
                outcomes[i] = _score_vector(task, chunk, i)
        return outcomes


def _may_pay(
    task: Task,
    column: NDArray[Any],
    result: ColumnScores,
    place: int,
    cells: Cells | None,
) -> bool:
    """Whether a column deserves more than a few dozen levels."""
    if task.strong is None:
        return False
    # Where many cells are missing, the others have less to show.
    strong = task.strong * task.present * (1.0 - is_missing(column).mean())
    score, gap = result.scores[place], result.gaps[place]
    significant = result.p_values[place] < _ALPHA_CANDIDATE
    dependent = significant or gap > _CLEAR * result.gap_errors[place]
    shows = dependent and (falls_short(score, gap) or score > strong)
    return shows or bool(result.lumped[place]) or cells is not None


def _encode_block(task: Task, chunk: Chunk, i: int) -> tuple[Floats, TableEncoder]:
    block = chunk.blocks[i]
    encoder = TableEncoder(task.encoding, [chunk.overrides[j] for j in block])
    return encoder.fit_transform(chunk.table.block(block)), encoder


def _score_vector(task: Task, chunk: Chunk, i: int) -> Outcome:
    """A group of columns, or a column against a vector: trained critics."""
    x, encoder = _encode_block(task, chunk, i)
    if not (encoder.informative and task.encoder.informative):
        identifier = any(column.kind == "identifier" for column in encoder.columns_)
        return 0.0, 0.0, 1.0, "identifier" if identifier else "none"
    if task.given is not None:
        return task.given.score(x)
    fit = task.fit_vector(x)
    p_value = independence_p_value(x, task.y, task.seed)
    return fit.estimate, fit.std_error, p_value, fit.solver


def _look_closer(
    task: Task, chunk: Chunk, i: int, outcome: Outcome, cells: Cells | None
) -> Outcome:
    """A single column against a single target on a fine grid, or by networks."""
    x, _ = _encode_block(task, chunk, i)
    p_value = outcome[2]
    if task.settings.start is None:
        if task.settings.solver == "newton":
            return outcome
        fit = cross_fit(x, task.y, task.folds, task.settings, **_options(task))
        if fit.solver == "newton":
            return outcome
        return fit.estimate, fit.std_error, p_value, fit.solver
    j = chunk.blocks[i][0]
    column, discrete = chunk.table.column(j), chunk.overrides[j]
    levels = fine_levels(column, encoding=task.encoding, discrete=discrete)
    pair = Pair(levels, task.target_levels, task.folds, cells)
    # A score is never more than held-out rows can certify.
    fit = fit_pair(pair, x, task.y, task.settings, may_lean=False, **_options(task))
    return fit.estimate, fit.std_error, p_value, fit.solver


def _options(task: Task) -> dict[str, Any]:
    return {"rng": np.random.default_rng([task.seed, 2]), **task.options}


def run_tasks(
    work: Iterable[tuple[Task, Chunk]], n_jobs: int | None, bar: tqdm
) -> Generator[list[Outcome], None, None]:
    """Score chunks in parallel, in order; whoever stops early closes it.

    Parameters
    ----------
    work : iterable of (Task, Chunk)
    n_jobs : int or None
    bar : tqdm
        Counts columns.

    Yields
    ------
    outcomes : list of (score, std_error, p_value, solver)
        Of the groups of columns of each chunk.
    """
    tasks = set()

    def calls() -> Iterator[Any]:
        for task, chunk in work:
            tasks.add(task)
            yield delayed(score_chunk)(task, chunk)

    run = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    try:
        with one_thread():
            for outcomes in run(calls()):
                bar.update(len(outcomes))
                yield outcomes
    finally:
        # Threads that have begun stop at their next column.
        for task in tasks:
            task.abandoned = True


def score_blocks(
    task: Task,
    table: Table,
    overrides: list[Override],
    blocks: list[list[int]],
    n_jobs: int | None,
    bar: tqdm,
) -> list[Outcome]:
    """Score groups of columns of a table against one target.

    Parameters
    ----------
    task : Task
    table : Table
    overrides : list
        Of all columns; see `discrete_overrides`.
    blocks : list of lists of column numbers
    n_jobs, bar
        See :func:`run_tasks`.

    Returns
    -------
    outcomes : list of (score, std_error, p_value, solver)
        One for each group.
    """
    work = (
        (task, Chunk(table, overrides, part))
        for part in chunks_of(blocks, table.shape[0], n_jobs)
    )
    with closing(run_tasks(work, n_jobs, bar)) as parts:
        return [each for part in parts for each in part]


def chunks_of(
    blocks: list[list[int]], n_rows: int, n_jobs: int | None
) -> list[list[list[int]]]:
    """Groups of columns in lists of about one size."""
    n_workers = effective_n_jobs(n_jobs)
    size = min(_CHUNK, -(-len(blocks) // n_workers), _CHUNK_CELLS // n_rows)
    size = max(1, size)
    return [blocks[i : i + size] for i in range(0, len(blocks), size)]
