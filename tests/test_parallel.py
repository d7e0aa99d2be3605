"""Work in threads, on a cluster, and cut short."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor
from sklearn.model_selection import GridSearchCV

from sklearn_mine import (
    MINE,
    MINEClassifier,
    MINERegressor,
    MINEScore,
    MINESelector,
    mine_matrix,
    mine_score,
)
from sklearn_mine._table import as_table
from sklearn_mine._tasks import Chunk
from sklearn_mine.generative import MINEALI, MINEGAN
from sklearn_mine.information_bottleneck import InformationBottleneckClassifier


def _table(n=400, n_columns=100):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_columns))
    y = X[:, 0] + 0.5 * X[:, 1] ** 2 + 0.5 * rng.normal(size=n)
    return X, y


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        with distributed.Client(cluster) as client:
            yield client


def test_dask_gives_the_same_scores(cluster):
    X, y = _table()
    alone = mine_score(X, y, random_state=0)
    with parallel_config(backend="dask"):
        spread = mine_score(X, y, random_state=0, n_jobs=2)
    # Linear algebra of another process may round otherwise.
    np.testing.assert_allclose(spread, alone, rtol=1e-9)


def test_dask_takes_frames_and_groups_of_columns(cluster):
    pandas = pytest.importorskip("pandas")
    X, y = _table(n_columns=6)
    frame = pandas.DataFrame(X, columns=list("abcdef"))
    frame["text"] = np.where(y > 0.0, "high", "low")
    score = MINEScore(
        feature_groups={"pair": ["a", "c"]}, max_iter=3, random_state=0, n_jobs=2
    )
    alone, _ = score(frame, y)
    with parallel_config(backend="dask"):
        spread, _ = score(frame, y)
    # Linear algebra of another process may round otherwise.
    np.testing.assert_allclose(spread, alone, rtol=1e-9)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_backends_of_joblib_give_the_same_scores(backend):
    X, y = _table(n_columns=8)
    alone = mine_score(X, y, random_state=0)
    with parallel_config(backend=backend):
        spread = mine_score(X, y, random_state=0, n_jobs=2)
    # Linear algebra of another process may round otherwise.
    np.testing.assert_allclose(spread, alone, rtol=1e-9)


def test_chunk_holds_its_own_columns_alone():
    X, _ = _table(n_columns=100)
    table = as_table(X)
    chunk = Chunk(table, ["auto"] * 100, [[10], [11, 12], [13]])
    assert len(pickle.dumps(chunk)) < 0.06 * X.nbytes
    assert chunk.blocks == [[0], [1, 2], [3]]
    np.testing.assert_array_equal(chunk.table.column(3), X[:, 13])


INTERRUPTED = """
import signal, time
import numpy as np
from sklearn_mine import mine_score
# What is started in the background of a shell ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)
rng = np.random.default_rng(0)
X = rng.normal(size=(3000, 60))
y = X + np.roll(X, 1, axis=1)  # a vector: seconds for each column
try:
    print("begun", flush=True)
    mine_score(X, y, random_state=0, n_jobs=2)
except KeyboardInterrupt:
    print("stopped", time.time(), flush=True)
scores, _ = mine_score(X[:100, :2], y[:100, 0], random_state=0, n_jobs=2)
print("again", scores.shape, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_interrupt_stops_at_once_and_the_next_call_works():
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout.readline().strip() == "begun"
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    sent = time.time()
    try:
        output, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert output.startswith("stopped"), errors
    assert output.strip().endswith("again (2,)"), errors
    # It takes hundredths of a second; the rest is for machines that are busy.
    assert float(output.split()[1]) - sent < 5.0


def test_threads_are_given_back():
    X, y = _table(n_columns=8)
    mine_score(X, y, random_state=0, n_jobs=2)
    before = threading.active_count()
    for _ in range(10):
        mine_score(X, y, random_state=0, n_jobs=2)
    # Threads that are done take a moment to end, and a cluster has some of its own.
    deadline = time.monotonic() + 10.0
    while threading.active_count() > before + 5 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert threading.active_count() <= before + 5


def test_progress_is_shown_where_it_takes_long(capsys, monkeypatch):
    X, y = _table(n_columns=8)
    monkeypatch.setattr("sklearn_mine._progress.QUIET_SECONDS", 600.0)
    mine_score(X, y, random_state=0, verbose=1)
    MINE(solver="adam", max_iter=3, random_state=0, verbose=1).fit(X, y)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sklearn_mine._progress.QUIET_SECONDS", 0.0)
    with parallel_config(backend="loky"):
        mine_score(X, y, random_state=0, n_jobs=2, verbose=1)
    assert "8/8" in capsys.readouterr().err
    mine_score(X, y, random_state=0, verbose=1)
    assert "8/8" in capsys.readouterr().err
    MINE(solver="adam", max_iter=3, random_state=0, verbose=1).fit(X, y)
    shown = capsys.readouterr().err
    assert "MINE:   0%" in shown
    assert "MINE: 100%" in shown
    assert "validation bound" in shown
    mine_score(X, y, random_state=0)
    MINE(solver="adam", max_iter=3, random_state=0).fit(X, y)
    assert capsys.readouterr().err == ""


# Fits inside of others' threads and processes

_QUICK = {"hidden_layer_sizes": 4, "max_iter": 1, "random_state": 0}
_CROSSED = {"cv": 2, **_QUICK}
_GAME = {
    "discriminator_hidden_layer_sizes": 4,
    "critic_hidden_layer_sizes": 4,
    **_QUICK,
}


def _numbers(X, y):
    """Of a grid, of critics that are solved, and of some trained by gradient."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = InformationBottleneckClassifier(max_samples=0, **_QUICK)
        return [
            *mine_score(X, y, cv=2, random_state=0)[0],
            MINE(solver="newton", n_jobs=2, **_CROSSED).fit(X, y).mutual_info_,
            MINE(solver="adam", n_jobs=2, **_CROSSED).fit(X, y).mutual_info_,
            *model.fit(X, y > 0.0).transform(X[:2]).ravel(),
        ]


@pytest.mark.filterwarnings("ignore")
def test_fits_in_two_threads_at_once_give_the_same_numbers_as_alone():
    tables = [_table(n=60 + n, n_columns=3) for n in range(4)]
    alone = [_numbers(X, y) for X, y in tables]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(_numbers, *zip(*tables, strict=True)))
    # Linear algebra may have more threads once the other fit is done.
    np.testing.assert_allclose(together, alone, rtol=1e-6, atol=1e-9)


def _in_child(connection, X, y):
    connection.send(_numbers(X, y))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_worker_fits_after_its_parent():
    X, y = _table(n=60, n_columns=3)
    alone, threads = _numbers(X, y), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        # What is large enough starts torch's own threads, of which the child has none.
        InformationBottleneckClassifier(max_samples=0, **_QUICK).fit(X, y > 0.0)
        here, there = multiprocessing.Pipe()
        child = multiprocessing.get_context("fork").Process(
            target=_in_child, args=(there, X, y)
        )
        child.start()
        try:
            assert here.poll(60.0), "the forked worker hangs"
            np.testing.assert_allclose(here.recv(), alone, rtol=1e-6, atol=1e-9)
        finally:
            child.kill()
            child.join()
    finally:
        torch.set_num_threads(threads)


def _search(X, y, n_jobs):
    mine = MINE(solver="newton", n_jobs=n_jobs, **_CROSSED)
    grid = {"hidden_layer_sizes": [(2,), (8,)]}
    return GridSearchCV(mine, grid, cv=2, n_jobs=n_jobs).fit(X, y)


@pytest.mark.parametrize(
    "backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)]
)
def test_parallel_fits_in_a_parallel_search(backend):
    X, y = _table(n=80, n_columns=2)
    alone = _search(X, y, 1)
    with parallel_config(backend=backend):
        search = _search(X, y, 2)
    found = (each.cv_results_["mean_test_score"] for each in (search, alone))
    np.testing.assert_allclose(*found, rtol=1e-6)


@pytest.fixture
def every_warning_of_torch():
    # By default some are given but once in a process.
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


def _mapped(folder, name, values):
    path = folder / name
    np.save(path, values)
    return np.load(path.with_suffix(".npy"), mmap_mode="r")


@pytest.mark.usefixtures("every_warning_of_torch")
@pytest.mark.filterwarnings("ignore", "error:.*not writable")
@pytest.mark.parametrize(
    "dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)]
)
def test_arrays_mapped_from_files_are_read_and_no_more(dtype, tmp_path):
    X, y = _table(n=60, n_columns=3)
    X, labels = np.asfortranarray(X, dtype=dtype), (y > 0.0).astype(int)
    y = y.astype(dtype)
    plain = X, y, labels
    mapped = [
        _mapped(tmp_path, name, each) for name, each in zip("Xyl", plain, strict=True)
    ]
    results = [[_everything(*each)] for each in (plain, mapped)]
    np.testing.assert_equal(*results)
    for one, other in zip(plain, mapped, strict=True):
        np.testing.assert_array_equal(one, other)


def _everything(X, y, labels):
    """What all that take tables make of one."""
    found = [
        *mine_score(X, y, cv=2, random_state=0),
        mine_matrix(X, random_state=0),
        MINESelector(MINEScore(solver="newton"), random_state=0).fit(X, y).scores_,
    ]
    for mine in (MINE(solver="newton", **_CROSSED), MINE(solver="adam", **_CROSSED)):
        found += [mine.fit(X, y).pointwise_mutual_info(X, y)]
        found += [mine.partial_fit(X, y).score(X, y)]
    pair = MINE(**_CROSSED).fit(X[:, :1], y, given=X[:, 1:])
    found += [pair.mutual_info_, MINE(**_CROSSED).fit(X[:, :1], labels).mutual_info_]
    regressor = MINERegressor(solver="newton", **_CROSSED).fit(X, y)
    classifier = MINEClassifier(solver="newton", **_CROSSED).fit(X, labels)
    bottleneck = InformationBottleneckClassifier(max_samples=0, **_QUICK)
    bottleneck.fit(X, labels)
    found += [regressor.predict(X), classifier.predict_proba(X)]
    found += [bottleneck.predict_proba(X), bottleneck.transform(X)]
    ali, gan = MINEALI(**_GAME).fit(X), MINEGAN(**_GAME).fit(X)
    found += [ali.transform(X), ali.reconstruct(X), ali.score(X), gan.score(X)]
    return [*found, ali.inverse_transform(_read_only(ali.transform(X)))]


def _read_only(values):
    values.flags.writeable = False
    return values


@pytest.mark.slow
def test_arrays_mapped_by_workers_are_read_without_warnings(monkeypatch):
    X, y = _table(n_columns=8)
    y = np.column_stack([y, X[:, 2] + X[:, 3]])
    alone = mine_score(X, y, solver="newton", random_state=0)
    # Workers are started with it, and map whatever has some size.
    monkeypatch.setenv("PYTHONWARNINGS", "error:The given NumPy:UserWarning")
    get_reusable_executor().shutdown(wait=True)
    with parallel_config(backend="loky", max_nbytes=100):
        spread = mine_score(X, y, solver="newton", random_state=0, n_jobs=2)
    get_reusable_executor().shutdown(wait=True)
    np.testing.assert_allclose(spread, alone, rtol=1e-9)
