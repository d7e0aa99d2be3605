"""The examples that docs point at do what docs say they do."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_EXAMPLES = Path(__file__).parent.parent / "examples"


def _printed(name, **environment):
    done = subprocess.run(
        [sys.executable, _EXAMPLES / name],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    return [float(each) for each in re.findall(r"-?\d+\.\d+", done.stdout)]


@pytest.mark.parametrize(
    "name", ["information_in_torch_loop.py", "information_in_skorch.py"]
)
def test_loop_of_somebody_else_is_short(name):
    lines = (_EXAMPLES / name).read_text().split('"""', 2)[2].splitlines()
    assert sum(bool(line.strip()) for line in lines) < 40


@pytest.mark.slow
def test_plain_loop_raises_one_information_and_lowers_the_other():
    kept, _, dropped, _ = _printed("information_in_torch_loop.py")
    assert kept > 1.0
    assert abs(dropped) < 0.1


@pytest.mark.slow
def test_skorch_lowers_information():
    _, _, free, _, _, dear = _printed("information_in_skorch.py")
    assert dear < 0.5 * free


@pytest.mark.slow
def test_encoder_trained_by_information_beats_a_random_one():
    if "SKLEARN_MINE_MNIST" not in os.environ:
        pytest.skip("SKLEARN_MINE_MNIST names no folder with MNIST")
    *_, random, trained = _printed("deep_infomax.py")
    assert trained > random + 0.05
