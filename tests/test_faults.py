"""Faults in the middle of the work: what is raised, and what they leave behind.

A fault is raised where a function of the package is entered, which is where Python
raises interrupts. Functions have their turns in the order in which a sound run enters
them, so that no stage is left out.
"""

import copy
import gc
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.base import clone
from skorch.callbacks import Callback
from threadpoolctl import threadpool_info, threadpool_limits

import sklearn_mine
from sklearn_mine import (
    MINE,
    MINEClassifier,
    MINERegressor,
    MINEScore,
    MINESelector,
    mine_score,
)
from sklearn_mine.generative import MINEALI, MINEGAN
from sklearn_mine.information_bottleneck import InformationBottleneckClassifier

from ._data import surroundings

_INSIDE = str(Path(sklearn_mine.__file__).parent)
# What cleans up cannot be interrupted and clean up; a bar has a thread of its own.
_LEFT_OUT = {"__exit__", "close", "_tick", "get_lock"}

_rng = np.random.default_rng(0)
_X = _rng.normal(size=(60, 3))
_X[:, 2] = _X[:, 0] + 0.5 * _rng.normal(size=60)
_Y = _X[:, 0] + 0.3 * _rng.normal(size=60)
_LABELS = (_Y > 0).astype(int)

_SMALL = {"hidden_layer_sizes": 4, "max_iter": 1, "random_state": 0, "verbose": 1}
_SOLVED = {"solver": "newton", "cv": 2, **_SMALL}
_GAME = {
    "discriminator_hidden_layer_sizes": 4,
    "critic_hidden_layer_sizes": 4,
    **_SMALL,
}
_SCORE = {"feature_groups": [0, 1, 1], **_SOLVED}
_MINE = MINE(n_jobs=1, **_SOLVED)
_ADAM = MINE(solver="adam", n_jobs=1, cv=2, **_SMALL)
_SELECTOR = MINESelector(MINEScore(**_SOLVED), random_state=0, verbose=1)
_BOTTLENECK = InformationBottleneckClassifier(
    critic_hidden_layer_sizes=4, max_samples=0, **_SMALL
)

# What is fitted, how, and with what.
_CASES = {
    "solved": (_MINE, "fit", _X, _Y),
    "by gradient": (_ADAM, "fit", _X, _Y),
    "in threads": (MINE(n_jobs=2, **_SOLVED), "fit", _X, _LABELS),
    "on a grid": (MINE(n_jobs=1, cv=2, **_SMALL), "fit", _X[:, :1], _Y),
    "conditioned": (_MINE, "fit", _X[:, :1], _Y, _X[:, 1:]),
    "a piece": (copy.deepcopy(_MINE).fit(_X, _Y), "partial_fit", _X, _Y),
    "scores": (MINEScore(**_SCORE), "__call__", _X, _Y),
    "scores in threads": (MINEScore(n_jobs=2, **_SCORE), "__call__", _X, _Y),
    "selector": (_SELECTOR, "fit", _X, _Y),
    "classifier": (MINEClassifier(n_jobs=1, **_SOLVED), "fit", _X, _LABELS),
    "regressor": (MINERegressor(n_jobs=1, **_SOLVED), "fit", _X, _Y),
    "bottleneck": (_BOTTLENECK, "fit", _X, _LABELS),
    "game": (MINEGAN(**_GAME), "fit", _X),
    "game of inference": (MINEALI(**_GAME), "fit", _X),
}


class _Watch:
    """Notes which functions of the package are entered, and raises a fault in one.

    Attributes
    ----------
    entered : dict of code
        In order, with whether the main thread was the first to enter.
    """

    def __init__(self, where=None, fault=None):
        self.where, self.fault, self.entered = where, fault, {}

    def __enter__(self):
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *exception):
        sys.setprofile(None)
        threading.setprofile(None)

    def _profile(self, frame, event, arg):
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(_INSIDE):
            return
        in_main = threading.current_thread() is threading.main_thread()
        first = code not in self.entered
        self.entered.setdefault(code, in_main)
        # Interrupts reach the main thread alone.
        reached = in_main or not isinstance(self.fault, KeyboardInterrupt)
        if first and code is self.where and reached:
            raise self.fault


def _set():
    """What holds for the whole process."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return (
        surroundings(),
        list(warnings.filters),
        [pool["num_threads"] for pool in pools],
    )


def _open(process):
    """What is open in the process, and what lies in the temporary folder."""
    return {
        *threading.enumerate(),
        *process.children(recursive=True),
        # Where a file is read or written moves on, not least that of this output.
        *((each.path, each.fd) for each in process.open_files()),
        *os.listdir(tempfile.gettempdir()),
    }


def _numbers(estimator):
    return copy.deepcopy({k: v for k, v in vars(estimator).items() if k.endswith("_")})


@pytest.fixture
def process(tmp_path, monkeypatch):
    """This process, with thread counts that could be left at one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with threadpool_limits(2, user_api="blas"):
        yield psutil.Process()
    torch.set_num_threads(before)


def _assert_faults_do_no_harm(case, process, n_faults):
    estimator, how, *data = _CASES[case]
    sound, watched, faulty = (copy.deepcopy(estimator) for _ in range(3))
    getattr(sound, how)(*data)
    with _Watch() as watch:
        getattr(watched, how)(*data)
    entered = [code for code in watch.entered if code.co_name not in _LEFT_OUT]
    for i, where in enumerate(entered[:: max(1, len(entered) // n_faults)]):
        # They take turns, where the main thread comes by.
        interrupts = watch.entered[where] and i % 2 == 0
        fault = KeyboardInterrupt() if interrupts else MemoryError()
        _assert_fault_does_no_harm(faulty, how, data, where, fault, process)
    # What failed so often can still be fitted, to the same.
    getattr(faulty, how)(*data)
    np.testing.assert_equal(_numbers(faulty), _numbers(sound))


def _assert_fault_does_no_harm(estimator, how, data, where, fault, process):
    set_before, open_before = _set(), _open(process)
    before, numbers = vars(estimator).copy(), _numbers(estimator)
    with pytest.raises(type(fault)) as caught, _Watch(where, fault):
        getattr(estimator, how)(*data)
    what = f"{type(fault).__name__} in {where.co_qualname}"
    assert caught.value is fault, what
    del caught
    fault.__traceback__ = None
    gc.collect()
    # Threads end at their next column, and take a moment.
    deadline = time.monotonic() + 30.0
    while time.monotonic() < deadline and (
        _set() != set_before or _open(process) - open_before
    ):
        time.sleep(0.01)
    assert _set() == set_before, what
    assert not _open(process) - open_before, what
    assert vars(estimator).keys() == before.keys(), what
    np.testing.assert_equal(_numbers(estimator), numbers, what)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "case", ["solved", "by gradient", "a piece", "scores in threads", "game"]
)
def test_faults_do_no_harm(case, process):
    _assert_faults_do_no_harm(case, process, 2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", list(_CASES))
def test_faults_in_every_stage_do_no_harm(case, process):
    _assert_faults_do_no_harm(case, process, 20)


class _Fails(Callback):
    """In its second pass."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 2:
            raise RuntimeError("in a callback")


_PASSES = {"hidden_layer_sizes": 4, "max_iter": 5, "random_state": 0}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "estimator",
    [
        MINE(solver="adam", cv=2, **_PASSES),
        MINERegressor(solver="adam", cv=2, **_PASSES),
        clone(_BOTTLENECK).set_params(**_PASSES, verbose=0),
        MINEGAN(**_GAME | _PASSES),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_an_earlier_fit_outlives_a_failed_one(estimator):
    X, labels = _X[:, :2], _LABELS.astype(float)
    estimator = copy.deepcopy(estimator).fit(X, labels)
    score, numbers = estimator.score(X, labels), _numbers(estimator)
    estimator.set_params(callbacks=[_Fails()])
    with pytest.raises(RuntimeError, match="in a callback"):
        estimator.fit(_X[:40] + 5.0, _LABELS[:40] + 1)
    np.testing.assert_equal(_numbers(estimator), numbers)
    assert estimator.score(X, labels) == score
    estimator.set_params(callbacks=None).fit(X, labels)
    np.testing.assert_equal(_numbers(estimator), numbers)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_a_killed_worker_is_named_and_the_next_call_works(
    process, monkeypatch, tmp_path
):
    def killed(task, chunk):
        os.kill(os.getpid(), signal.SIGKILL)

    def score():
        return mine_score(_X, _Y, random_state=0, n_jobs=2)

    # Whatever has some size is handed over in files.
    with parallel_config(backend="loky", max_nbytes=100):
        sound = score()
        before, n_children = _set(), len(process.children())
        with monkeypatch.context() as patch:
            patch.setattr("sklearn_mine._tasks.score_chunk", killed)
            with pytest.raises(TerminatedWorkerError, match="excessive memory usage"):
                score()
        assert _set() == before
        np.testing.assert_array_equal(score(), sound)
    assert len(process.children()) <= n_children
    get_reusable_executor().shutdown(wait=True)
    deadline = time.monotonic() + 10.0
    while _files(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _files(tmp_path)


def _files(folder):
    return [each for each in folder.rglob("*") if each.is_file()]


_MANY_FITS = """
import gc
import time
import warnings

import numpy as np
import psutil

from sklearn_mine import MINE, mine_score
from sklearn_mine.generative import MINEALI, MINEGAN
from sklearn_mine.information_bottleneck import InformationBottleneckClassifier

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
y = X[:, 0] + rng.normal(size=60)
small = {"hidden_layer_sizes": 4, "max_iter": 1}
game = {"discriminator_hidden_layer_sizes": 4, "critic_hidden_layer_sizes": 4, **small}
process = psutil.Process()
for i in range(1, 1001):
    n_jobs = 2 if i % 4 == 0 else 1
    if i % 40 == 0:
        InformationBottleneckClassifier(random_state=i, **small).fit(X, y > 0)
    elif i % 40 == 1:
        MINEGAN(random_state=i, **game).fit(X)
    elif i % 40 == 2:
        MINEALI(random_state=i, **game).fit(X)
    elif i % 5 == 0:
        MINE(solver="adam", cv=2, n_jobs=n_jobs, random_state=i, **small).fit(X, y)
    elif i % 5 == 1:
        MINE(cv=2, n_jobs=n_jobs, random_state=i, **small).fit(X, y)
    else:
        mine_score(X, y, cv=2, n_jobs=n_jobs, random_state=i)
    if i in (100, 1000):
        gc.collect()
        time.sleep(1.0)  # threads that are done take a moment to end
        rss, n_files = process.memory_info().rss, process.num_fds()
        print(rss, n_files, process.num_threads(), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="file descriptors of Unix")
def test_a_thousand_fits_take_no_more_than_a_hundred():
    ran = subprocess.run(
        [sys.executable, "-c", _MANY_FITS],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    then, now = (list(map(int, line.split())) for line in ran.stdout.splitlines())
    assert now[0] < 1.05 * then[0]
    # Open files and threads.
    assert now[1] <= then[1] and now[2] <= then[2]
