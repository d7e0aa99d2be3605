"""Work in threads, on a cluster, and cut short."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from joblib import parallel_config

from sklearn_mine import MINE, MINEScore, mine_score
from sklearn_mine._table import as_table
from sklearn_mine._tasks import Chunk


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
