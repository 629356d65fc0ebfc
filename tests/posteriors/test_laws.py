"""What holds of every posterior that is exact, in closed form, or searched for."""

import pickle
from copy import deepcopy

import numpy as np
import pytest
from sklearn.base import clone

from skaws import posteriors, priors
from skaws.posteriors import (
    Classifier,
    Enumeration,
    Exact,
    Gamma,
    Laplace,
    LinearGaussian,
    Linearised,
    Logit,
    Ridge,
    Robust,
    SharedResiduals,
    Wide,
    Windowed,
)
from skaws.simulations import simulate
from skaws.spaces import columns_of, leaves, rows_of

from .models import (
    Guarded,
    binary_model,
    fitted,
    function_model,
    gamma_model,
    linear_model,
    merged,
    network_model,
    robust_model,
)

M, N = 6, 8
GAUSSIAN = linear_model, priors.Gaussian(2)
LAPLACE = linear_model, priors.Laplace(2)
REAL = {
    "exact": (Exact(), *GAUSSIAN),
    "linear": (LinearGaussian(), *LAPLACE),
    "widened": (LinearGaussian(widening=5.0), *LAPLACE),
    "robust": (Robust(), robust_model, 2),
    "linearised, real": (Linearised(), network_model, priors.Gaussian(2)),
    "linearised, interval": (Linearised(), network_model, priors.Beta(2)),
    "windowed, path": (Windowed(), function_model, "path"),
    "wide": (Wide(LinearGaussian()), *LAPLACE),
    "wide robust": (Wide(Robust()), robust_model, 2),
    "gamma": (Gamma(), gamma_model, "Poisson", 2),
    "gamma, to the mode": (Gamma(100), gamma_model, "Gaussian", 2),
    "logit": (Logit(), binary_model, 2),
    "ridge, real": (Ridge(), *LAPLACE),
    "ridge, positive": (Ridge(), function_model, "waiting"),
    "ridge, tree": (Ridge(), function_model, "tree"),
    "ridge, path": (Ridge(), function_model, "path"),
    "ridge, circle": (Ridge(), network_model, priors.UniformCircle()),
    "ridge, direction": (Ridge(), function_model, "direction"),
    "ridge, directions": (Ridge(), function_model, "directions"),
    "laplace, real": (Laplace(), network_model, priors.Gaussian(2)),
    "laplace, positive": (Laplace(), function_model, "waiting"),
    "laplace, interval": (Laplace(), network_model, priors.Beta(2)),
    "laplace, circle": (Laplace(), network_model, priors.UniformCircle()),
    "laplace, tree": (Laplace(), function_model, "tree"),
    "laplace, path": (Laplace(), function_model, "path"),
    "laplace, direction": (Laplace(), function_model, "direction"),
    "laplace, directions": (Laplace(), function_model, "directions"),
}
SHARED = {
    "residuals": (SharedResiduals(), *LAPLACE),
    "residuals, tree": (SharedResiduals(Ridge()), function_model, "tree"),
}
FINITE = {
    "enumeration, class": (Enumeration(), network_model, priors.Categorical(3)),
    "enumeration, tree": (Enumeration(), function_model, "labels"),
    "classifier": (Classifier(), network_model, priors.Categorical(3)),
}
CASES = {**REAL, **SHARED, **FINITE}
EXACT = {"exact", "enumeration, class", "enumeration, tree"}


def setting(name):
    """Posterior, model, params and rows, of which two have holes where that may be."""
    posterior, make, *arguments = CASES[name]
    model, params = make(*arguments)
    X = model.sample(params, M, np.random.default_rng(5))[1]
    if model.allows_missing:
        X[1, 0] = X[4, 1] = np.nan
    return posterior, model, params, X


@pytest.fixture(params=CASES)
def case(request):
    posterior, model, params, X = setting(request.param)
    return fitted(posterior, model, params), model, params, X


def draws(posterior, X, seed=0, common=False, n_samples=N):
    return posterior.sample(X, n_samples, np.random.default_rng(seed), common)


def assert_same(one, other, **tolerance):
    for (path, a), (same, b) in zip(leaves({"": one}), leaves({"": other}), strict=True):
        assert path == same
        np.testing.assert_allclose(a, b, **tolerance)


def shapes(latents):
    return {path: leaf.shape for path, leaf in leaves({"": latents})}


def test_latents_have_the_structure_of_the_models(case):
    posterior, model, params, X = case
    latents, log_prob = draws(posterior, X)
    of_model = model.sample(params, M, np.random.default_rng(0))[0]
    assert log_prob.shape == (N, M)
    assert shapes(latents) == {path: (N, *own) for path, own in shapes(of_model).items()}
    assert shapes(posterior.mean(X)) == shapes(of_model)
    inputs = posterior.inputs(X)
    assert inputs.ndim == 2 and len(inputs) == M and np.isfinite(inputs).all()


def test_latents_lie_in_the_space(case):
    posterior, _, _, X = case
    for common in (False, True):
        assert posterior.space.contains(merged(draws(posterior, X, 0, common)[0]))
    # Averages of labels are none.
    assert posterior.space.alphabets or posterior.space.contains(posterior.mean(X))


@pytest.mark.parametrize("name", CASES)
def test_the_log_joint_is_never_called_outside_of_the_space(name):
    posterior, model, params, X = setting(name)
    rng = np.random.default_rng(0)
    simulations = simulate(model, params, 300, rng)
    guarded = Guarded(model, simulations.space)
    found = posterior.fit(guarded, params, simulations, rng)
    found.mean(X), found.inputs(X), draws(found, X), draws(found, X, 0, True)
    calls = type(posterior) is Laplace or name == "enumeration, tree"
    assert (guarded.n_calls > 0) == calls


@pytest.mark.parametrize("name", ["ridge, positive", "ridge, tree", "laplace, positive"])
def test_latents_of_far_rows_lie_in_the_space(name):
    posterior, model, params, X = setting(name)
    found = fitted(posterior, model, params)
    for far in (1e3 * X, -1e3 * np.abs(X)):
        latents = merged(draws(found, far)[0])
        assert found.space.contains(latents) and found.space.contains(found.mean(far))


def test_the_guard_sees_a_log_joint_outside_of_the_space():
    _, model, params, X = setting("laplace, positive")
    guarded = Guarded(model, simulate(model, params, 9, np.random.default_rng(0)).space)
    with pytest.raises(AssertionError, match="outside of the support"):
        guarded.log_joint(params, -np.ones((M, 1)), X)


def test_what_is_said_of_a_row_with_common_numbers_depends_on_that_row_alone(case):
    posterior, _, _, X = case
    latents, log_prob = draws(posterior, X, 0, common=True)
    for i in (0, 1, 5):
        alone, own = draws(posterior, X[i : i + 1], 0, common=True)
        # Newton's searches end at the same mode, to their tolerance.
        whole = rows_of(latents, (slice(None), [i]))
        assert_same(alone, whole, atol=1e-6, rtol=1e-6)
        np.testing.assert_allclose(own[:, 0], log_prob[:, i], atol=1e-5)
        mean = rows_of(posterior.mean(X), [i])
        assert_same(posterior.mean(X[i : i + 1]), mean, atol=1e-6)


@pytest.mark.parametrize("name", [*REAL, *FINITE])
def test_rows_otherwise_have_numbers_of_their_own(name):
    posterior, model, params, X = setting(name)
    found, rows = fitted(posterior, model, params), np.repeat(X[:1], 50, axis=0)
    own, shared = (
        columns_of(merged(draws(found, rows, 0, common, 3)[0])).reshape(3, 50, -1)
        for common in (False, True)
    )
    assert np.ptp(own, axis=1).max() > 1e-3 > 1e-9 > np.ptp(shared, axis=1).max()


def test_draws_are_those_of_the_seed(case):
    posterior, _, _, X = case
    assert_same(draws(posterior, X)[0], draws(posterior, X)[0], rtol=0)


def test_rows_are_left_as_they_were(case):
    posterior, _, _, X = case
    before = X.copy()
    posterior.mean(X), draws(posterior, X)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("name", REAL)
def test_log_prob_is_the_log_density_of_draws(name):
    """A density that is narrower than q in real coordinates has E_q[h / q] = 1."""
    posterior, model, params, X = setting(name)
    found = fitted(posterior, model, params)
    ratios, rows = [], np.repeat(X[:1], 4000, axis=0)
    for seed in (0, 1):
        latents, log_prob = draws(found, rows, seed, n_samples=1)
        u = found.space.flatten(rows_of(latents, 0))
        if seed == 0:
            centre = np.median(u, axis=0)
            low, high = np.quantile(u, (0.25, 0.75), axis=0)
            scale = 0.4 * (high - low)
            continue
        white = (u - centre) / scale
        log_h = -0.5 * np.sum(white**2 + np.log(2 * np.pi), axis=1) - np.sum(np.log(scale))
        ratios = np.exp(log_h - found.space.log_det_jacobian(u) - log_prob[0])
    error = ratios.std() / np.sqrt(len(ratios))
    assert error < 0.06  # a log density that is off by 0.3 would be seen
    assert abs(ratios.mean() - 1) < 5 * error


@pytest.mark.parametrize("name", CASES)
def test_only_exact_posteriors_have_a_log_marginal(name):
    posterior, model, params, X = setting(name)
    found = fitted(posterior, model, params)
    assert hasattr(found, "log_marginal") == (name in EXACT)
    if name in EXACT:
        latents, log_prob = draws(found, X)
        repeated = np.tile(X, (N, 1))
        log_joint = model.log_joint(params, merged(latents), repeated).reshape(N, M)
        # Bayes' rule: every draw says the same p(x).
        np.testing.assert_allclose(
            log_joint - log_prob, np.tile(found.log_marginal(X), (N, 1)), atol=1e-9
        )


def test_a_fitted_posterior_pickles(case):
    posterior, _, _, X = case
    again = pickle.loads(pickle.dumps(posterior))
    assert_same(draws(again, X)[0], draws(posterior, X)[0], rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_nothing_learnt_stays_on_the_part(name):
    posterior, model, params, _ = setting(name)
    before = deepcopy(vars(posterior))
    fitted(posterior, model, params)
    assert repr(before) == repr(vars(posterior))
    assert repr(clone(posterior)) == repr(posterior)
    assert repr(eval(repr(posterior), vars(posteriors))) == repr(posterior)


@pytest.mark.parametrize("name", [*REAL, *FINITE])
def test_it_says_that_it_suits_what_it_is_fitted_to(name):
    posterior, model, params, _ = setting(name)
    space = simulate(model, params, 10, np.random.default_rng(0)).space
    assert posterior.suits(model, params, space) == (name != "classifier")
