"""Types as a user's own type checker sees them."""

import subprocess
import sys

import pytest

# What should not pass has to say so: in strict mode mypy tells of an unused ignore.
_CODE = """
from typing import Any, assert_type

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sklearn_mine import (
    MINE,
    MINEClassifier,
    MINERegressor,
    MINEScore,
    MINESelector,
    mine_score,
)
from sklearn_mine.generative import MINEGAN
from sklearn_mine.information_bottleneck import (
    InformationBottleneckClassifier,
    InformationPlane,
)

Floats = NDArray[np.float64]
x, y = np.zeros((100, 2)), [0, 1] * 50
frame = pl.DataFrame({"a": range(100)})

mine = MINE(hidden_layer_sizes=[32, 32], cv=3, random_state=0).fit(frame, y)
assert_type(mine, MINE)
assert_type(mine.mutual_info_, float)
assert_type(mine.history_, list[dict[str, Any]])
assert_type(mine.confidence_interval(), tuple[float, float])
assert_type(mine.pointwise_mutual_info(x, y), Floats)
assert_type(mine.partial_fit(x, y), MINE)

scores, p_values = mine_score(x, y)
assert_type(scores, Floats)
scores, p_values, std_errors = mine_score(x, y, return_std=True)
assert_type(std_errors, Floats)
assert_type(MINEScore(feature_groups={"a": [0, 1]})(x, y), tuple[Floats, Floats])

selector = MINESelector(n_features_to_select=1).fit(x, y)
assert_type(selector, MINESelector)
assert_type(selector.support_, NDArray[np.bool_])
assert_type(selector.scores_, Floats)

assert_type(MINERegressor().fit(x, y).predict(x, quantiles=[0.1, 0.9]), Floats)
assert_type(MINEClassifier().fit(x, y).predict_proba(x), Floats)
assert_type(MINEClassifier().fit(x, y).classes_, NDArray[Any])
bottleneck = InformationBottleneckClassifier().fit(x, y)
assert_type(bottleneck.mutual_info_, InformationPlane)
assert_type(MINEGAN().fit(x).n_iter_, int)

MINE(max_iter="many")  # type: ignore[arg-type]
MINE(batch_size="large")  # type: ignore[arg-type]
MINE(layers=(64, 64))  # type: ignore[call-arg]
mine.fit(x)  # type: ignore[call-arg]
mine_score(x, y, cv="three")  # type: ignore[arg-type]
"""


@pytest.mark.slow
def test_users_code_has_the_types_that_the_documentation_tells(tmp_path):
    pytest.importorskip("mypy")
    file = tmp_path / "users_code.py"
    file.write_text(_CODE)
    options = ["--strict", "--config-file=", "--follow-imports=silent"]
    options += ["--cache-dir", str(tmp_path / "cache")]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(file)],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
