"""Given columns travel the road of missing entries: known of a row before x."""

from itertools import islice

import autograd.numpy as anp
import numpy as np
import pytest
from sklearn.base import clone

from skaws import AmortisedLearner
from skaws.checks.fit import vanished_noise
from skaws.decoders import MLP, Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, GivenColumns, LatentVariableModel
from skaws.models.given import takes_given
from skaws.optimizers import Adam
from skaws.priors import Gaussian
from skaws.simulations import simulate
from skaws.spaces import Space, shift
from skaws.supports import Positive, Real
from skaws.wake_sleep import wake_sleep

SLOPE, N_TIMES = 1.5, 3

# Fits that stop early are no good fits.
pytestmark = pytest.mark.filterwarnings("ignore:AmortisedLearner. real rows")


# A random intercept beside a covariate that every measurement has: x_t = b g_t + z + noise.


def sample(params, n_samples, rng, given):
    z = rng.standard_normal((n_samples, 1))
    noise = rng.standard_normal((n_samples, N_TIMES))
    return z, params["slope"] * given + z + params["sd"] * noise


def log_joint(params, z, x, given):
    missing = np.isnan(x)
    error = np.where(missing, 0.0, x) - params["slope"] * given - z
    entries = -0.5 * (error / params["sd"]) ** 2 - anp.log(params["sd"])
    entries = anp.where(missing, 0.0, entries - 0.5 * np.log(2 * np.pi))
    log_prior = -0.5 * z[:, 0] ** 2 - 0.5 * np.log(2 * np.pi)
    return log_prior + anp.sum(entries, axis=1)


def init_params(X, rng):
    return {"slope": 0.0, "sd": 1.0}


def random_intercept(sample=sample, log_joint=log_joint, init_params=init_params):
    return FunctionModel(
        sample,
        log_joint,
        init_params,
        {"sd": Positive()},
        latent_support=Real(),
        allows_missing=True,
    )


def table(n_rows=400, seed=0):
    rng = np.random.default_rng(seed)
    given = rng.standard_normal((n_rows, N_TIMES)) + 1.0
    return sample({"slope": SLOPE, "sd": 0.5}, n_rows, rng, given)[1], given


def exact_slope(X, given):
    """Generalised least squares at the true variances: what maximum likelihood comes to."""
    weight = np.linalg.inv(np.ones((N_TIMES, N_TIMES)) + 0.25 * np.eye(N_TIMES))
    top = np.einsum("nt,tu,nu", given, weight, X)
    return top / np.einsum("nt,tu,nu", given, weight, given)


@pytest.fixture(scope="module")
def learner():
    X, given = table()
    learner = AmortisedLearner(random_intercept(), max_iter=300, random_state=0)
    return learner.fit(X, given=given)


def test_slope_of_a_covariate_is_recovered(learner):
    X, given = table()
    found = learner.params_
    # The estimator's own standard error is 0.02: the fit must come within a part of it.
    assert abs(found["slope"] - exact_slope(X, given)) < 0.015
    assert abs(found["slope"] - SLOPE) < 0.1 and abs(found["sd"] - 0.5) < 0.1


def test_without_given_columns_the_slope_is_not_there_to_be_found():
    # The negative control: rows whose covariates are those of others.
    X, given = table()
    learner = AmortisedLearner(random_intercept(), max_iter=100, random_state=0)
    learner.fit(X, given=np.roll(given, 1, axis=0))
    assert abs(learner.params_["slope"] - SLOPE) > 0.5


def test_answers_are_those_of_the_row_with_its_given_columns(learner):
    X, given = table(200, seed=1)
    slope, sd = learner.params_["slope"], learner.params_["sd"]
    precision = 1 + N_TIMES / sd**2
    exact = np.sum(X - slope * given, axis=1, keepdims=True) / sd**2 / precision
    np.testing.assert_allclose(learner.transform(X, given=given), exact, atol=0.02)
    draws = learner.sample_posterior(X, 500, random_state=0, given=given)
    np.testing.assert_allclose(draws.mean(axis=0), exact, atol=0.12)
    error = X - slope * given
    covariance = np.ones((N_TIMES, N_TIMES)) + sd**2 * np.eye(N_TIMES)
    distance = np.einsum("nt,tu,nu->n", error, np.linalg.inv(covariance), error)
    constant = np.linalg.slogdet(covariance)[1] + N_TIMES * np.log(2 * np.pi)
    found = learner.score_samples(X, given=given)
    np.testing.assert_allclose(found, -0.5 * (distance + constant), atol=0.02)
    assert learner.score(X, given=given) == pytest.approx(found.mean())
    # Other given columns say other things of the same rows.
    other = learner.transform(X, given=given[::-1])
    assert np.abs(other - exact).max() > 0.5


def test_new_rows_are_drawn_for_given_columns(learner):
    given = np.repeat([[-5.0, 0.0, 5.0]], 2000, axis=0)
    rows = learner.sample(2000, random_state=0, given=given)
    assert rows.shape == (2000, N_TIMES)
    expected = learner.params_["slope"] * given[0]
    np.testing.assert_allclose(rows.mean(axis=0), expected, atol=0.15)


def test_partial_fit_and_fit_transform_take_them_too():
    X, given = table()
    learner = AmortisedLearner(random_intercept(), learning_rate=0.05, random_state=0)
    for _ in range(60):
        learner.partial_fit(X, given=given)
    assert abs(learner.params_["slope"] - SLOPE) < 0.3
    learner = clone(learner).set_params(max_iter=3)
    latents = learner.fit_transform(X, given=given)
    np.testing.assert_array_equal(latents, learner.transform(X, given=given))


# What reaches the functions.


def test_functions_are_called_with_rows_of_given_columns():
    X, given = table(50)
    rows = {tuple(row) for row in given.round(12)}
    calls = {"sample": 0, "log_joint": 0}

    def watch(name, function):
        def watched(*args, given):
            calls[name] += 1
            assert given.shape[1] == N_TIMES and len(given) > 0
            assert {tuple(row) for row in given.round(12)} <= rows
            return function(*args, given=given)

        return watched

    model = random_intercept(watch("sample", sample), watch("log_joint", log_joint))
    learner = AmortisedLearner(model, max_iter=3, random_state=0)
    learner.fit(X, given=given)
    learner.transform(X[:5], given=given[:5])
    assert min(calls.values()) > 3


def test_log_joint_sees_each_row_with_its_own_given_columns():
    # Here x is its covariate but for a sign: no pair may be torn apart.
    def mirrored(params, n_samples, rng, given):
        z = rng.standard_normal((n_samples, 1))
        return z, np.sign(z) * given

    def own(params, z, x, given):
        # (The check of a fit moves x by a thousandth.)
        np.testing.assert_allclose(np.abs(x), np.abs(given), atol=0.01)
        return -0.5 * anp.sum((z - params["slope"]) ** 2, axis=1)

    _, given = table(50)
    X = given * np.random.default_rng(0).choice([-1.0, 1.0], (50, 1))
    model = random_intercept(mirrored, own)
    learner = AmortisedLearner(model, max_iter=3, random_state=0).fit(X, given=given)
    learner.transform(X, given=given)


def test_given_columns_are_not_asked_for_noise_of_their_own():
    # x follows so closely from its covariate that to move this costs as much as to move x.
    def sharp(params, z, x, given):
        error = (x - params["slope"] * given)[:, :2] / 1e-5
        return -0.5 * anp.sum(z**2, axis=1) - 0.5 * anp.sum(error**2, axis=1)

    _, given = table(50)
    model = GivenColumns(random_intercept(log_joint=sharp), N_TIMES)
    params, rows = {"slope": SLOPE, "sd": 1e-5}, np.hstack([SLOPE * given, given])
    assert vanished_noise(model, params, rows)[0] == 0
    rows[:, :2] = 1.0  # columns that never vary are left out; the last has more noise
    assert vanished_noise(model, params, rows)[0] is None


def test_simulated_rows_have_given_columns_of_real_ones_together_with_their_holes():
    X, given = table(60)
    given[:, 0] = np.arange(60)
    X[::2, 0] = np.nan  # rows of even numbers have a hole
    X[::3, 2] = np.nan
    model = GivenColumns(random_intercept(), N_TIMES)
    rows, rng = np.hstack([X, given]), np.random.default_rng(0)
    found = simulate(model, init_params(X, rng), 500, rng, like=rows).observations
    number = found[:, N_TIMES].astype(int)
    np.testing.assert_array_equal(found[:, N_TIMES:], given[number])
    np.testing.assert_array_equal(np.isnan(found[:, :N_TIMES]), np.isnan(X[number]))
    assert len(np.unique(number)) > 50


def test_init_params_takes_given_columns_where_it_asks_for_them():
    X, given = table(50)

    def start(X, rng, given):
        assert X.shape == given.shape == (50, N_TIMES)
        return {"slope": np.sum(X * given) / np.sum(given**2), "sd": 1.0}

    rows, rng = np.hstack([X, given]), np.random.default_rng(0)
    for own, slope in ((init_params, 0.0), (start, np.sum(X * given) / np.sum(given**2))):
        model = GivenColumns(random_intercept(init_params=own), N_TIMES)
        assert model.init_params(rows, rng)["slope"] == pytest.approx(slope)


def test_everything_else_is_the_models_own():
    inner = random_intercept()
    model, params = GivenColumns(inner, N_TIMES), init_params(None, None)
    assert model.latent_support is inner.latent_support and model.allows_missing
    assert model.constraints == inner.constraints
    step = {"slope": 1.0, "sd": 0.5}
    assert model.move(params, step) == shift(params, step, inner.constraints)
    assert not hasattr(model, "log_prior")
    inner.log_prior = lambda params: -params["sd"]
    assert GivenColumns(inner, N_TIMES).log_prior(params) == -1.0


def test_the_loop_itself_takes_rows_with_given_columns():
    X, given = table()
    model, rng = GivenColumns(random_intercept(), N_TIMES), np.random.default_rng(0)
    loop = wake_sleep(model, np.hstack([X, given]), init_params(X, rng), Adam(), rng=rng)
    *_, last = islice(loop, 200)
    assert abs(last.params["slope"] - SLOPE) < 0.2


# Errors in words.


def test_simulations_without_rows_to_take_given_columns_from_are_refused():
    model = GivenColumns(random_intercept(), N_TIMES)
    with pytest.raises(ValueError, match="GivenColumns has 3 given columns.*like=X"):
        simulate(model, init_params(None, None), 5, np.random.default_rng(0))


@pytest.mark.parametrize("name", ["sample", "log_joint"])
def test_function_that_takes_no_given_is_told(name):
    def takes_none(*args):
        """Knows nothing of covariates."""

    X, given = table(50)
    model = random_intercept(**{name: takes_none})
    message = f"{name} of FunctionModel takes no argument given.*last argument named given"
    with pytest.raises(TypeError, match=message):
        AmortisedLearner(model).fit(X, given=given)


def test_functions_that_take_given_are_seen():
    assert takes_given(sample) and not takes_given(init_params)
    assert takes_given(LatentVariableModel(Gaussian(1), Linear(), GaussianNoise()).sample)


ASKED = {
    "transform": lambda learner, X, given: learner.transform(X, given=given),
    "score_samples": lambda learner, X, given: learner.score_samples(X, given=given),
    "sample_posterior": lambda learner, X, given: learner.sample_posterior(X, given=given),
    "sample": lambda learner, X, given: learner.sample(len(X), given=given),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "was fitted with given columns, but none were passed. Pass given="),
        (np.zeros((5, 2)), "given has 2 columns, but AmortisedLearner was fitted with 3"),
        (np.zeros((4, 3)), "inconsistent numbers of samples"),
        (np.full((5, 3), np.nan), "given contains NaN"),
    ],
    ids=["missing", "columns", "rows", "holes"],
)
def test_given_columns_that_cannot_be_used_are_told(learner, ask, given, message):
    with pytest.raises(ValueError, match=message):
        ask(learner, table(5)[0], given)


def test_given_columns_where_there_were_none_are_told():
    X, given = table(50)

    def alone(params, n_samples, rng):
        return sample(params, n_samples, rng, np.zeros((n_samples, N_TIMES)))

    def joint(params, z, x):
        return log_joint(params, z, x, np.zeros(np.shape(x)))

    learner = AmortisedLearner(random_intercept(alone, joint), max_iter=3, random_state=0)
    learner.fit(X)
    with pytest.raises(ValueError, match="given has 3 columns, but .* fitted with 0"):
        learner.transform(X, given=given)


# Models composed of parts.


@pytest.mark.parametrize("decoder", [Linear(), MLP((4,))])
def test_decoder_of_a_composed_model_reads_given_columns_beside_latents(decoder):
    X, given = table(100)
    model, rng = LatentVariableModel(Gaussian(1), decoder, GaussianNoise()), None
    rng = np.random.default_rng(0)
    params = model.init_params(X, rng, given=given)
    z, x = model.sample(params, 100, np.random.default_rng(1), given=given)
    assert z.shape == (100, 1) and x.shape == (100, N_TIMES)
    location = decoder.location(params["decoder"], np.hstack([z, given]))
    noise = params["likelihood"]
    expected = model.prior.log_density({}, z) + np.sum(
        model.likelihood.log_density(noise, location, x), axis=1
    )
    np.testing.assert_allclose(model.log_joint(params, z, x, given=given), expected)
    wrapped = GivenColumns(model, N_TIMES)
    assert Space(params, wrapped.constraints).size > 0
    found = wrapped.log_joint(params, z, np.hstack([x, given]))
    np.testing.assert_allclose(found, expected)


def test_linear_decoder_comes_to_least_squares():
    # All columns have the same regressors: whatever their covariance is, least squares is
    # maximum likelihood.  Its standard errors are 0.06; the fit's own noise is less.
    X, given = table()
    model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    learner = AmortisedLearner(model, max_iter=400, learning_rate=0.1, random_state=0)
    found = learner.fit(X, given=given).params_["decoder"]
    regressors = np.hstack([np.ones((len(X), 1)), given])
    exact = np.linalg.lstsq(regressors, X, rcond=None)[0]
    np.testing.assert_allclose(found["components"][1:], exact[1:], atol=0.06)
    np.testing.assert_allclose(found["mean"], exact[0], atol=0.06)
    assert learner.transform(X, given=given).shape == (400, 1)


def test_network_explains_what_given_columns_say():
    # Without given columns standard deviations are 0.7, with them 0.3.
    rng = np.random.default_rng(0)
    given = rng.uniform(-2, 2, (300, 1))
    X = np.hstack([np.sin(given), np.cos(2 * given)]) + 0.3 * rng.standard_normal((300, 2))
    model = LatentVariableModel(Gaussian(1), MLP((16,)), GaussianNoise())
    how = {"max_iter": 200, "learning_rate": 0.03, "random_state": 0}
    blind = AmortisedLearner(model, **how).fit(X).score(X)
    seeing = AmortisedLearner(model, **how).fit(X, given=given).score(X, given=given)
    assert seeing > blind + 0.3
