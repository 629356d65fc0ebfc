"""What is right stays right: containers, seeds, weights, odd tables; a test a case."""

import copy
import pickle
import warnings

import autograd.numpy as anp
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from autograd.scipy.special import gammaln
from scipy.stats import multivariate_normal
from sklearn.decomposition import FactorAnalysis
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skaws import AmortisedFactorAnalysis, AmortisedICA, AmortisedLearner, AmortisedNMF
from skaws.models import FunctionModel
from skaws.supports import Interval, Positive

from .common import newer_than_1_8

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # fits here are short
]

SHORT = {"max_iter": 20, "random_state": 0}
NAMED = [AmortisedFactorAnalysis, AmortisedICA, AmortisedNMF]
rng = np.random.default_rng(0)
COUNTS = rng.poisson(rng.gamma(0.5, 2, (300, 3)) @ rng.gamma(1, 3, (3, 8)))
COUNTS = np.minimum(COUNTS, 120)
COUNTS[3] = 0
ROWS = rng.standard_normal((400, 2)) @ rng.standard_normal((2, 6))
ROWS += 0.5 * rng.standard_normal(ROWS.shape)


# Cases 30, 31, 40: types of numbers, sparse formats, frames.


@pytest.mark.parametrize("cls", NAMED)
def test_all_types_of_numbers_give_the_same_bits(cls):
    expected = cls(2, **SHORT).fit(COUNTS.astype(float))
    types = ["uint8", "int8", "uint64", "float16", "float32", "longdouble", "object"]
    for dtype in types:
        model = cls(2, **SHORT).fit(COUNTS.astype(dtype))
        np.testing.assert_array_equal(model.components_, expected.components_)
        latents = model.transform(COUNTS.astype(dtype))
        np.testing.assert_allclose(latents, expected.transform(COUNTS), atol=1e-5)


def test_all_sparse_formats_give_the_same_bits():
    expected = AmortisedNMF(3, **SHORT).fit(COUNTS)
    latents = expected.transform(COUNTS)
    wide = sp.csr_matrix(COUNTS)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    i, j = np.nonzero(COUNTS)
    halves = np.r_[COUNTS[i, j], COUNTS[i, j]] / 2, (np.r_[i, i], np.r_[j, j])
    doubled = sp.coo_matrix(halves, shape=COUNTS.shape)
    names = "csr_matrix csc_matrix coo_matrix lil_matrix dok_matrix bsr_matrix csr_array"
    formats = [getattr(sp, name)(COUNTS) for name in names.split()]
    for table in (*formats, wide, doubled, sp.csr_matrix(COUNTS.astype(np.uint8))):
        model = AmortisedNMF(3, **SHORT).fit(table)
        np.testing.assert_array_equal(model.components_, expected.components_)
        np.testing.assert_array_equal(model.transform(table), latents)


@newer_than_1_8("scikit-learn")  # names of polars
def test_frames_of_all_kinds_give_the_same_latents():
    holes = ROWS.copy()
    holes[3, 0] = np.nan
    names = list("abcdef")
    frame = pd.DataFrame(holes, columns=names)
    lists = {
        name: [None if np.isnan(value) else value for value in column]
        for name, column in zip(names, holes.T, strict=True)
    }
    frames = [
        frame,
        frame.astype("Float64"),
        frame.astype(object).where(frame.notna(), None),
        pl.DataFrame(lists),
    ]
    expected = AmortisedFactorAnalysis(1, **SHORT).fit(holes).transform(holes)
    for own in frames:
        model = AmortisedFactorAnalysis(1, **SHORT).set_output(transform="polars").fit(own)
        found = model.transform(own)
        assert isinstance(found, pl.DataFrame)
        np.testing.assert_allclose(found.to_numpy(), expected, atol=1e-12)
        assert list(model.feature_names_in_) == names


# Cases 32, 35, 37, 39: units, signs, shapes and densities.


@pytest.mark.parametrize("unit", [np.logspace(-12, 12, 6), 1e-100, 1e100])
def test_units_of_columns_move_the_score_alone(unit):
    one = AmortisedFactorAnalysis(2, random_state=0).fit(ROWS)
    other = AmortisedFactorAnalysis(2, random_state=0).fit(ROWS * unit)
    shift = np.sum(np.log(unit * np.ones(6)))
    assert abs(other.score(ROWS * unit) + shift - one.score(ROWS)) < 1e-9
    # The sign of a factor is that of its largest loading, which has units.
    latents = np.abs(other.transform(ROWS * unit))
    np.testing.assert_allclose(latents, np.abs(one.transform(ROWS)), atol=1e-6)


def test_signs_and_order_do_not_depend_on_the_seed():
    rng = np.random.default_rng(0)
    sources = rng.laplace(size=(1500, 3))
    mixing = np.array([[3.0, 0, 0, 1, 1, 0], [0, 2, 0, -1, 0, 1], [0, 0, 1, 0, -1, 1]])
    X = sources @ mixing + 0.1 * rng.standard_normal((1500, 6))
    first, second = (AmortisedICA(3, random_state=seed).fit(X) for seed in (0, 1))
    # Standard errors of entries are about 1 / sqrt(1500) = .026 of their column's size.
    sizes = np.linalg.norm(first.mixing_, axis=0)
    assert np.all(np.abs(first.mixing_ - second.mixing_) < 0.026 * sizes)
    latents = first.transform(X)
    for j in range(3):
        assert np.corrcoef(latents[:, j], sources[:, j])[0, 1] > 0.99
    np.testing.assert_allclose(first.components_ @ first.mixing_, np.eye(3), atol=1e-9)


def test_more_factors_than_columns_are_kept():
    X = np.random.default_rng(0).standard_normal((300, 4))
    model = AmortisedFactorAnalysis(6, random_state=0).fit(X)
    assert model.components_.shape == (6, 4)
    independent = -0.5 * np.sum(np.log(2 * np.pi * X.var(axis=0)) + 1)
    assert model.score(X) > independent - 0.01


@pytest.mark.parametrize("shape", [(10, 10), (50, 4), (20, 100)])
def test_scores_of_factors_are_log_densities(shape):
    X = 1e-3 * np.random.default_rng(0).standard_normal(shape)
    model = AmortisedFactorAnalysis(2, random_state=0).fit(X)
    density = multivariate_normal(model.mean_, model.get_covariance(), True).logpdf(X)
    np.testing.assert_allclose(model.score_samples(X), density, rtol=1e-9)


# Cases 33, 34: rows and columns of zeros, long tables and single rows.


def test_rows_of_zeros_have_the_exact_answer():
    empty = COUNTS.copy()
    empty[:, 4] = 0
    model = AmortisedNMF(3, random_state=0).fit(empty)
    shape, size = model.shape_, model.components_.sum(axis=1)
    # Given no count, latents are Gamma(shape, shape + size): 200 draws of such skewed ones
    # have a standard error of about a tenth.
    exact = shape / (shape + size)
    zeros = np.zeros((1, 8))
    np.testing.assert_allclose(model.transform(zeros)[0], exact, rtol=0.4)
    log_probability = np.sum(shape * np.log(shape / (shape + size)))
    assert abs(model.score_samples(zeros)[0] - log_probability) < 0.15
    assert np.all(model.components_[:, 4] < 1e-3)


@pytest.mark.parametrize("cls", NAMED)
def test_long_tables_and_single_rows_have_the_same_answers(cls):
    model = cls(2, **SHORT).fit(COUNTS)
    long = np.tile(COUNTS, (9, 1))
    latents, scores = model.transform(long), model.score_samples(long)
    for i in range(10):
        one = model.transform(COUNTS[i : i + 1])[0]
        np.testing.assert_allclose(one, latents[i], atol=1e-12)
    np.testing.assert_array_equal(latents[-300:], model.transform(COUNTS))
    np.testing.assert_array_equal(scores[-300:], model.score_samples(COUNTS))


# Cases 36, 41, 42, 45, 46: seeds, pickles, searches, weights and chunks.


def test_answers_do_not_depend_on_processes_or_on_the_order_of_rows():
    one, two = (
        AmortisedICA(2, n_init=2, n_jobs=n_jobs, **SHORT).fit(ROWS) for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one.mixing_, two.mixing_)
    shuffled = np.random.default_rng(1).permutation(ROWS)
    other = AmortisedICA(2, n_init=2, **SHORT).fit(shuffled)
    np.testing.assert_allclose(one.mixing_, other.mixing_, atol=1e-9)


@pytest.mark.parametrize("cls", NAMED)
def test_copies_go_on_alike(cls):
    model = cls(2, **SHORT).fit(COUNTS)
    copies = pickle.loads(pickle.dumps(model)), copy.deepcopy(model)
    for own in copies:
        np.testing.assert_array_equal(own.transform(COUNTS), model.transform(COUNTS))
        own.partial_fit(COUNTS)
    np.testing.assert_array_equal(copies[0].components_, copies[1].components_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_one_bad_candidate_does_not_end_a_search():
    factors = AmortisedFactorAnalysis(max_iter=60, random_state=0)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), factors),
        {"amortisedfactoranalysis__n_components": [2, -1]},
        cv=3,
    ).fit(ROWS)
    assert search.best_params_ == {"amortisedfactoranalysis__n_components": 2}
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]


def test_weights_are_repetitions_of_any_unit():
    def fitted(X, weights=None):
        return AmortisedFactorAnalysis(1, **SHORT).fit(X, sample_weight=weights).components_

    weights = np.r_[np.zeros(100), np.ones(300)]
    np.testing.assert_array_equal(fitted(ROWS, weights), fitted(ROWS[100:]))
    repeated = np.repeat(ROWS, (weights + 1).astype(int), axis=0)
    np.testing.assert_array_equal(fitted(ROWS, weights + 1), fitted(repeated))
    np.testing.assert_allclose(fitted(ROWS, np.full(400, 1e-300)), fitted(ROWS), rtol=1e-9)


@pytest.mark.parametrize(("size", "n_passes"), [(100, 10), (5, 3)])
def test_streams_of_few_rows_come_near_to_em(size, n_passes):
    best = FactorAnalysis(2, tol=1e-8, max_iter=5000).fit(ROWS).score(ROWS)
    model = AmortisedFactorAnalysis(2, random_state=0)
    for _ in range(n_passes):
        for first in range(0, len(ROWS), size):
            model.partial_fit(ROWS[first : first + size])
    # The truth itself lies 24 params / (2 * 400 rows) = .03 below the maximum, in the mean.
    assert best - model.score(ROWS) < 0.06


# Cases 43, 47: simulators of other shapes, and a maximum at the edge.


def sample(params, n_samples, rng):
    z = params["m"] + rng.standard_normal((n_samples, 1))
    return z, z + rng.standard_normal((n_samples, 2))


def log_joint(params, z, x):
    return -0.5 * anp.sum((z - params["m"]) ** 2 + (x - z) ** 2, axis=1)


OTHERS = {
    "expected an array of shape": lambda p, n, r: (
        sample(p, n, r)[0][:, 0],
        np.ones((n, 2)),
    ),
    "as list": lambda p, n, r: tuple(own.tolist() for own in sample(p, n, r)),
    "as DataFrame": lambda p, n, r: tuple(map(pd.DataFrame, sample(p, n, r))),
    "one row a sample": lambda p, n, r: sample(p, 50, r),
    "observations of 1 columns": lambda p, n, r: sample(p, n, r)[::-1],
    "return no missing entries": lambda p, n, r: (
        sample(p, n, r)[0],
        np.where(r.random((n, 2)) < 0.1, np.nan, 0.0),
    ),
    "can only concatenate tuple": lambda p, n, r: sample(p, n, r) + 1,
}


@pytest.mark.parametrize("words", OTHERS)
def test_simulators_of_other_shapes_are_told(words):
    model = FunctionModel(OTHERS[words], log_joint, lambda X, rng: {"m": 0.0})
    X = sample({"m": 0.0}, 200, np.random.default_rng(0))[1]
    with pytest.raises((TypeError, ValueError, FloatingPointError), match=words):
        AmortisedLearner(model, max_iter=5, random_state=0).fit(X)


LOG_JOINTS = {
    "one value a pair": lambda p, z, x: log_joint(p, z, x)[:, None],
    "returned shape": lambda p, z, x: anp.sum(log_joint(p, z, x)),
    "not finite for 50 of 50": lambda p, z, x: log_joint(p, z, x) * np.nan,
    "is not finite for w": lambda p, z, x: log_joint(p, z, x) - anp.linalg.norm(p["w"]),
}


@pytest.mark.parametrize("words", LOG_JOINTS)
def test_log_joints_of_other_shapes_are_told(words):
    start = {"m": 0.0, "w": np.zeros(2)}
    model = FunctionModel(sample, LOG_JOINTS[words], lambda X, rng: start)
    X = sample({"m": 0.0}, 200, np.random.default_rng(0))[1]
    with pytest.raises((ValueError, FloatingPointError), match=words):
        AmortisedLearner(model, max_iter=5, random_state=0).fit(X)


def inflated(start):
    """Counts of which a share ``1 - a`` is zero for another reason."""

    def sample(params, n_samples, rng):
        z = (rng.random((n_samples, 1)) < params["a"]) * 1.0
        return z, z * rng.poisson(params["rate"], (n_samples, 3))

    def log_joint(params, z, x):
        rate = params["rate"]
        on = anp.sum(x * anp.log(rate) - rate - gammaln(x + 1), axis=1)
        off = np.where(np.all(x == 0, axis=1), 0.0, -np.inf)
        active = anp.log(params["a"]) + on
        return anp.where(z[:, 0] == 1, active, anp.log(1 - params["a"]) + off)

    supports = {"a": Interval(0.0, 1.0), "rate": Positive()}
    return FunctionModel(
        sample, log_joint, lambda X, rng: {"a": start, "rate": 1.0}, supports
    )


def test_maximum_at_the_edge_of_a_support_is_approached():
    X = np.random.default_rng(0).poisson(4, (300, 3)).astype(float)
    learner = AmortisedLearner(inflated(0.5), max_iter=800, random_state=0).fit(X)
    assert learner.params_["a"] > 0.99
    assert abs(learner.params_["rate"] - X.mean()) < 0.05
    for start, words in [(1.0, "strictly between 0 and 1"), (1e-9, "start .* where")]:
        with pytest.raises(ValueError, match=words):
            AmortisedLearner(inflated(start), random_state=0).fit(X)


def test_healthy_short_tables_raise_no_numerical_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for cls in NAMED:
            model = cls(2, **SHORT).fit(COUNTS)
            model.transform(COUNTS), model.score(COUNTS)


def test_series_are_no_tables():
    with pytest.raises(ValueError, match="2-dimensional|2D"):
        AmortisedFactorAnalysis(1).fit(pd.Series(np.arange(10.0)))
