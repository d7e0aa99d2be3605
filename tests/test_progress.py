"""A bar for whatever takes long."""

import gc
import time

import pytest

from sklearn_mine._progress import is_told, progress, reached, share, working
from sklearn_mine.nn.scoring import for_each


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr("sklearn_mine._progress.QUIET_SECONDS", 0.05)
    monkeypatch.setattr("sklearn_mine._progress._TICK", 0.05)


def test_a_bar_is_shown_before_anything_is_done(at_once, capsys):
    with progress(3, "work", "piece"):
        time.sleep(0.3)
        assert "work:   0%" in capsys.readouterr().err


def test_short_or_silent_work_shows_nothing(capsys):
    with working("work", shown=True):
        reached(0.5)
    with working("work", shown=False):
        assert not is_told()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_shares_of_shares_add_up(at_once, capsys, n_jobs):
    with working("work", shown=True):
        with share(0.0, 0.5):
            for_each(time.sleep, [(0.1,)] * 4, n_jobs, tells=True)
            with share(0.5, 1.0):
                # Judges among other work do not move the bar.
                for_each(time.sleep, [(0.1,)] * 4, n_jobs)
        time.sleep(0.3)
        assert "work:  50%" in capsys.readouterr().err
    assert not is_told()
    assert "work: 100%" in capsys.readouterr().err


def test_a_bar_that_nobody_closes_is_forgotten(at_once, capsys):
    bar = progress(0, "work", "piece")
    time.sleep(0.2)
    del bar
    gc.collect()
    capsys.readouterr()
    time.sleep(0.3)
    assert capsys.readouterr().err == ""


def test_what_only_time_has_drawn_is_ended(at_once, capsys):
    with progress(3, "work", "piece"):
        time.sleep(0.3)
    assert capsys.readouterr().err.endswith("\n")


def test_silent_work_inside_moves_no_bar(at_once, capsys):
    with working("outside", shown=True):
        with working("inside", shown=False):
            reached(0.9)
        time.sleep(0.3)
        assert "90%" not in capsys.readouterr().err


def test_an_error_leaves_no_bar_behind(at_once):
    with pytest.raises(RuntimeError), working("work", shown=True), share(0.0, 0.5):
        raise RuntimeError
    assert not is_told()
