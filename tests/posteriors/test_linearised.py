"""The mean made linear: exact where it is, near where it bends, for inputs of a row."""

import numpy as np
import pytest
from scipy.special import logsumexp

from skaws.decoders import MLP, Curve, Linear
from skaws.evaluation import effective_draws
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.likelihoods import Poisson
from skaws.models import FunctionModel, GivenColumns, LatentVariableModel
from skaws.posteriors import LinearGaussian, Linearised
from skaws.priors import Bernoulli, Gaussian, Sphere
from skaws.simulations import simulate

from ..common import with_holes


def fitted(posterior, model, params, like=None, n=20_000):
    rng = np.random.default_rng(0)
    return posterior.fit(model, params, simulate(model, params, n, rng, None, like), rng)


@pytest.mark.parametrize("share", [0.0, 0.4], ids=["complete", "with holes"])
def test_a_linear_mean_gives_the_exact_posterior(share):
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Gaussian(2), Linear(), GaussianNoise(per_feature=True))
    decoder = {"components": rng.standard_normal((2, 5)), "mean": np.arange(5.0)}
    noise = {"noise_variance": np.linspace(0.2, 1.0, 5)}
    params = {"decoder": decoder, "likelihood": noise}
    X = with_holes(model.sample(params, 40, rng)[1], share, rng)
    exact, found = model.posterior(params), fitted(Linearised(), model, params)
    # Moments of 20 000 simulations: to one in a hundred.
    np.testing.assert_allclose(found.mean(X), exact.mean(X), atol=0.04)
    draws, _ = found.sample(X, 4000, rng)
    spread = np.var(draws, axis=0)
    own = np.diagonal(exact.covariance(X), axis1=1, axis2=2)
    # A fifth wider, and of a Student's t of twelve degrees of freedom: by 1.2 * 12 / 10.
    np.testing.assert_allclose(spread / own, 1.44, rtol=0.15)


@pytest.fixture(scope="module")
def bent():
    """A network of two latents whose mean bends, and rows."""
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Gaussian(2), MLP((8,)), GaussianNoise())
    params = model.init_params(rng.standard_normal((50, 6)), rng)
    params["likelihood"] = {"noise_variance": 0.02}
    first, last = params["decoder"].values()
    first["weight"] *= 0.5
    last["weight"] = rng.standard_normal(last["weight"].shape)
    return model, params, model.sample(params, 200, rng)[1]


def test_draws_count_where_one_linear_map_is_wrong(bent):
    # Effective draws of 200, in the median row: 125 to 186 and 35 to 43 over four networks.
    model, params, X = bent
    near, linear = (
        np.median(effective_draws(model, params, X, 200, fitted(own, model, params)))
        for own in (Linearised(), LinearGaussian())
    )
    assert near > 100
    assert linear < 60


def test_log_marginals_are_those_of_a_grid(bent):
    model, params, X = bent
    axis = np.linspace(-6, 6, 241)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    heights = model.log_joint_matrix(params, grid, X[:20])
    exact = logsumexp(heights, axis=1) + 2 * np.log(axis[1] - axis[0])
    posterior, rng = fitted(Linearised(), model, params), np.random.default_rng(0)
    draws, log_prob = posterior.sample(X[:20], 4000, rng)
    weights = model.log_joint_of_draws(params, draws, X[:20]) - log_prob
    found = logsumexp(weights, axis=0) - np.log(4000)
    assert np.median(np.abs(found - exact)) < 0.03


def test_given_columns_say_what_each_row_was_asked():
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Gaussian(2), Curve(None, (20,)), GaussianNoise())
    inputs = rng.uniform(size=(300, 6))
    X = np.sin(6 * inputs + rng.standard_normal((300, 1)))
    params = model.init_params(X, rng, given=inputs)
    params["likelihood"] = {"noise_variance": 0.01}
    latents, rows = model.sample(params, 300, rng, given=inputs)
    whole, rows = GivenColumns(model, 6), np.hstack([rows, inputs])
    posterior = fitted(Linearised(), whole, params, like=rows)
    error = np.mean((posterior.mean(rows) - latents) ** 2)
    assert error < 0.3  # of a variance of one
    # Inputs of another row make nonsense of it.
    rows[:, 6:] = rng.permutation(inputs)
    assert np.mean((posterior.mean(rows) - latents) ** 2) > 2 * error


def test_rows_come_in_chunks(bent, monkeypatch):
    model, params, X = bent
    posterior = fitted(Linearised(), model, params, n=500)
    whole = posterior.mean(X)
    monkeypatch.setattr("skaws.posteriors.linearised.CHUNK_NUMBERS", 100)
    np.testing.assert_allclose(posterior.mean(X), whole, rtol=1e-10)


def test_columns_that_never_vary_say_nothing():
    def sample(params, n_samples, rng):
        z = rng.standard_normal((n_samples, 1))
        return z, np.hstack(
            [z + rng.standard_normal((n_samples, 1)), np.ones((n_samples, 1))]
        )

    model = FunctionModel(sample, None, None)
    model.mean = lambda params, z: np.hstack([z, np.ones_like(z)])
    posterior = fitted(Linearised(), model, {})
    found = posterior.mean(np.array([[1.0, 1.0], [1.0, 5.0]]))
    np.testing.assert_allclose(found, 0.5, atol=0.03)


@pytest.mark.parametrize(
    ("prior", "message"),
    [(Bernoulli(2), "no real coordinates"), (Sphere(3), "no real coordinates")],
    ids=["codes", "sphere"],
)
def test_latents_without_straight_coordinates_are_refused(prior, message):
    rng = np.random.default_rng(0)
    model = LatentVariableModel(prior, MLP((5,)), GaussianNoise())
    params = model.init_params(rng.standard_normal((50, 4)), rng)
    with pytest.raises(ValueError, match=message):
        fitted(Linearised(), model, params, n=50)


def test_a_model_without_a_mean_is_refused():
    def sample(params, n_samples, rng):
        z = rng.standard_normal((n_samples, 1))
        return z, z + rng.standard_normal((n_samples, 1))

    with pytest.raises(ValueError, match=r"has no mean\(params, latents\)"):
        fitted(Linearised(), FunctionModel(sample, None, None), {}, n=50)


def test_steps_are_counted_from_one(bent):
    with pytest.raises(ValueError, match="n_steps=0 is not positive"):
        fitted(Linearised(n_steps=0), *bent[:2], n=50)


def test_counts_are_drawn_about_as_well():
    # Noise variances of the columns stand for those of each mean.
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Gaussian(2), Linear(), Poisson(link="log"))
    decoder = {"components": 0.5 * rng.standard_normal((2, 8)), "mean": np.full(8, 1.0)}
    params = {"decoder": decoder}
    X = model.sample(params, 100, rng)[1]
    posterior = fitted(Linearised(), model, params)
    assert np.median(effective_draws(model, params, X, 200, posterior)) > 50
