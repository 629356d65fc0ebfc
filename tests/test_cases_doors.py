"""Entries that a likelihood cannot have made, backends and threads: a test each."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_info, threadpool_limits

from skaws import AmortisedFactorAnalysis, AmortisedICA, AmortisedLearner, AmortisedNMF
from skaws.decoders import Linear
from skaws.likelihoods import Bernoulli, NegativeBinomial, Poisson
from skaws.likelihoods import Gamma as GammaNoise
from skaws.models import LatentVariableModel
from skaws.priors import Gamma, Gaussian, Laplace

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


# Cases 16, 21: slips, each told for what it is.

COUNTS = np.random.default_rng(0).poisson(2.0, (60, 6)).astype(float)
ESTIMATORS = [
    AmortisedFactorAnalysis(2, max_iter=5, random_state=0),
    AmortisedICA(2, max_iter=5, random_state=0),
    AmortisedNMF(2, max_iter=5, random_state=0),
    learner(Gaussian(2), Poisson(link="log")),
]
each = pytest.mark.parametrize("model", ESTIMATORS, ids=lambda own: type(own).__name__)


def test_sparse_tables_cannot_mark_what_is_missing():
    holes = COUNTS.copy()
    holes[3, 2] = np.nan
    model = AmortisedNMF(2, max_iter=5, random_state=0)
    with pytest.raises(ValueError, match=r"sparse matrix with NaN.*Pass X.toarray\(\)"):
        model.fit(csr_matrix(holes))
    model.fit(csr_matrix(COUNTS))
    with pytest.raises(ValueError, match="sparse matrix with NaN"):
        model.transform(csr_matrix(holes))
    assert np.isfinite(model.transform(holes)).all()


@each
def test_infinite_entries_are_refused_under_assume_finite_too(model):
    far = COUNTS.copy()
    far[3, 2] = np.inf
    with config_context(assume_finite=True):
        with pytest.raises(ValueError, match="infinity in row 3, column 2"):
            model.fit(far)
        model.fit(COUNTS)
        for answer in (model.transform, model.score, model.partial_fit):
            with pytest.raises(ValueError, match="infinity in row 3, column 2"):
                answer(far)


@each
def test_missing_in_columns_of_objects_is_missing(model):
    holes = COUNTS.copy()
    holes[3, 2] = np.nan
    frame = pd.DataFrame(holes.astype(object), columns=list("abcdef"))
    frame = frame.mask(frame.isna(), pd.NA)
    expected = model.fit(holes).transform(holes)
    np.testing.assert_array_equal(model.fit(frame).transform(frame), expected)
    assert list(model.feature_names_in_) == list("abcdef")


@each
@pytest.mark.parametrize(("n_samples", "error"), [(0, ValueError), (2.5, TypeError)])
def test_numbers_of_samples_are_whole_and_positive(model, n_samples, error):
    model.fit(COUNTS)
    for answer in (model.sample, lambda n: model.sample_posterior(COUNTS, n)):
        with pytest.raises(error, match="n_samples must be"):
            answer(n_samples)


@pytest.mark.parametrize(
    ("sources", "error", "words"),
    [
        (["laplace", "gauss"], ValueError, "'gauss' in its list of sources; names are"),
        (Laplace, TypeError, r"got the class Laplace. Write Laplace\(...\)"),
        (["laplace", Laplace], TypeError, "got the class Laplace"),
    ],
)
def test_sources_that_are_none_are_named(sources, error, words):
    with pytest.raises(error, match=words):
        AmortisedICA(2, sources=sources).fit(X)


def test_perplexity_asks_for_counts():
    model = AmortisedNMF(2, max_iter=5, random_state=0).fit(COUNTS)
    assert model.perplexity(COUNTS) > 1
    with pytest.raises(ValueError, match="X holds no counts"):
        model.perplexity(np.zeros((1, 6)))


def test_doubled_columns_without_a_floor_name_the_floor():
    # The likelihood has no maximum: the two differ by no noise at all.
    doubled = np.c_[X, X[:, 0]]
    model = AmortisedFactorAnalysis(2, noise_floor=0, max_iter=1500, random_state=0)
    with pytest.warns(UserWarning, match=r"column\(s\) 0, 6 .*or raise noise_floor"):
        model.fit(doubled)


# Cases 20, 86: what takes long says so.


def test_default_factors_with_holes_say_that_they_take_long():
    # 105 factors of 120 columns: 400 iterations took 112 seconds.  The warning comes first.
    wide = np.random.default_rng(0).standard_normal((1200, 120))
    wide[::3, 0] = np.nan

    def said(X, **settings):
        model = AmortisedFactorAnalysis(random_state=0, **settings)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model._warn_of_columns(X, X)
        return [str(one.message) for one in caught]

    (message,) = said(wide)
    assert "takes 105 components of 120 columns" in message and "minutes" in message
    quick = [(wide, {"n_components": 5}), (np.nan_to_num(wide), {}), (wide[:, :20], {})]
    for X, settings in (*quick, (wide, {"max_iter": 20})):
        assert not said(X, **settings)


def test_long_answers_tell_how_far_they_are(monkeypatch, capsys):
    monkeypatch.setattr("skaws.estimators.mixin.N_AT_ONCE", 100)
    for patience, verbose, n_lines in [(-1.0, 1, 3), (-1.0, 0, 0), (3600.0, 1, 0)]:
        monkeypatch.setattr("skaws.progress.PATIENCE", patience)
        model = AmortisedICA(2, max_iter=5, random_state=0).fit(X)
        model.set_params(verbose=verbose)
        capsys.readouterr()
        for answer in (model.transform, model.score_samples):
            answer(X)
            lines = capsys.readouterr().out.splitlines()
            assert len(lines) == n_lines
            assert all(line.startswith("AmortisedICA: ") for line in lines)
            if lines:
                assert "300 of 300 rows" in lines[-1]
