"""Gradients of the likelihood agree with exact ones, and with each other."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.scipy.special import logsumexp

from skaws.decoders import MLP, Linear
from skaws.evaluation import (
    exact_score_gradient,
    importance_score_gradient,
    log_marginal_likelihood,
    score_gradient,
)
from skaws.evaluation.gradient import score_table
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, LatentVariableModel
from skaws.priors import Categorical, Gaussian
from skaws.spaces import Space
from skaws.supports import Positive, Real, Simplex

from ..common import altered, flat, gaussian_model

LOG_2PI = np.log(2 * np.pi)


def cosine(a, b):
    a, b = flat(a), flat(b)
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def relative_gap(a, b):
    return np.linalg.norm(flat(a) - flat(b)) / np.linalg.norm(flat(b))


def by_differences(model, params, X, h=1e-5):
    """Central differences of the mean log-likelihood along the model's steps."""
    space = Space(params, model.constraints)

    def mean_after(step):
        moved = model.move(params, space.split(step))
        return np.mean(log_marginal_likelihood(model, moved, X))

    steps = h * np.eye(space.size)
    slopes = [(mean_after(step) - mean_after(-step)) / (2 * h) for step in steps]
    return space.split(np.array(slopes))


@pytest.fixture
def gaussian():
    """A model, params, and rows of the model at params somewhat elsewhere."""
    rng = np.random.default_rng(0)
    model = gaussian_model(2)
    X = rng.standard_normal((300, 2)) @ rng.standard_normal((2, 5))
    params = model.init_params(X + 0.7 * rng.standard_normal(X.shape), rng)
    space = Space(params, model.constraints)
    truth = model.move(params, space.split(0.3 * rng.standard_normal(space.size)))
    return model, params, model.sample(truth, 300, rng)[1]


def softplus_mean(params, z):
    curve = anp.logaddexp(0.0, anp.dot(z, params["b"]))
    return curve - anp.sum(params["b"] ** 2)


def sample_softplus(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 2))
    noise = params["sd"] * rng.standard_normal(n_samples)
    return z, (softplus_mean(params, z) + noise)[:, None]


def log_joint_softplus(params, z, x):
    error = (x[:, 0] - softplus_mean(params, z)) / params["sd"]
    squares = error**2 + anp.sum(z**2, axis=1)
    return -0.5 * squares - anp.log(params["sd"]) - 1.5 * LOG_2PI


def log_marginal_softplus(params, X):
    grid = np.linspace(-7, 7, 141)
    z = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    log_cell = 2 * np.log(grid[1] - grid[0])
    error = (X[:, :1] - softplus_mean(params, z)) / params["sd"]
    log_joint = -0.5 * (error**2 + np.sum(z**2, axis=1)) - anp.log(params["sd"])
    return logsumexp(log_joint - 1.5 * LOG_2PI + log_cell, axis=1)


SOFTPLUS = FunctionModel(
    sample_softplus,
    log_joint_softplus,
    lambda X, rng: {"b": np.array([1.0, 0.7]), "sd": 0.5},
    {"sd": Positive()},
    latent_support=Real(),
)


def sample_labels(params, n_samples, rng):
    z = rng.multinomial(1, params["weight"], n_samples).astype(float)
    return z, z @ params["mean"] + 0.6 * rng.standard_normal((n_samples, 2))


def log_joint_labels(params, z, x):
    error = (x - anp.dot(z, params["mean"])) / 0.6
    return anp.dot(z, anp.log(params["weight"])) - 0.5 * anp.sum(error**2, axis=1)


LABELS = FunctionModel(sample_labels, log_joint_labels, None, {"weight": Simplex()})


def test_gaussian_formula_against_differences(gaussian):
    found, expected = exact_score_gradient(*gaussian), by_differences(*gaussian)
    np.testing.assert_allclose(flat(found), flat(expected), rtol=1e-5, atol=1e-7)


def test_enumeration_against_differences():
    rng = np.random.default_rng(0)
    params = {"weight": np.array([0.2, 0.5, 0.3]), "mean": rng.standard_normal((3, 2))}
    X = LABELS.sample(params, 50, rng)[1] + 0.5
    found = exact_score_gradient(LABELS, params, X)
    expected = by_differences(LABELS, params, X)
    np.testing.assert_allclose(flat(found), flat(expected), rtol=1e-5, atol=1e-7)


def test_formula_by_autograd_is_the_enumeration():
    model = LatentVariableModel(Categorical(3), Linear(), GaussianNoise())
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 4))
    params = model.init_params(X, rng)

    def log_marginal(params, X):
        values = [model.log_joint(params, np.tile(z, (len(X), 1)), X) for z in np.eye(3)]
        return logsumexp(anp.array(values), axis=0)

    np.testing.assert_allclose(
        flat(exact_score_gradient(model, params, X, log_marginal)),
        flat(exact_score_gradient(model, params, X)),
        atol=1e-10,
    )


def test_estimate_comes_to_the_gaussian_formula(gaussian):
    exact, rng = exact_score_gradient(*gaussian), np.random.default_rng(0)
    gaps = []
    for n_simulations, n_times in ((100, 8), (2000, 2)):
        found = [
            score_gradient(*gaussian, n_simulations=n_simulations, rng=rng)
            for _ in range(n_times)
        ]
        gaps.append(np.mean([relative_gap(gradient, exact) for gradient in found]))
    assert cosine(found[0], exact) > 0.99
    assert gaps[1] < gaps[0] * 20**-0.3


def test_estimate_comes_to_the_quadrature():
    rng = np.random.default_rng(0)
    params = SOFTPLUS.init_params(None, None)
    X = SOFTPLUS.sample({"b": np.array([1.2, 0.5]), "sd": 0.4}, 100, rng)[1]
    exact = exact_score_gradient(SOFTPLUS, params, X, log_marginal_softplus)
    found = score_gradient(SOFTPLUS, params, X, rng=rng)
    drawn = importance_score_gradient(SOFTPLUS, params, X, n_draws=800)
    assert cosine(found, exact) > 0.99
    # Draws about modes miss part of a curved posterior.
    assert cosine(drawn, exact) > 0.95


def test_draws_from_the_prior_come_to_the_formula(gaussian):
    model, params, X = gaussian
    exact, rng = exact_score_gradient(*gaussian), np.random.default_rng(0)
    gaps = [
        relative_gap(
            importance_score_gradient(
                model, params, X, n_draws=n, from_prior=True, rng=rng
            ),
            exact,
        )
        for n in (50, 5000)
    ]
    assert gaps[1] < 0.3 * gaps[0]  # by the square root: a tenth


def test_missing_entries_are_left_out(gaussian):
    model, params, X = gaussian
    holes = np.where(np.random.default_rng(1).random(X.shape) < 0.2, np.nan, X)
    exact = exact_score_gradient(model, params, holes)
    np.testing.assert_allclose(
        flat(exact), flat(by_differences(model, params, holes)), rtol=1e-4, atol=1e-6
    )


def test_without_formula_or_likelihood_one_is_told():
    rng = np.random.default_rng(0)
    params, X = SOFTPLUS.init_params(None, None), np.zeros((3, 1))
    with pytest.raises(NotImplementedError, match="hand in a log_marginal"):
        exact_score_gradient(SOFTPLUS, params, X)
    with pytest.raises(NotImplementedError, match="no log_likelihood"):
        importance_score_gradient(SOFTPLUS, params, X, from_prior=True, rng=rng)
    model = LatentVariableModel(Gaussian(1), MLP((3,)), GaussianNoise())
    params = model.init_params(rng.standard_normal((20, 2)), rng)
    with pytest.raises(NotImplementedError, match="LatentVariableModel has no exact"):
        exact_score_gradient(model, params, np.zeros((3, 2)))


def errors_of(model, params, X, exact, calibrated, n_repeats=12, **options):
    """Errors of repeated estimates, (n_repeats, n_params)."""
    found = [
        flat(
            score_gradient(
                model,
                params,
                X,
                n_simulations=300,
                calibrated=calibrated,
                rng=np.random.default_rng(seed),
                **options,
            )
        )
        for seed in range(n_repeats)
    ]
    return np.array(found) - flat(exact)


def test_calibration_cuts_the_error_by_the_share_of_information_that_is_kept():
    # One Gaussian column of variance 1 + noise: of the information on the loading, rows
    # keep less than the pairs have. The plain regression has no other large error.
    model = gaussian_model(1)
    rng = np.random.default_rng(0)
    params = {
        "decoder": {"components": np.array([[1.0, -0.7, 0.4]]), "mean": np.zeros(3)},
        "likelihood": {"noise_variance": np.full(3, 1.5)},
    }
    X = model.sample(params, 500, rng)[1]
    exact = exact_score_gradient(model, params, X)
    plain = errors_of(model, params, X, exact, False)
    calibrated = errors_of(model, params, X, exact, True)
    # Chance: a mean square of 12 repeats by 7 params is off by about a quarter.
    assert np.mean(calibrated**2) < 0.6 * np.mean(plain**2)
    assert np.abs(calibrated.mean(axis=0)).max() < 4 * calibrated.std(axis=0).max() / 3.4


def test_calibration_by_scores_of_another_model_does_not_help():
    # The control: scores that do not have mean zero would move the estimate away.
    model = gaussian_model(1)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 1)) + rng.standard_normal((200, 4))
    params = model.init_params(X, rng)

    def inflated(params, n_samples, rng):
        latents, observations = model.sample(params, n_samples, rng)
        return latents, 1.3 * observations

    wrong = altered(model, sample=inflated)
    exact = exact_score_gradient(model, params, X)
    right = errors_of(model, params, X, exact, True, n_repeats=4)
    off = errors_of(wrong, params, X, exact, True, n_repeats=4)
    assert np.mean(off**2) > 4 * np.mean(right**2)


def test_a_table_of_scores_sums_to_the_gradient():
    pairs = SOFTPLUS.sample(SOFTPLUS.init_params(None, None), 130, np.random.default_rng(0))
    params = SOFTPLUS.init_params(None, None)
    table = score_table(SOFTPLUS, params, [pairs])
    space = Space(params, SOFTPLUS.constraints)

    def total(step):
        return anp.sum(SOFTPLUS.log_joint(SOFTPLUS.move(params, space.split(step)), *pairs))

    assert table.shape == (130, space.size)
    np.testing.assert_allclose(table.sum(axis=0), grad(total)(np.zeros(space.size)))


@pytest.mark.parametrize(
    "gradient", [score_gradient, importance_score_gradient, exact_score_gradient]
)
def test_rows_are_checked_at_the_door(gradient):
    def gradient_at(X):
        if gradient is score_gradient:
            rng = np.random.default_rng(0)
            return gradient(model, params, X, n_simulations=50, rng=rng)
        return gradient(model, params, X)

    rng, model = np.random.default_rng(0), gaussian_model(1)
    X = rng.standard_normal((20, 3))
    params = model.init_params(X, rng)
    np.testing.assert_array_equal(flat(gradient_at(X.tolist())), flat(gradient_at(X)))
    with pytest.raises(ValueError, match="Expected 2D array"):
        gradient_at(X[0])
    with pytest.raises(ValueError, match="infinity"):
        gradient_at(np.where(X > 1, np.inf, X))
    model = altered(model, allows_missing=False)
    with pytest.raises(ValueError, match="contains NaN"):
        gradient_at(np.where(X > 1, np.nan, X))


@pytest.mark.parametrize(
    ("gradient", "options"),
    [
        (score_gradient, {"n_simulations": 50}),
        (importance_score_gradient, {"from_prior": True}),
    ],
)
def test_a_seed_is_as_good_as_its_generator_and_none_is_refused(gradient, options):
    rng, model = np.random.default_rng(0), gaussian_model(1)
    X = rng.standard_normal((20, 3))
    params = model.init_params(X, rng)

    def found(rng):
        return flat(gradient(model, params, X, rng=rng, **options))

    np.testing.assert_array_equal(found(3), found(np.random.default_rng(3)))
    assert not np.array_equal(found(3), found(4))
    with pytest.raises(ValueError, match="hand in rng, a numpy.random.Generator or an int"):
        found(None)


def test_no_draws_from_the_prior_are_refused():
    with pytest.raises(ValueError, match="n_draws=0 must be a positive"):
        importance_score_gradient(
            gaussian_model(1), {}, np.ones((2, 3)), n_draws=0, from_prior=True, rng=0
        )
