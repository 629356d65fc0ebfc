"""What fitted estimators say of rows: of each by itself, without simulating again."""

from functools import cache

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.exceptions import NotFittedError

from skaws import (
    AmortisedFactorAnalysis,
    AmortisedICA,
    AmortisedLearner,
    AmortisedNMF,
)
from skaws.decoders import MLP, Linear
from skaws.evaluation.marginal import weighted_draws
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, LatentVariableModel
from skaws.priors import Beta, Categorical, Gaussian, UniformCircle
from skaws.supports import Interval, Positive

from ..common import with_holes
from .functions import PATHS, PRESENCE, TIMES

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # fits here are short
]


def composed(prior, decoder):
    return LatentVariableModel(prior, decoder, GaussianNoise())


def learner(model, max_iter=20):
    return AmortisedLearner(model, max_iter=max_iter, random_state=0)


#: Estimators, and what their rows are like.
ESTIMATORS = {
    "factor analysis": (AmortisedFactorAnalysis(2, max_iter=40, random_state=0), "real"),
    "rotated": (
        AmortisedFactorAnalysis(2, rotation="varimax", max_iter=40, random_state=0),
        "real",
    ),
    "ica": (AmortisedICA(2, max_iter=60, random_state=0), "real"),
    "square ica": (AmortisedICA(max_iter=60, random_state=0), "real"),
    "poisson": (AmortisedNMF(2, max_iter=20, random_state=0), "counts"),
    "bernoulli": (
        AmortisedNMF(2, likelihood="bernoulli", max_iter=20, random_state=0),
        "binary",
    ),
    "enumeration": (learner(composed(Categorical(3), Linear())), "real"),
    "importance": (learner(composed(UniformCircle(), MLP((5,))), 60), "real"),
    "reweighted": (learner(composed(Gaussian(2), MLP((5,))), 60), "real"),
    "beta": (learner(composed(Beta(2), MLP((5,))), 60), "real"),
    "residual": (learner(FunctionModel(**TIMES)), "times"),
    "dictionary": (learner(FunctionModel(**PATHS)), "pairs"),
    "labels and reals": (learner(FunctionModel(**PRESENCE)), "three counts"),
}
#: Those of which rows may have holes.
HOLES = [name for name in ESTIMATORS if name not in ("residual", "dictionary")]
HOLES.remove("labels and reals")


@cache
def table(kind):
    """150 rows with two latents, or what is made of them."""
    rng = np.random.default_rng(0)
    X = rng.laplace(size=(150, 2)) @ rng.standard_normal((2, 5))
    X += 0.5 * rng.standard_normal(X.shape)
    if kind == "times":
        return rng.exponential(2.0, (150, 1)) + 0.3 * rng.standard_normal((150, 1))
    made = {"counts": rng.poisson(np.abs(X)), "binary": X > 0, "pairs": X[:, :2]}
    made["three counts"] = made["counts"][:, :3]
    return made.get(kind, X).astype(float)


@cache
def fitted(name):
    estimator, kind = ESTIMATORS[name]
    return estimator.fit(table(kind))


def rows_of(name, share=0.3):
    """Some rows, with holes where there may be; none is empty."""
    X = table(ESTIMATORS[name][1])[:40]
    if name in HOLES:
        holes = with_holes(X, share, np.random.default_rng(1))
        X = np.where(np.isnan(holes).all(axis=1, keepdims=True), X, holes)
    return X


# A row by itself, and no simulation


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_what_is_said_of_a_row_depends_on_that_row_alone(name):
    estimator, X = fitted(name), rows_of(name)
    assert np.isnan(X).any() == (name in HOLES)
    whole, scores = estimator.transform(X), estimator.score_samples(X)
    for i in range(0, len(X), 7):
        row = X[i : i + 1]
        np.testing.assert_allclose(estimator.transform(row)[0], whole[i], rtol=1e-7)
        np.testing.assert_allclose(estimator.score_samples(row)[0], scores[i], rtol=1e-9)


@pytest.fixture
def calls(monkeypatch):
    """Counts the calls of any model's sampler."""
    numbers = []

    def counting(sample):
        def counted(*args, **kwargs):
            numbers.append(1)
            return sample(*args, **kwargs)

        return counted

    monkeypatch.setattr(LatentVariableModel, "sample", counting(LatentVariableModel.sample))
    for name in ("residual", "dictionary", "labels and reals"):
        model = ESTIMATORS[name][0].model
        monkeypatch.setattr(model, "sample", counting(model.sample))
    return numbers


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_answers_simulate_nothing(name, calls):
    estimator, X = fitted(name), rows_of(name)
    calls.clear()
    estimator.transform(X)
    estimator.score(X)
    estimator.sample_posterior(X)
    assert not calls
    estimator.sample(3)  # the control
    assert calls


# Draws from the posterior


def standard_errors(estimator, X, draws):
    """Of the mean of draws less the posterior mean, from what both are made of.

    Draws are taken from four times as many weighed candidates; the posterior mean is that
    of 200.  Both are worth less by the efficiency of their weights.
    """
    n, variance = len(draws), draws.var(axis=0)
    binary = np.isin(draws, (0.0, 1.0)).all(axis=(0, 1))
    share = estimator.transform(X)[:, binary]  # of labels, some of which hardly ever come
    variance[:, binary] = np.maximum(variance[:, binary], share * (1 - share))
    if hasattr(estimator._posterior, "log_marginal"):
        return np.sqrt(variance / n)
    parts = estimator._model, estimator.params_, X, 200, estimator._posterior
    shares = softmax(weighted_draws(*parts)[1], axis=0)
    efficiency = 1 / (200 * np.sum(shares**2, axis=0))[:, None]
    return np.sqrt(variance * (1 / n + 1 / (4 * n * efficiency) + 1 / (200 * efficiency)))


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_mean_of_draws_is_what_transform_says(name):
    estimator, X = fitted(name), rows_of(name)
    draws = estimator.sample_posterior(X, 1000, random_state=0)
    mean = estimator.transform(X)
    assert draws.shape == (1000, *mean.shape) and np.isfinite(draws).all()
    error = standard_errors(estimator, X, draws)
    # Some hundred means: five errors and a half of a bell curve's.
    assert np.all(np.abs(draws.mean(axis=0) - mean) < 5.5 * error + 1e-9)
    # The control: draws of other rows are not that close.
    assert np.any(np.abs(draws.mean(axis=0)[::-1] - mean) > 5.5 * error + 1e-9)


@pytest.mark.parametrize("name", ["factor analysis", "rotated"])
def test_draws_have_the_posterior_covariance(name):
    estimator, X, n = fitted(name), rows_of(name), 4000
    draws = estimator.sample_posterior(X, n, random_state=0)
    error = draws - draws.mean(axis=0)
    found = np.einsum("nmi,nmj->mij", error, error) / (n - 1)
    expected = estimator.posterior_covariance(X)
    variances = np.einsum("mii->mi", expected)
    products = variances[:, :, None] * variances[:, None]
    allowed = 5 * np.sqrt((products + expected**2) / n)
    assert np.all(np.abs(found - expected) < allowed)
    assert not np.all(np.abs(found - expected[::-1]) < allowed)  # of other holes


def test_draws_of_labels_are_labels_of_their_probabilities():
    estimator, X, n = fitted("enumeration"), rows_of("enumeration"), 4000
    draws = estimator.sample_posterior(X, n, random_state=0)
    assert set(np.unique(draws)) == {0.0, 1.0} and np.all(draws.sum(axis=2) == 1)
    share = estimator.transform(X)
    allowed = 5 * np.sqrt(share * (1 - share) / n) + 5 / n
    assert np.all(np.abs(draws.mean(axis=0) - share) < allowed)


INSIDE = {
    "poisson": lambda z: (z > 0).all(),
    "bernoulli": lambda z: ((z > 0) & (z < 1)).all(),
    "beta": lambda z: ((z > 0) & (z < 1)).all(),
    "residual": lambda z: (z > 0).all(),
    "importance": lambda z: np.allclose(np.linalg.norm(z, axis=2), 1.0),
    "labels and reals": lambda z: np.isin(z[:, :, 0], (0.0, 1.0)).all(),
}


@pytest.mark.parametrize("name", list(INSIDE))
def test_draws_lie_in_the_support(name):
    draws = fitted(name).sample_posterior(rows_of(name), 200, random_state=0)
    assert INSIDE[name](draws)
    assert not INSIDE[name](draws - 100)


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_draws_are_reproduced_by_random_state(name):
    estimator, X = fitted(name), rows_of(name)

    def drawn(random_state):
        return estimator.sample_posterior(X, 20, random_state=random_state)

    np.testing.assert_array_equal(drawn(3), drawn(3))
    np.testing.assert_array_equal(drawn(np.random.RandomState(3)), drawn(3))
    assert not np.array_equal(drawn(3), drawn(4))


def test_draws_of_the_float_that_came():
    X = table("real").astype(np.float32)
    assert fitted("ica").sample_posterior(X).dtype == np.float32


@pytest.mark.parametrize("n_samples", [0, -1])
def test_no_draws_are_refused(n_samples):
    with pytest.raises(ValueError, match=f"n_samples must be at least 1; got {n_samples}"):
        fitted("ica").sample_posterior(table("real"), n_samples)


def test_draws_of_rows_of_another_width_or_before_fit_are_refused():
    with pytest.raises(ValueError, match="X has 4 features, but AmortisedICA is expecting"):
        fitted("ica").sample_posterior(table("real")[:, :4])
    with pytest.raises(NotFittedError):
        AmortisedICA().sample_posterior(table("real"))


# What was read off


def test_learner_reports_the_support_of_its_latents():
    assert fitted("residual").latent_support_ == Positive()
    assert fitted("beta").latent_support_ == Interval(0.0, 1.0)
    assert repr(fitted("dictionary").latent_support_) == "{'path': Real()}"
    assert repr(fitted("labels and reals").latent_support_) == (
        "Columns(parts=[(Binary(), 1), (Real(), 1)])"
    )


def test_effective_draws_are_infinite_where_exact_and_few_where_draws_are_poor():
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.gamma(0.5, 2.0, (100, 12)) @ rng.gamma(0.5, 4.0, (12, 20)))
    exact = AmortisedFactorAnalysis(2, random_state=0).fit(counts)
    assert np.all(np.isinf(exact.effective_draws(counts)))
    few, many = (AmortisedNMF(k, max_iter=60, random_state=0).fit(counts) for k in (1, 12))
    easy, hard = (model.effective_draws(counts) for model in (few, many))
    assert easy.shape == (100,) and np.all((hard >= 1) & (easy <= 200))
    assert np.median(hard) < 0.5 * np.median(easy)
    np.testing.assert_allclose(few.effective_draws(counts[:1]), easy[:1])
