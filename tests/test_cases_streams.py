"""Streams, warm starts and weighted scores: what once went wrong, a test each."""

import numpy as np
import pytest
import sklearn
from sklearn.decomposition import FactorAnalysis
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skaws import (
    AmortisedFactorAnalysis,
    AmortisedICA,
    AmortisedLearner,
    AmortisedNMF,
)

from .common import gaussian_model, newer_than_1_8

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.standard_normal((1500, 2)) @ rng.standard_normal((2, 6))
X += 0.5 * rng.standard_normal((1500, 6))
COUNTS = rng.poisson(3.0, (101, 5)).astype(float)


def factors(**options):
    return AmortisedFactorAnalysis(2, random_state=0, **options)


# Cases 07, 48: the first chunk is not for ever.


@pytest.mark.parametrize("kind", ["one column", "all columns", "one row"])
def test_first_chunk_of_a_stream_does_not_decide(kind):
    table = X.copy()
    if kind == "one column":
        table[:50, 2] = 1.0
    elif kind == "all columns":
        table[:50] = 1.0
    chunks = [table[i : i + 50] for i in range(0, 1500, 50)]
    if kind == "one row":
        chunks = [table[:1], table[1:50], *chunks[1:]]
    model = factors()
    for _ in range(3):
        for chunk in chunks:
            model.partial_fit(chunk)
    # The mean over one pass and a half: within a tenth of a nat of the maximum.
    best = FactorAnalysis(2, tol=1e-8, max_iter=2000).fit(X[50:]).score(X[50:])
    assert model.score(X[50:]) > best - 0.1


def test_enough_rows_are_not_started_from_anew():
    model = factors().partial_fit(X[:600])
    assert model._stream.rows is None  # and no rows are kept
    once, state = model.components_, model._state
    model.partial_fit(X[600:])
    assert model._state.n_iter > state.n_iter
    assert not np.array_equal(model.components_, once)


@pytest.mark.parametrize("cls", [AmortisedFactorAnalysis, AmortisedICA, AmortisedNMF])
def test_streams_may_come_row_by_row(cls):
    model = cls(2, random_state=0)
    for i in (slice(0, 1), slice(1, 2), slice(2, 4), slice(4, 101)):
        model.partial_fit(COUNTS[i])
    assert np.isfinite(model.score(COUNTS))


def test_history_of_a_stream_is_bounded(monkeypatch):
    monkeypatch.setattr("skaws.estimators.base.N_REMEMBERED", 5)
    model = factors()
    for _ in range(8):
        model.partial_fit(X[:600])
    assert model.n_iter_ == 8
    assert {len(values) for values in model.history_.values()} == {5}


# Case 74: parameters set between calls.


def test_stream_takes_settings_and_refuses_another_model():
    one, other = factors().partial_fit(X), factors().partial_fit(X)
    one.partial_fit(X)
    other.set_params(learning_rate=1e-6).partial_fit(X)
    assert not np.array_equal(one.components_, other.components_)
    with pytest.raises(ValueError, match="n_components of .* was set to 3 after"):
        one.set_params(n_components=3).partial_fit(X)
    one.set_params(n_components=2, rotation="varimax").partial_fit(X)
    counts = AmortisedNMF(2, random_state=0).partial_fit(COUNTS)
    with pytest.raises(ValueError, match="likelihood of AmortisedNMF was set to"):
        counts.set_params(likelihood="negative_binomial").partial_fit(COUNTS)
    sources = AmortisedICA(2, max_iter=5, random_state=0).fit(X)
    with pytest.raises(ValueError, match="sources of AmortisedICA was set to"):
        sources.set_params(sources="uniform").partial_fit(X)
    learner = AmortisedLearner(gaussian_model(), max_iter=5, random_state=0).fit(X)
    with pytest.raises(ValueError, match="model of AmortisedLearner was set to"):
        learner.set_params(model=gaussian_model(3)).partial_fit(X)


# Case 05: warm starts with a seed.


def test_warm_starts_do_not_replay_their_numbers():
    model = factors(max_iter=30, warm_start=True)
    scores = [model.fit(X).score(X) for _ in range(8)]
    # It fell by .003 a call, and rises from the first on by more than it scatters.
    assert min(scores[1:]) > scores[0]
    again = factors(max_iter=30, warm_start=True)
    assert scores == [again.fit(X).score(X) for _ in range(8)]


# Case 77: weighted scores, also in searches of pipelines.


@newer_than_1_8("scikit-learn")  # routing through pipelines
def test_scores_take_weights():
    model = factors(max_iter=5).fit(X)
    weights = rng.integers(0, 3, len(X)).astype(float)
    expected = model.score(np.repeat(X, weights.astype(int), axis=0))
    np.testing.assert_allclose(model.score(X, sample_weight=weights), expected)
    with pytest.raises(ValueError, match="must be non-negative"):
        model.score(X, sample_weight=-weights)
    with sklearn.config_context(enable_metadata_routing=True):
        learner = factors(max_iter=5).set_fit_request(sample_weight=True)
        learner.set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        search = GridSearchCV(
            make_pipeline(scaler, learner),
            {"amortisedfactoranalysis__n_components": [1, 2]},
            cv=2,
            error_score="raise",
        )
        assert search.fit(X, sample_weight=weights).best_score_ < 0


# Cases 21, 22: slips.


def test_masked_entries_are_missing():
    hidden = X > 2.5
    masked = np.ma.array(np.where(hidden, 999.0, X), mask=hidden)
    one, other = (
        factors(max_iter=5).fit(table) for table in (masked, np.where(hidden, np.nan, X))
    )
    np.testing.assert_array_equal(one.components_, other.components_)
    np.testing.assert_array_equal(
        one.transform(masked), other.transform(masked.filled(np.nan))
    )


def test_true_is_no_number_of_components():
    with pytest.raises(ValueError, match="n_components of AmortisedICA must be a number"):
        AmortisedICA(True).fit(X)
