"""Laws of rows that stand for all rows."""

import warnings

import numpy as np
import pytest

from skaws.estimators import validation
from skaws.estimators.validation import (
    N_ENTRIES_AT_ONCE,
    N_REPRESENTATIVE,
    check_observed,
    check_sample_weight,
    merged_rows,
    representative_rows,
    warn_of_constant_columns,
)


@pytest.fixture
def X():
    return np.random.default_rng(0).standard_normal((20, 3))


def test_a_small_table_represents_itself(X):
    np.testing.assert_array_equal(representative_rows(X), X)


@pytest.mark.parametrize(
    "weights",
    [
        np.ones(20),
        np.arange(1, 21),
        np.full(20, 7),
        np.repeat([0, 3], 10),
        np.eye(20)[4] + 1,
    ],
    ids=["ones", "rising", "sevens", "some zero", "one of two"],
)
def test_integer_weights_repeat_rows(weights, X):
    expected = np.repeat(X, weights.astype(int), axis=0)
    np.testing.assert_array_equal(representative_rows(X, weights), expected)


def test_integer_weights_repeat_rows_where_most_rows_weigh_nothing(X):
    weights = np.zeros(20)
    weights[[3, 8]] = 2, 1
    rows = representative_rows(X, weights)
    # Shares count, not the number of rows: two thirds of them are row 3.
    assert np.mean(np.all(rows == X[3], axis=1)) == pytest.approx(2 / 3)
    assert np.mean(np.all(rows == X[8], axis=1)) == pytest.approx(1 / 3)


def test_rows_without_weight_represent_nothing(X):
    weights = np.random.default_rng(1).random(20) * (np.arange(20) % 3 > 0)
    rows = representative_rows(X, weights)
    assert not any((row == X[::3]).all(axis=1).any() for row in rows)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_large_table_is_represented_by_so_many_rows_in_its_order(weighted):
    n_samples = 3 * N_REPRESENTATIVE + 1
    X = np.arange(n_samples, dtype=float)[:, None]
    weights = np.full(n_samples, 0.1) if weighted else None
    rows = representative_rows(X, weights).ravel()
    assert rows.shape == (N_REPRESENTATIVE,)
    gaps = np.diff(rows)
    assert gaps.min() >= 3 and gaps.max() <= 4
    assert rows[0] == n_samples - 1 - rows[-1]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_rows_come_as_often_as_their_share_of_the_weights(scale):
    # Evenly spaced positions: counts are off by less than one.
    n_samples = N_REPRESENTATIVE + 1000
    weights = scale * np.random.default_rng(0).exponential(size=n_samples)
    rows = representative_rows(np.arange(n_samples)[:, None], weights).ravel().astype(int)
    counts = np.bincount(rows, minlength=n_samples)
    assert len(rows) == N_REPRESENTATIVE
    expected = weights / weights.sum() * N_REPRESENTATIVE
    assert np.abs(counts - expected).max() < 1


class Recorder:
    """A table that remembers how many entries were read at once."""

    def __init__(self, X):
        self.X, self.shape, self.most = X, X.shape, 0

    def __getitem__(self, index):
        read = self.X[index]
        self.most = max(self.most, read.size)
        return read


def test_few_entries_are_read_at_once():
    table = Recorder(np.zeros((N_ENTRIES_AT_ONCE, 2), dtype=np.float32))
    representative_rows(table)
    assert table.most <= N_ENTRIES_AT_ONCE


def test_rows_of_a_file_are_plain_float64_in_memory(tmp_path):
    X = np.memmap(tmp_path / "X", dtype=np.float32, mode="w+", shape=(50, 2))
    X[:] = np.arange(100).reshape(50, 2)
    rows = representative_rows(X)
    assert type(rows) is np.ndarray and rows.dtype == np.float64
    np.testing.assert_array_equal(rows, X)


def with_repeats(rng):
    """Rows with many repeats and integer weights, zero among them."""
    index = rng.integers(6, size=40)
    return np.random.default_rng(7).standard_normal((6, 3))[index], rng.integers(3, size=40)


@pytest.mark.parametrize("holes", [False, True], ids=["complete", "with holes"])
def test_merged_rows_do_not_depend_on_the_order_of_rows(holes):
    rng = np.random.default_rng(0)
    X, weights = with_repeats(rng)
    if holes:
        X[X < -1] = np.nan
    order = rng.permutation(len(X))
    first, second = merged_rows(X, weights), merged_rows(X[order], weights[order])
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize("holes", [False, True], ids=["complete", "with holes"])
def test_a_row_repeated_is_a_row_that_weighs_more(holes):
    X, weights = with_repeats(np.random.default_rng(0))
    if holes:
        X[X < -1] = np.nan
        assert np.isnan(X).any()
    weighted, repeated = (
        merged_rows(X, weights),
        merged_rows(np.repeat(X, weights, 0), None),
    )
    np.testing.assert_array_equal(weighted[0], repeated[0])
    np.testing.assert_array_equal(weighted[1], repeated[1])


def test_merged_weights_do_not_depend_on_the_order_of_rows_to_the_last_bit():
    X, weights = np.ones((3, 2)), np.array([0.1, 0.2, 0.3])  # 0.1 + 0.2 + 0.3 rounds
    assert merged_rows(X, weights)[1] == merged_rows(X, weights[::-1])[1]


def test_merged_rows_are_distinct_and_keep_the_sum_of_weights():
    X, weights = with_repeats(np.random.default_rng(0))
    rows, merged = merged_rows(X, weights)
    assert len(np.unique(rows, axis=0)) == len(rows) == len(merged) == 6
    assert merged.sum() == weights.sum()
    for row, weight in zip(rows, merged, strict=True):
        assert weight == weights[(row == X).all(axis=1)].sum()


def test_merged_rows_leave_out_what_weighs_nothing(X):
    rows, weights = merged_rows(X, np.repeat([0.0, 1.0], 10))
    assert len(rows) == 10 and np.all(weights == 1.0)


def test_sample_weight_becomes_float64_and_none_stays_none(X):
    assert check_sample_weight(None, X) is None
    weights = check_sample_weight(list(range(20)), X)
    assert weights.dtype == np.float64 and weights.shape == (20,)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((20, 1)), r"sample_weight must have one axis.*got shape \(20, 1\)"),
        (np.ones(19), "inconsistent numbers of samples"),
        (np.linspace(-1, 1, 20), "sample_weight must be non-negative.*from -1 to 1"),
        (np.zeros(20), "sample_weight is zero for every row"),
        (np.full(20, np.nan), "sample_weight contains NaN"),
        (np.full(20, np.inf), "sample_weight contains infinity"),
    ],
    ids=["two axes", "too few", "negative", "all zero", "nan", "infinite"],
)
def test_unusable_weights_are_refused_in_words(weights, message, X):
    with pytest.raises(ValueError, match=message):
        check_sample_weight(weights, X)


def test_rows_with_some_observed_entries_pass(X):
    X[np.arange(20), np.arange(20) % 3] = np.nan
    check_observed(X, "Toy")


@pytest.mark.parametrize("n_at_once", [3, 10_000])
def test_an_empty_row_is_named(n_at_once, X, monkeypatch):
    monkeypatch.setattr(validation, "N_AT_ONCE", n_at_once)
    X[13] = np.nan
    with pytest.raises(ValueError, match="Row 13 of X has no observed entry.*Toy needs"):
        check_observed(X, "Toy")


@pytest.mark.parametrize("n_at_once", [3, 10_000])
def test_an_empty_column_is_named(n_at_once, X, monkeypatch):
    monkeypatch.setattr(validation, "N_AT_ONCE", n_at_once)
    X[:, 1] = np.nan
    with pytest.raises(ValueError, match="Column 1 of X has no observed entry.*Toy needs"):
        check_observed(X, "Toy")


def test_a_column_observed_in_one_batch_only_is_observed(X, monkeypatch):
    monkeypatch.setattr(validation, "N_AT_ONCE", 3)
    X[1:, 1] = np.nan
    check_observed(X, "Toy")


def test_constant_columns_are_named(X):
    X[:, 0], X[:, 2], X[3, 2] = 5.0, 1.0, np.nan
    with pytest.warns(UserWarning, match=r"Column\(s\) 0, 2 of X are constant.*Toy"):
        warn_of_constant_columns(X, X, "Toy")


def test_columns_that_vary_raise_no_warning_even_where_their_representatives_do_not(X):
    X[:10, 1] = 2.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_constant_columns(X, X[:10], "Toy")
