import numpy as np
import pytest
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from sklearn_mine import MINE, MINEScore, mine_score


def _repeated_rows(rng):
    x = rng.normal(size=(100, 2))
    return np.concatenate([x, x]), np.concatenate([x, x])[:, 0]


@pytest.mark.parametrize(
    "call",
    [
        lambda x, y: mine_score(x, y, random_state=0),
        lambda x, y: MINEScore(random_state=0)(x, y),
        lambda x, y: SelectKBest(MINEScore(random_state=0), k=1).fit(x, y),
        lambda x, y: make_pipeline(
            SelectKBest(mine_score, k=1), LinearRegression()
        ).fit(x, y),
        lambda x, y: MINE(solver="newton").fit(x, y),
        lambda x, y: MINE(solver="newton").partial_fit(x, y),
    ],
)
def test_warnings_point_at_the_users_line(call, rng):
    with pytest.warns(UserWarning, match="rows repeat") as caught:
        call(*_repeated_rows(rng))
    assert {warning.filename for warning in caught} == {__file__}
