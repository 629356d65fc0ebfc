"""Importance sampling of bounded latents, against quadrature; draws and their densities."""

import numpy as np
import pytest
from scipy.special import expit, logsumexp, softmax
from scipy.stats import gamma

from skaws.decoders import MLP, Linear, LogOdds
from skaws.evaluation import importance_posterior
from skaws.likelihoods import Bernoulli, Gaussian, NegativeBinomial, Poisson, StudentT
from skaws.models import FunctionModel, LatentVariableModel
from skaws.priors import Beta, Categorical, Gamma, UniformCircle, UnitUniform
from skaws.priors import Gaussian as GaussianPrior
from skaws.proposals import ModeProposal, cube_draw, make_proposal

from .common import altered

NOISES = {
    "Poisson": (Poisson(), {}),
    "Gaussian": (Gaussian(), {"noise_variance": 1.0}),
    "NegativeBinomial": (NegativeBinomial(), {"size": 2.0}),
    "StudentT": (StudentT(), {"scale": 1.0, "dof": 4.0}),
}


def gamma_model(name, k):
    likelihood, noise = NOISES[name]
    params = {
        "prior": {"shape": np.array([0.2, 1.5])[:k]},
        "decoder": {
            "components": np.array(
                [[5.0, 0.1, 1.0, 0.1, 0.1, 0.1], [0.1, 3.0, 0.1, 6.0, 0.1, 0.1]]
            )[:k]
        },
        "likelihood": noise,
    }
    return LatentVariableModel(Gamma(k), Linear(nonnegative=True), likelihood), params


def binary_model(k):
    rng = np.random.default_rng(0)
    params = {"decoder": {"components": rng.gamma(1, 1, (k, 6)), "intercept": np.zeros(6)}}
    return LatentVariableModel(UnitUniform(k), LogOdds(), Bernoulli()), params


def grid(low, high, n, k):
    axes = np.meshgrid(*[np.linspace(low, high, n)] * k, indexing="ij")
    return np.stack(axes, axis=-1).reshape(-1, k), ((high - low) / (n - 1)) ** k


def by_quadrature(model, params, X, latents, log_slope, cell):
    """Log marginal and posterior mean by sums over a grid of unbounded coordinates."""
    answers = []
    for row in X:
        rows = np.broadcast_to(row, (len(latents), len(row)))
        log_density = model.log_joint(params, latents, rows) + log_slope
        total = logsumexp(log_density)
        answers.append((total + np.log(cell), np.exp(log_density - total) @ latents))
    return np.array([a for a, _ in answers]), np.array([mean for _, mean in answers])


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("name", NOISES)
def test_gamma_latents_against_quadrature(name, k):
    model, params = gamma_model(name, k)
    X = model.sample(params, 8, np.random.default_rng(0))[1]
    X[::3, 1] = np.nan
    u, cell = grid(-70.0, 4.0, 4000 if k == 1 else 700, k)
    exact = by_quadrature(model, params, X, np.exp(u), u.sum(axis=1), cell)
    # Effective sample sizes of 1000 of 4000 draws at least: errors of about 3%.
    log_marginal, mean = importance_posterior(model, params, X, n_draws=4000)
    np.testing.assert_allclose(log_marginal, exact[0], atol=0.12)
    np.testing.assert_allclose(mean, exact[1], atol=0.1)
    default = importance_posterior(model, params, X)[0]
    assert abs(np.mean(default - exact[0])) < 0.1


@pytest.mark.parametrize("k", [1, 2])
def test_unit_latents_against_quadrature(k):
    model, params = binary_model(k)
    X = model.sample(params, 8, np.random.default_rng(0))[1]
    X[::3, 1] = np.nan
    u, cell = grid(-25.0, 25.0, 4000 if k == 1 else 700, k)
    z = np.clip(expit(u), 1e-15, 1 - 1e-15)
    slope = (np.log(z) + np.log1p(-z)).sum(axis=1)
    exact = by_quadrature(model, params, X, z, slope, cell)
    log_marginal, mean = importance_posterior(model, params, X, n_draws=2000)
    np.testing.assert_allclose(log_marginal, exact[0], atol=0.06)
    np.testing.assert_allclose(mean, exact[1], atol=0.03)


def robust_model(k, dof):
    rng = np.random.default_rng(2)
    params = {
        "decoder": {"components": rng.standard_normal((k, 10)), "mean": np.ones(10)},
        "likelihood": {"scale": 0.5, "dof": dof},
    }
    return LatentVariableModel(GaussianPrior(k), Linear(), StudentT()), params


@pytest.mark.parametrize("dof", [2.5, 4.0])
@pytest.mark.parametrize("k", [1, 2])
def test_rows_with_outliers_against_quadrature(k, dof):
    model, params = robust_model(k, dof)
    X = model.sample(params, 10, np.random.default_rng(0))[1]
    X[np.arange(10), np.arange(10)] += np.linspace(8.0, 16.0, 10) * np.tile([1, -1], 5)
    X[::3, 1] = np.nan
    z, cell = grid(-6.0, 6.0, 4000 if k == 1 else 400, k)
    exact = by_quadrature(model, params, X, z, 0.0, cell)
    # Of 200 draws at least 50 are effective: errors below 14%.
    log_marginal, mean = importance_posterior(model, params, X)
    np.testing.assert_allclose(log_marginal, exact[0], atol=0.14)
    np.testing.assert_allclose(mean, exact[1], atol=0.14)
    unweighed = altered(model, likelihood=altered(model.likelihood, scale_mixture=False))
    log_marginal, mean = importance_posterior(unweighed, params, X)
    assert np.abs(log_marginal - exact[0]).max() > 1.0
    assert np.abs(mean - exact[1]).max() > 0.14


@pytest.mark.parametrize("shape", [0.1, 0.7, 1.0, 3.0, 50.0])
def test_cubes_weigh_to_gamma_variables(shape):
    # The weights' mean is one, and weighted moments are the Gamma distribution's.
    rng = np.random.default_rng(0)
    normal, power = rng.standard_normal(40_000), rng.exponential(size=40_000)
    unit, correction = cube_draw(np.full(40_000, shape), normal, power)
    weights = np.exp(-(correction - 0.5 * normal**2))
    for values, expected in (
        (np.ones(40_000), 1.0),
        (unit, shape),
        (unit < gamma(shape).ppf(0.3), 0.3),
    ):
        products = weights * values
        error = products.std() / np.sqrt(40_000)
        assert abs(products.mean() - expected) < 5 * error + 1e-12
    assert weights.std() < 0.3


def test_a_row_depends_on_itself_alone():
    model, params = gamma_model("Poisson", 2)
    X = model.sample(params, 20, np.random.default_rng(0))[1]
    whole = importance_posterior(model, params, X)
    part = importance_posterior(model, params, X[3:7])
    np.testing.assert_allclose(whole[0][3:7], part[0])
    np.testing.assert_allclose(whole[1][3:7], part[1])


def test_a_row_that_says_nothing_gives_the_prior():
    model, params = gamma_model("Poisson", 2)
    params["decoder"]["components"] = np.full((2, 6), 1e-9)
    log_marginal, mean = importance_posterior(model, params, np.zeros((1, 6)), n_draws=4000)
    assert abs(log_marginal[0]) < 0.02
    # Standard error of the mean of latents with variances 5 and 2/3.
    assert np.all(np.abs(mean[0] - 1) < 5 * np.sqrt([5.0, 0.67]) / np.sqrt(4000))


def test_real_components_of_gamma_latents_have_no_proposal_of_parts():
    model = LatentVariableModel(Gamma(1), Linear(), Gaussian())
    params = model.init_params(
        np.random.default_rng(0).random((20, 3)), np.random.default_rng(1)
    )
    assert isinstance(make_proposal(model, params, 16), ModeProposal)


def test_number_of_draws_is_shared_by_the_modes():
    model, params = gamma_model("Poisson", 1)
    model.decoder.linear_map = lambda params: None
    with pytest.raises(ValueError, match="n_draws=10 must be a multiple of 4"):
        make_proposal(model, params, 10)


def sample_path(params, n_samples, rng):
    return {"path": rng.standard_normal((n_samples, 3))}, np.zeros((n_samples, 1))


def sample_real(params, n_samples, rng):
    return rng.standard_normal((n_samples, 1)), np.zeros((n_samples, 1))


@pytest.mark.parametrize("sample", [sample_path, sample_real])
def test_latents_of_unknown_support_have_no_proposal(sample):
    model = FunctionModel(sample, None, None)
    assert make_proposal(model, {}, 16) is None
    with pytest.raises(NotImplementedError, match="no log_marginal"):
        importance_posterior(model, {}, np.zeros((2, 1)))


# Priors of one coordinate, a grid of latents, and the grid's log weight in their density.
ANGLES = np.linspace(-np.pi, np.pi, 4001)[1:]
MIDDLES = (np.arange(4000) + 0.5) / 4000
CURVES = {
    "real": (GaussianPrior(1), np.linspace(-8, 8, 4000)[:, None], np.log(16 / 3999)),
    "nonnegative": (Gamma(1), 15 * MIDDLES[:, None], np.log(15 / 4000)),
    "unit": (Beta(1), MIDDLES[:, None], -np.log(4000)),
    "sphere": (
        UniformCircle(),
        np.column_stack([np.sin(ANGLES), np.cos(ANGLES)]),
        np.log(2 * np.pi / 4000),
    ),
}


@pytest.mark.parametrize("support", list(CURVES))
@pytest.mark.parametrize("noise_variance", [0.01, 1.0])
def test_network_decoder_against_quadrature(support, noise_variance):
    prior, grid, log_weight = CURVES[support]
    rng = np.random.default_rng(0)
    model = LatentVariableModel(prior, MLP((10,)), Gaussian())
    params = model.init_params(rng.standard_normal((100, 5)), rng)
    params["likelihood"]["noise_variance"] = noise_variance
    if support == "nonnegative":
        params["prior"]["shape"] = np.array([2.0])  # a density that the grid can follow
    X = model.sample(params, 40, rng)[1]
    X[::4, 2] = np.nan
    log_marginal, mean = importance_posterior(model, params, X, n_draws=2000)
    log_joint = np.array(
        [model.log_joint(params, np.tile(z, (40, 1)), X) + log_weight for z in grid]
    )
    expected = logsumexp(log_joint, axis=0)
    # 2000 draws whose weights have a relative variance of one: 0.02, of the worst of 40
    # three times that.
    np.testing.assert_allclose(log_marginal, expected, atol=0.08)
    assert abs(np.mean(log_marginal - expected)) < 0.02
    np.testing.assert_allclose(mean, np.exp(log_joint - expected).T @ grid, atol=0.08)


def test_latents_of_few_values_are_summed_over():
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Categorical(3), MLP((4,)), Gaussian())
    params = model.init_params(rng.standard_normal((50, 4)), rng)
    X = rng.standard_normal((20, 4))
    log_joint = np.array(
        [model.log_joint(params, np.tile(z, (20, 1)), X) for z in np.eye(3)]
    )
    for n_draws in (16, 200):
        log_marginal, mean = importance_posterior(model, params, X, n_draws)
        np.testing.assert_allclose(log_marginal, logsumexp(log_joint, axis=0))
        np.testing.assert_allclose(mean, softmax(log_joint, axis=0).T)
