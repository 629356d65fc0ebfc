"""State space models beside their exact answers."""

import numpy as np
import pytest
from autograd.test_util import check_grads
from scipy.stats import multivariate_normal
from sklearn.base import clone

from skaws import AmortisedLearner
from skaws.checks import ModelCheckError, check_model
from skaws.decoders import MLP, Elementwise, FunctionDecoder, Linear, LinearDynamics
from skaws.likelihoods import Gamma, Poisson, StudentT
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import StateSpaceModel
from skaws.priors import Categorical as Labels
from skaws.priors import Gamma as GammaStart
from skaws.priors import Gaussian

T, K, D = 6, 2, 3
PARAMS = {
    "dynamics": {"transition": np.array([[0.8, -0.3], [0.3, 0.8]])},
    "process_noise": {"noise_variance": 0.3},
    "decoder": {"components": np.array([[1.0, 0.5, -1.0], [0.0, 2.0, 1.0]]), "mean": 1.0},
    "likelihood": {"noise_variance": 0.4},
}


def linear_gaussian(n_times=T, **parts):
    return StateSpaceModel(Gaussian(K), Linear(), GaussianNoise(), n_times, **parts)


def joint_covariance():
    """Mean and covariance of path and series, by writing z and x as maps of the noise."""
    transition = PARAMS["dynamics"]["transition"]
    shocks = np.zeros((T, K, T, K))  # z_t = sum_s transition^(t-s) e_s
    for s in range(T):
        power = np.eye(K) * (1 if s == 0 else np.sqrt(0.3))
        for t in range(s, T):
            shocks[t, :, s] = power
            power = transition @ power
    z = shocks.reshape(T * K, T * K)
    x = np.kron(np.eye(T), PARAMS["decoder"]["components"].T) @ z
    n_columns = T * D
    factor = np.block(
        [[z, np.zeros((T * K, n_columns))], [x, np.sqrt(0.4) * np.eye(n_columns)]]
    )
    return np.r_[np.zeros(T * K), np.ones(n_columns)], factor @ factor.T


def test_log_joint_is_that_of_the_joint_gaussian():
    model = linear_gaussian()
    latents, X = model.sample(PARAMS, 5, np.random.default_rng(0))
    mean, covariance = joint_covariance()
    law = multivariate_normal(mean, covariance)
    expected = law.logpdf(np.hstack([latents.reshape(5, -1), X]))
    np.testing.assert_allclose(model.log_joint(PARAMS, latents, X), expected)


def test_missing_entries_and_times_drop_out():
    model = linear_gaussian()
    latents, X = model.sample(PARAMS, 5, np.random.default_rng(1))
    X[:, [0, 4]] = np.nan
    X[:, 9:12] = np.nan  # a whole time
    mean, covariance = joint_covariance()
    pairs = np.hstack([latents.reshape(5, -1), X])
    seen = ~np.isnan(pairs[0])
    law = multivariate_normal(mean[seen], covariance[np.ix_(seen, seen)])
    np.testing.assert_allclose(
        model.log_joint(PARAMS, latents, X), law.logpdf(pairs[:, seen])
    )


def test_missing_entries_where_zero_is_impossible():
    """The density of a Gamma entry is infinite or zero at what holes are filled with."""
    model = StateSpaceModel(
        GammaStart(1),
        Elementwise("softplus"),
        Gamma(),
        4,
        dynamics=Elementwise("softplus"),
        process_noise=Gamma(),
    )
    rng = np.random.default_rng(0)
    params = model.init_params(rng.gamma(3.0, size=(50, 4)), rng)
    latents, X = model.sample(params, 5, rng)
    X[:, 1] = np.nan
    assert np.isfinite(model.log_joint(params, latents, X)).all()


def test_sampler_and_log_joint_agree():
    """By the checks of every model, which a wrong density does not pass."""
    X = linear_gaussian().sample(PARAMS, 100, np.random.default_rng(0))[1]

    class Wrong(StateSpaceModel):
        def log_joint(self, params, latents, observations):
            return super().log_joint(params, latents, 1.2 * observations)

    check_model(linear_gaussian(), X, random_state=0)
    with pytest.raises(ModelCheckError):
        check_model(Wrong(Gaussian(K), Linear(), GaussianNoise(), T), X, random_state=0)


def test_start_is_stationary():
    model = linear_gaussian(n_times=50)
    rng = np.random.default_rng(0)
    params = model.init_params(rng.standard_normal((20, 150)), rng)
    latents = model.sample(params, 2000, rng)[0]
    # The variance at the start is estimated from 1000 draws: its sd is 0.045 of itself.
    np.testing.assert_allclose(np.var(latents[:, -1]), 1.0, atol=0.15)


def test_fit_knows_the_smoother():
    """Means of paths are those of the exact smoother, at params that are given.

    Errors of means are at most a tenth of posterior standard deviations (measured: .03
    on seeds 0-4); the prior mean, a control, is off by several.
    """
    X = linear_gaussian().sample(PARAMS, 200, np.random.default_rng(2))[1]

    class Given(StateSpaceModel):
        def init_params(self, X, rng):
            return PARAMS

    model = Given(Gaussian(K), Linear(), GaussianNoise(), T)
    learner = AmortisedLearner(model, max_iter=1, learning_rate=1e-9, random_state=0)
    learner.fit(X)
    mean, covariance = joint_covariance()
    n = T * K
    gain = np.linalg.solve(covariance[n:, n:], covariance[n:, :n])
    exact = (X - mean[n:]) @ gain
    sd = np.sqrt(np.diag(covariance[:n, :n] - covariance[:n, n:] @ gain))
    error = (learner.transform(X).reshape(len(X), -1) - exact) / sd
    assert np.sqrt(np.mean(error**2)) < 0.1
    assert np.sqrt(np.mean((exact / sd) ** 2)) > 1


def test_other_parts():
    """Dynamics by a network and by functions, heavy tails, counts."""
    rng = np.random.default_rng(0)
    X = rng.poisson(2.0, (30, 20)).astype(float)

    def drift(params, latents):
        return latents + params["pull"] * (1.0 - latents)

    own = FunctionDecoder(drift, lambda X, n_latents, rng: {"pull": 0.1})
    for dynamics, noise in ((MLP((5,)), StudentT()), (own, GaussianNoise())):
        model = StateSpaceModel(
            Gaussian(1),
            Linear(),
            Poisson(link="log"),
            20,
            dynamics=dynamics,
            process_noise=noise,
        )
        params = clone(model).init_params(X, rng)
        latents, series = model.sample(params, 4, rng)
        assert latents.shape == (4, 20, 1)
        assert np.isfinite(model.log_joint(params, latents, series)).all()
        assert np.all(series == np.round(series))


@pytest.mark.parametrize("noise", [GaussianNoise(), StudentT()])
def test_process_noise_is_differentiable_in_latents(noise):
    model = linear_gaussian(process_noise=noise)
    rng = np.random.default_rng(0)
    params = model.init_params(rng.standard_normal((9, T * D)), rng)
    latents, X = model.sample(params, 3, rng)
    check_grads(lambda z: model.log_joint(params, z, X), modes=["rev"], order=1)(latents)


def test_units_of_x_do_not_matter():
    X = linear_gaussian().sample(PARAMS, 60, np.random.default_rng(3))[1]
    scores = []
    for unit in (1.0, 1000.0):
        learner = AmortisedLearner(linear_gaussian(), max_iter=60, random_state=0)
        learner.fit(unit * X)
        scores.append(learner.score(unit * X) + X.shape[1] * np.log(unit))
    np.testing.assert_allclose(*scores, rtol=1e-6)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: linear_gaussian(n_times=1), ValueError, "2 or more"),
        (lambda: linear_gaussian(n_times="6"), TypeError, "must be an int"),
        (lambda: linear_gaussian(dynamics="linear"), TypeError, "must be a Decoder"),
        (
            lambda: linear_gaussian(process_noise=Linear()),
            TypeError,
            "must be a Likelihood",
        ),
        (
            lambda: StateSpaceModel(Labels(2), Linear(), GaussianNoise(), 5),
            ValueError,
            "FunctionModel",
        ),
        (lambda: FunctionDecoder(None, dict), TypeError, "must be a function"),
    ],
)
def test_what_is_wrong_is_told_at_once(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    "parts, n_columns, message",
    [
        ({}, 13, "no multiple of n_times=6"),
        (
            {"decoder": FunctionDecoder(lambda p, z: z, lambda *a: {})},
            18,
            "2 columns a time",
        ),
        (
            {"dynamics": FunctionDecoder(lambda p, z: z[:, :1], lambda *a: {})},
            18,
            "gives 1 columns, but there are 2 latents",
        ),
    ],
)
def test_what_does_not_fit_together(parts, n_columns, message):
    model = linear_gaussian().set_params(**parts)
    with pytest.raises(ValueError, match=message):
        model.init_params(np.ones((4, n_columns)), np.random.default_rng(0))


def test_linear_dynamics_are_linear():
    dynamics = LinearDynamics()
    mean, components = dynamics.linear_map(PARAMS["dynamics"])
    z = np.random.default_rng(0).standard_normal((4, K))
    location = dynamics.location(PARAMS["dynamics"], z)
    np.testing.assert_allclose(mean + z @ components, location)
