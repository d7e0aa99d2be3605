import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import norm, rankdata

from sklearn_mine import _encoding
from sklearn_mine._encoding import LevelMap, TableEncoder, level_column
from sklearn_mine._table import as_table

columns = hnp.arrays(
    np.float64,
    st.integers(2, 60),
    elements=st.floats(-1e6, 1e6).map(lambda value: round(value, 2)),
)


def fit_column(values, **how):
    return _encoding.fit_column(values, **how)[0]


@given(columns)
def test_encoding_is_finite_and_of_the_declared_width(values):
    encoding = fit_column(values)
    encoded = encoding.transform(values)
    assert encoded.shape == (len(values), encoding.width)
    assert np.isfinite(encoded).all()


@given(columns, st.sampled_from([1e-300, 1e-3, 1024.0, 1e300]))
def test_rank_encoding_ignores_units(values, scale):
    scaled = values * scale
    if len(np.unique(scaled)) < len(np.unique(values)) or np.isinf(scaled).any():
        return  # the numbers themselves did not survive
    np.testing.assert_array_equal(
        fit_column(scaled).transform(scaled), fit_column(values).transform(values)
    )


@given(columns)
def test_rank_encoding_keeps_order_and_ties(values):
    encoding = fit_column(values)
    if encoding.kind == "constant":
        return
    scores = encoding.transform(values)[:, 0]
    np.testing.assert_array_equal(
        rankdata(scores, method="dense"), rankdata(values, method="dense")
    )


def test_untied_column_becomes_normal_scores(rng):
    values = rng.normal(size=200)
    scores = norm.ppf((rankdata(values) - 0.5) / 200)
    encoded = fit_column(values).transform(values)
    np.testing.assert_allclose(encoded, scores[:, None], atol=1e-12)  # rounding


def test_new_values_are_interpolated_and_clamped():
    encoding = fit_column(np.arange(100.0))
    low, middle, high = encoding.transform(np.array([-1e9, 49.5, 1e9]))[:, 0]
    ends = encoding.transform(np.array([0.0, 99.0]))[:, 0]
    assert (low, high) == tuple(ends)
    assert middle == pytest.approx(0.0, abs=1e-12)  # by symmetry


def test_standard_encoding_has_zero_mean_and_unit_variance(rng):
    values = 1e6 + 3.0 * rng.normal(size=500)
    encoded = fit_column(values, encoding="standard").transform(values)[:, 0]
    # 1e6 eats six of sixteen digits.
    assert encoded.mean() == pytest.approx(0.0, abs=1e-8)
    assert encoded.std() == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("scale", [1e300, 1e-300])
@pytest.mark.parametrize("encoding", ["rank", "standard"])
def test_extreme_scales_stay_finite(scale, encoding, rng):
    values = scale * rng.normal(size=50)
    encoded = fit_column(values, encoding=encoding).transform(values)
    assert np.isfinite(encoded).all()
    assert encoded.std() > 0.5  # about 1 for either encoding


def test_few_repeated_values_are_discrete_whatever_their_dtype():
    values = np.tile([0, 1, 2, 3], 25)
    for dtype in (np.int8, np.float32, np.float64):
        encoding = fit_column(values.astype(dtype).astype(np.float64))
        assert encoding.discrete
        assert len(encoding.atoms) == 4


def test_whole_numbers_with_many_values_are_numeric(rng):
    assert not fit_column(rng.integers(10**6, size=500).astype(float)).discrete


def test_override_decides(rng):
    assert fit_column(rng.integers(100, size=500).astype(float), discrete=True).discrete
    assert not fit_column(np.tile([0.0, 1.0, 2.0], 9), discrete=False).discrete


def test_text_is_discrete_and_indicators_tell_its_values_apart():
    values = np.array(list("abcabcabc"), dtype=object)
    encoding = fit_column(values)
    assert encoding.kind == "category"
    assert encoding.discrete
    assert len(np.unique(encoding.transform(values), axis=0)) == 3


@pytest.mark.parametrize("n_labels", [40, 300])
def test_codes_are_encoded_as_text_is(n_labels, rng):
    codes = rng.integers(n_labels, size=1000).astype(float)
    codes[:50] = np.nan
    known = ~np.isnan(codes)
    text = np.full(1000, None, dtype=object)
    text[known] = [f"{int(code):04}" for code in codes[known]]
    ours, theirs = level_column(codes, discrete=True), level_column(text)
    np.testing.assert_array_equal(ours.codes, theirs.codes)
    np.testing.assert_array_equal(ours.values, theirs.values)
    assert not ours.ordered
    encoded = fit_column(codes, discrete=True)
    np.testing.assert_array_equal(
        encoded.transform(codes), fit_column(text).transform(text)
    )
    assert not encoded.transform(codes[known] + 0.5).any()
    with pytest.raises(ValueError, match="numeric when fitted"):
        encoded.transform(text)


def test_unseen_category_has_no_indicator():
    encoding = fit_column(np.array(list("abcabcabc"), dtype=object))
    new = encoding.transform(np.array(["z"], dtype=object))
    np.testing.assert_array_equal(new, np.zeros((1, 3)))


def test_unique_text_is_an_identifier_and_says_nothing():
    values = np.array([f"row {i}" for i in range(50)], dtype=object)
    encoding = fit_column(values)
    assert encoding.kind == "identifier"
    assert not encoding.informative
    assert not encoding.transform(values).any()


@pytest.mark.parametrize(
    "values",
    [np.full(5, 3.0), np.full(5, np.nan), np.array(["a"] * 5, dtype=object)],
)
def test_constant_column_is_uninformative(values):
    encoding = fit_column(values)
    assert encoding.kind == "constant"
    assert encoding.transform(values).shape == (5, 1)


def test_missing_cells_have_an_indicator():
    values = np.array([1.0, np.nan, 2.0, np.nan, 3.0, 4.0])
    encoding = fit_column(values)
    assert encoding.missing
    np.testing.assert_array_equal(
        encoding.transform(values)[:, -1], np.isnan(values).astype(float)
    )
    assert np.isfinite(encoding.transform(values)).all()


def test_constant_column_with_missing_cells_is_informative():
    values = np.array([1.0, np.nan] * 10)
    encoding = fit_column(values)
    assert encoding.informative
    assert len(np.unique(encoding.transform(values), axis=0)) == 2


def test_text_where_numbers_were_is_refused():
    encoding = fit_column(np.arange(10.0))
    with pytest.raises(ValueError, match="numeric when fitted"):
        encoding.transform(np.array(["a"], dtype=object))


def test_heavy_value_of_a_continuous_column_gets_an_indicator(rng):
    values = np.where(rng.random(1000) < 0.3, 0.0, rng.normal(size=1000))
    encoding = fit_column(values)
    assert not encoding.discrete
    np.testing.assert_array_equal(encoding.atoms, [0.0])


@given(columns)
def test_levels_cover_the_rows(values):
    levels = level_column(values)
    assert levels.codes.shape == values.shape
    counts = np.bincount(levels.codes, minlength=len(levels.values))
    assert len(counts) == len(levels.values)
    assert (counts > 0).all()
    assert np.isfinite(levels.values).all()


@given(columns)
def test_levels_do_not_split_equal_values(values):
    levels = level_column(values)
    for value in np.unique(values):
        assert len(np.unique(levels.codes[values == value])) == 1


def test_levels_of_untied_columns_are_shared(rng):
    first = level_column(rng.normal(size=300))
    second = level_column(rng.standard_cauchy(size=300))
    assert first.canonical
    assert second.canonical
    np.testing.assert_array_equal(first.values, second.values)


def test_missing_cells_are_a_level_of_their_own():
    values = np.array([*np.arange(30.0), np.nan, np.nan])
    levels = level_column(values)
    assert levels.codes[-1] == levels.codes[-2]
    assert not np.isin(levels.codes[:-2], levels.codes[-1]).any()


def test_table_encoder_puts_columns_side_by_side(rng):
    table = as_table(np.column_stack([rng.normal(size=60), np.tile([0, 1, 2], 20)]))
    encoder = TableEncoder()
    encoded = encoder.fit_transform(table)
    assert encoded.shape == (60, sum(column.width for column in encoder.columns_))
    assert encoder.informative


def test_wide_table_gets_few_indicators(rng):
    table = as_table(rng.integers(4, size=(200, 100)).astype(float))
    encoded = TableEncoder(max_indicators=64).fit_transform(table)
    # 64 indicators shared by 100 columns leave each its score alone.
    assert encoded.shape == (200, 100)


@given(columns, st.sampled_from([4, 16]))
def test_level_map_knows_the_levels_it_learnt(values, n_levels):
    levels = level_column(values, n_levels=n_levels)
    known = LevelMap(values, levels.codes)
    np.testing.assert_array_equal(known(values), levels.codes)


@given(columns, st.floats(-2e6, 2e6))
def test_level_map_gives_every_number_a_level(values, new):
    levels = level_column(values, n_levels=8)
    assert LevelMap(values, levels.codes)(np.array([new]))[0] in levels.codes


def test_level_map_keeps_single_values_to_themselves(rng):
    values = np.concatenate([np.zeros(100), rng.uniform(1.0, 2.0, size=900)])
    levels = level_column(values, n_levels=8)
    at_zero, near_zero, between = LevelMap(values, levels.codes)(
        np.array([0.0, 1e-9, 0.4])
    )
    assert at_zero != near_zero == between


def test_level_map_takes_the_nearer_level():
    known = LevelMap(np.array([0.0, 1.0, 2.0]), np.array([0, 1, 2]))
    np.testing.assert_array_equal(
        known(np.array([-5.0, 0.4, 0.6, 1.6, 9.0])), [0, 0, 1, 2, 2]
    )


def test_level_map_knows_no_number_beside_codes():
    codes = LevelMap(np.array([7.0, np.nan, 3.0]), np.array([0, 2, 1]), ordered=False)
    new = np.array([3.0, 4.0, 7.0, 1e9, np.nan])
    np.testing.assert_array_equal(codes(new), [1, -1, 0, -1, 2])


def test_level_map_of_text_and_missing_cells():
    text = np.array(["a", "b", "a", None], dtype=object)
    known = LevelMap(text, np.array([0, 1, 0, 2]))
    new = np.array(["b", "unseen", None], dtype=object)
    np.testing.assert_array_equal(known(new), [1, -1, 2])
    numbers = LevelMap(np.array([1.0, 2.0]), np.array([0, 1]))
    np.testing.assert_array_equal(numbers(np.array([np.nan, 2.0])), [-1, 1])
