"""Entries that a likelihood cannot have made, backends and threads: a test each."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_info, threadpool_limits

from skaws import AmortisedFactorAnalysis, AmortisedICA, AmortisedLearner, AmortisedNMF
from skaws.decoders import Linear
from skaws.likelihoods import Bernoulli, NegativeBinomial, Poisson
from skaws.likelihoods import Gamma as GammaNoise
from skaws.models import LatentVariableModel
from skaws.priors import Gamma, Gaussian

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.standard_normal((300, 2)) @ rng.standard_normal((2, 6))
X += 0.5 * rng.standard_normal(X.shape)
BINARY = (X > 0) * 1.0


def learner(prior, likelihood, nonnegative=False):
    model = LatentVariableModel(prior, Linear(nonnegative=nonnegative), likelihood)
    return AmortisedLearner(model, max_iter=5, random_state=0)


# Cases 10, 11: codes of other kinds, and entries that are no counts.


@pytest.mark.parametrize("other", [2 * BINARY - 1, BINARY + 1, 5 * BINARY])
def test_codes_other_than_0_and_1_are_refused(other):
    model = learner(Gaussian(2), Bernoulli())
    with pytest.raises(ValueError, match="Bernoulli needs entries between 0 and 1; X has"):
        model.fit(other)
    model.fit(BINARY)
    assert model.score_samples(BINARY).max() < 0  # probabilities
    for answer in (model.transform, model.score, model.partial_fit):
        with pytest.raises(ValueError, match="Bernoulli needs"):
            answer(other)


@pytest.mark.parametrize(
    "model",
    [
        learner(Gaussian(2), Poisson(link="log")),
        learner(Gamma(2), Poisson(), True),
        learner(Gamma(2), NegativeBinomial(), True),
        learner(Gamma(2), GammaNoise(), True),
    ],
    ids=lambda model: repr(model.model.likelihood),
)
def test_negative_entries_are_refused_before_any_work(model):
    name = type(model.model.likelihood).__name__
    with pytest.raises(ValueError, match=f"{name} needs (non-negative|positive) entries"):
        model.fit(X)
    model.fit(np.abs(X).round() + 1)


# Case 75: backends that give all results at once.


@pytest.mark.parametrize("n_init", [1, 2])
def test_fits_under_backends_without_generators(n_init):
    model = AmortisedFactorAnalysis(2, n_init=n_init, max_iter=5, random_state=0)
    expected = model.fit(X).components_
    with joblib.parallel_config("multiprocessing", n_jobs=2):
        np.testing.assert_array_equal(model.fit(X).components_, expected)


# Case 85: the number of BLAS threads is what it was, however many ask at a time.


def n_blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_threads_leave_blas_as_it_was():
    model = AmortisedICA(2, max_iter=5, random_state=0).fit(X)
    with threadpool_limits(2):
        before = n_blas_threads()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda n: model.transform(X[: 50 + n]), range(24)))
        assert n_blas_threads() == before


def test_counts_are_asked_of_nmf_too():
    with pytest.raises(ValueError, match="Negative values in data passed to"):
        AmortisedNMF(2).fit(X)


# Case 80: tables of lower rank than there are parts.


@pytest.mark.parametrize(
    "table", [np.outer(np.arange(1, 51), [1.0, 2.0, 0.0, 4.0]), np.zeros((50, 4))]
)
def test_parts_of_tables_of_low_rank(table):
    for seed in range(5):
        model = AmortisedNMF(3, max_iter=2, random_state=seed).fit(table)
        assert np.isfinite(model.components_).all()


# Cases 17, 18: a column twice, and fewer rows than factors that columns could identify.


def test_noise_that_vanishes_in_factor_analysis_is_told():
    doubled = np.hstack([X, X[:, :1]])
    with pytest.warns(UserWarning, match=r"column\(s\) 0, 6 has nearly vanished"):
        AmortisedFactorAnalysis(2, max_iter=1000, random_state=0).fit(doubled)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        AmortisedFactorAnalysis(2, random_state=0).fit(X)


def test_number_of_factors_is_bounded_by_rows():
    wide = rng.standard_normal((8, 40))
    assert AmortisedFactorAnalysis(max_iter=2, random_state=0).fit(wide).n_components_ == 7
    assert AmortisedFactorAnalysis(max_iter=2, random_state=0).fit(X).n_components_ == 3


# Case 50: rows without weight fill whole batches.


@pytest.mark.parametrize("cls", [AmortisedFactorAnalysis, AmortisedNMF])
def test_batches_without_weight_are_left_out(cls):
    weights = np.zeros(len(X))
    weights[:20] = 1.0
    model = cls(2, batch_size=10, max_iter=60, random_state=0)
    model.fit(np.abs(X).round(), sample_weight=weights)
    assert np.isfinite(model.score(np.abs(X).round()))
