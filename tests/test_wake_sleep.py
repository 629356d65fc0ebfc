"""The loop: its gradient is the likelihood's, its batches are fair, its errors speak."""

from itertools import islice

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from threadpoolctl import ThreadpoolController

from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, LatentVariableModel
from skaws.objectives import ExpectedLogJoint, ResidualRegression
from skaws.optimizers import Adam
from skaws.posteriors import Exact, MixtureNetwork
from skaws.priors import Gaussian
from skaws.regression import KernelRegression
from skaws.spaces import Space
from skaws.supports import Interval, Positive
from skaws.wake_sleep import check_gradient, check_params, sleep, wake, wake_sleep

from .common import altered, gaussian_model

N_FEATURES, N_LATENTS = 6, 2


class InflatedSampler(LatentVariableModel):
    """Negative control: simulations 30% larger than the log joint says."""

    def sample(self, params, n_samples, rng):
        latents, observations = super().sample(params, n_samples, rng)
        return latents, 1.3 * observations


def linear_gaussian(model_class=LatentVariableModel):
    return model_class(Gaussian(N_LATENTS), Linear(), GaussianNoise(per_feature=True))


@pytest.fixture
def truth():
    rng = np.random.default_rng(0)
    return {
        "decoder": {
            "components": rng.standard_normal((N_LATENTS, N_FEATURES)),
            "mean": rng.standard_normal(N_FEATURES),
        },
        "likelihood": {"noise_variance": rng.uniform(0.3, 1.0, N_FEATURES)},
    }


@pytest.fixture
def elsewhere(truth):
    """Params at a distance from the truth, where the score is far from zero."""
    shift = 0.3 * np.random.default_rng(1).standard_normal((N_LATENTS, N_FEATURES))
    decoder = {
        "components": truth["decoder"]["components"] + shift,
        "mean": truth["decoder"]["mean"] + 0.2,
    }
    noise = {"noise_variance": 1.5 * truth["likelihood"]["noise_variance"]}
    return {"decoder": decoder, "likelihood": noise}


@pytest.fixture
def X(truth):
    return linear_gaussian().sample(truth, 300, np.random.default_rng(2))[1]


def exact_score(model, params, X):
    """Gradient of the mean Gaussian log-likelihood, in the coordinates of ``move``."""
    space = Space(params, model.constraints)

    def log_likelihood(step):
        moved = model.move(params, space.split(step))
        components = moved["decoder"]["components"]
        noise = anp.diag(moved["likelihood"]["noise_variance"])
        covariance = anp.dot(components.T, components) + noise
        residual = X - moved["decoder"]["mean"]
        distance = anp.sum(residual * anp.linalg.solve(covariance, residual.T).T, axis=1)
        return -0.5 * (anp.mean(distance) + anp.linalg.slogdet(covariance)[1])

    return grad(log_likelihood)(np.zeros(space.size))


def woken(model, params, simulations, X, objective, rng, regression=None):
    """What the wake phase finds of rows that all weigh the same."""
    regression = KernelRegression() if regression is None else regression
    weights = np.full(len(X), 1 / len(X))
    return wake(model, params, simulations, X, weights, objective, regression, rng=rng)


def estimated_score(model, params, X, objective, n_simulations, seed):
    rng = np.random.default_rng(seed)
    simulations = sleep(model, params, Exact(), n_simulations, rng)
    return woken(model, params, simulations, X, objective, rng).gradient


def error_slope(model, params, X, objective):
    """Slope of log relative error against log N, and the error at the largest N."""
    score = exact_score(model, params, X)
    counts = np.array([100, 300, 900])
    errors = []
    for n in counts:
        found = [estimated_score(model, params, X, objective, n, (n, r)) for r in range(5)]
        errors.append(np.mean(np.linalg.norm(np.array(found) - score, axis=1)))
    errors = np.array(errors) / np.linalg.norm(score)
    return np.polyfit(np.log(counts), np.log(errors), 1)[0], errors[-1]


@pytest.mark.parametrize("objective", [ResidualRegression(), ExpectedLogJoint()])
def test_gradient_converges_to_the_exact_score(objective, elsewhere, X):
    # Monte Carlo: the error falls as N**-0.5.  Over five design seeds slopes were
    # -0.47 to -0.63 and errors at N = 900 were 0.08 to 0.14.
    slope, error = error_slope(linear_gaussian(), elsewhere, X, objective)
    assert slope < -0.3
    assert error < 0.2


def test_gradient_of_a_wrong_sampler_does_not_converge_to_it(elsewhere, X):
    # Design seeds: slopes -0.05 to -0.12, errors 0.50 to 0.86.
    wrong = linear_gaussian(InflatedSampler)
    slope, error = error_slope(wrong, elsewhere, X, ResidualRegression())
    assert slope > -0.3
    assert error > 0.3


def test_without_baseline_it_converges_on_inputs_that_keep_all_of_x(elsewhere, X):
    # Design seeds: slopes -0.46 to -0.54, errors at N = 900 twice those of the residual.
    plain = ResidualRegression(baseline=None, inputs="observations")
    slope, error = error_slope(linear_gaussian(), elsewhere, X, plain)
    assert slope < -0.3
    assert error > error_slope(linear_gaussian(), elsewhere, X, ResidualRegression())[1]


def test_mean_gradient_at_the_truth_is_zero(truth):
    model = linear_gaussian()
    gradients = []
    for seed in range(200):
        _, X = model.sample(truth, 200, np.random.default_rng((7, seed)))
        gradients.append(estimated_score(model, truth, X, ResidualRegression(), 200, seed))
    gradients = np.array(gradients)
    z = gradients.mean(axis=0) / (gradients.std(axis=0, ddof=1) / np.sqrt(len(gradients)))
    assert np.abs(z).max() < 4  # 24 coordinates, 200 independent repeats


@pytest.mark.parametrize("baseline", ["mean", None])
def test_gradient_is_the_regression_of_per_pair_gradients(baseline, elsewhere, X):
    model, objective = linear_gaussian(), ResidualRegression(baseline=baseline)
    space = Space(elsewhere, model.constraints)
    rng = np.random.default_rng(3)
    simulations = sleep(model, elsewhere, Exact(), 60, rng)
    posterior, rows = simulations.posterior, X[:20]

    def pair_gradients(latents, observations):
        def value(step, i):
            moved = model.move(elsewhere, space.split(step))
            return model.log_joint(moved, latents[i : i + 1], observations[i : i + 1])[0]

        zero = np.zeros(space.size)
        return np.array([grad(value)(zero, i) for i in range(len(latents))])

    inputs, own = posterior.inputs(rows), posterior.inputs(simulations.observations)
    regression = KernelRegression().fit(own)
    targets = pair_gradients(simulations.latents, simulations.observations)
    expected = 0.0
    if baseline is not None:
        means = posterior.mean(simulations.observations)
        targets -= pair_gradients(means, simulations.observations)
        expected = pair_gradients(posterior.mean(rows), rows).mean(axis=0)
    expected = expected + (regression.weights(inputs) @ targets).mean(axis=0)
    found = woken(model, elsewhere, simulations, rows, objective, rng).gradient
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_missing_entries_are_shared_with_the_simulations(truth, X):
    holes = np.where(np.arange(N_FEATURES) < 2, np.nan, X)
    rng = np.random.default_rng(0)
    found = sleep(linear_gaussian(), truth, Exact(), 50, rng, like=holes)
    np.testing.assert_array_equal(
        np.isnan(found.observations), np.tile(np.arange(N_FEATURES) < 2, (50, 1))
    )


def test_score_with_missing_entries_converges_to_that_of_the_rest(elsewhere, X):
    # Columns never seen leave the score of the others as if they were not there.
    model = linear_gaussian()
    holes = np.where(np.arange(N_FEATURES) >= 4, np.nan, X)
    gradients = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        simulations = sleep(model, elsewhere, Exact(), 800, rng, like=holes)
        found = woken(model, elsewhere, simulations, holes, ResidualRegression(), rng)
        gradients.append(found.gradient)
    seen = {
        "decoder": {name: value[..., :4] for name, value in elsewhere["decoder"].items()},
        "likelihood": {"noise_variance": elsewhere["likelihood"]["noise_variance"][:4]},
    }
    space = Space(elsewhere, model.constraints)
    found = space.split(np.mean(gradients, axis=0))
    expected = Space(seen, model.constraints).split(exact_score(model, seen, X[:, :4]))
    for part, name in (("decoder", "components"), ("likelihood", "noise_variance")):
        gap = np.linalg.norm(found[part][name][..., :4] - expected[part][name])
        assert gap < 0.2 * np.linalg.norm(expected[part][name])
        assert np.all(found[part][name][..., 4:] == 0)


def draw(X, params, n_iterations, seed=0, **options):
    rng = np.random.default_rng(seed)
    loop = wake_sleep(
        linear_gaussian(), X, params, Adam(), rng=rng, n_simulations=100, **options
    )
    return list(islice(loop, n_iterations))


def test_loop_climbs_the_likelihood(elsewhere, truth, X):
    model, last = linear_gaussian(), draw(X, elsewhere, 100)[-1]

    def score(params):
        return np.mean(model.posterior(params).log_marginal(X))

    assert score(elsewhere) < score(truth) - 0.3
    assert score(last.params) > score(truth) - 0.05


def test_same_seed_same_bits(elsewhere, X):
    first, second = (draw(X, elsewhere, 5, batch_size=100)[-1] for _ in range(2))
    assert first.objective == second.objective
    np.testing.assert_array_equal(
        first.params["decoder"]["components"], second.params["decoder"]["components"]
    )


@pytest.mark.parametrize("posterior", [Exact(), MixtureNetwork(n_first_steps=5)])
def test_a_loop_goes_on_where_another_was_left(posterior, elsewhere, X):
    whole = draw(X, elsewhere, 6, posterior=posterior)[-1]
    optimizer, rng = Adam(), np.random.default_rng(0)
    params, previous = elsewhere, None
    for _ in range(2):
        loop = wake_sleep(
            linear_gaussian(), X, params, optimizer, rng=rng, n_simulations=100,
            posterior=posterior, previous=previous,
        )  # fmt: skip
        last = list(islice(loop, 3))[-1]
        params, previous = last.params, last.posterior
    np.testing.assert_array_equal(
        whole.params["decoder"]["components"], params["decoder"]["components"]
    )


class Walk:
    """An optimizer of one's own: it remembers what it was given and what it did."""

    def __init__(self):
        self.gradients, self.steps = [], []

    def step(self, gradient):
        self.gradients.append(gradient)
        self.steps.append(0.01 * gradient)
        return self.steps[-1]


def test_gain_is_the_gradient_along_the_step_before_it(elsewhere, X):
    walk, rng = Walk(), np.random.default_rng(0)
    loop = wake_sleep(linear_gaussian(), X, elsewhere, walk, rng=rng, n_simulations=100)
    gains = [iteration.gain for iteration in islice(loop, 5)]
    expected = [g @ s for g, s in zip(walk.gradients[1:], walk.steps, strict=False)]
    np.testing.assert_allclose(gains, [0.0, *expected], rtol=1e-12)


def test_schedule_is_told_the_gain_and_multiplies_the_step(elsewhere, X):
    model, told = linear_gaussian(), []

    class Halving:
        def factor(self, gain):
            told.append(gain)
            return 0.5

    space, walk = Space(elsewhere, model.constraints), Walk()
    rng = np.random.default_rng(0)
    loop = wake_sleep(model, X, elsewhere, walk, rng=rng, schedule=Halving())
    path = [elsewhere, *(iteration.params for iteration in islice(loop, 3))]
    for before, after, step in zip(path, path[1:], walk.steps, strict=False):
        expected = model.move(before, space.split(0.5 * step))
        np.testing.assert_allclose(space.flatten(after), space.flatten(expected))
    halves = [0.5 * g @ s for g, s in zip(walk.gradients[1:], walk.steps, strict=False)]
    np.testing.assert_allclose(told, [0.0, *halves], rtol=1e-12)


def test_diagnostics_tell_real_from_foreign_rows(truth, X):
    at_home = draw(X, truth, 1)[0].diagnostics
    abroad = draw(X + 20.0, truth, 1)[0].diagnostics
    assert 0.5 < at_home["input_distance"] < 2.0
    assert abroad["input_distance"] > 10.0
    assert at_home["weight_sum"] < 2.0
    assert np.isfinite(at_home["regression_error"])


def test_blas_threads_are_limited_inside_and_restored_outside(truth, X):
    controller = ThreadpoolController()
    inside = []

    class Spy(LatentVariableModel):
        def sample(self, params, n_samples, rng):
            inside.extend(pool["num_threads"] for pool in blas_pools())
            return super().sample(params, n_samples, rng)

    def blas_pools():
        return [pool for pool in controller.info() if pool["user_api"] == "blas"]

    before = blas_pools()
    rng = np.random.default_rng(0)
    next(wake_sleep(linear_gaussian(Spy), X, truth, Adam(), rng=rng))
    assert set(inside) == {1}
    assert [pool["num_threads"] for pool in blas_pools()] == [
        pool["num_threads"] for pool in before
    ]


def counts_model(log_joint=None, sample=None):
    """Poisson counts with a Gaussian log rate, as three functions."""

    def right_log_joint(params, z, x):
        prior = -0.5 * (z - params["mean"]) ** 2
        return anp.sum(x * z - anp.exp(z) + prior, axis=1)

    def right_sample(params, n_samples, rng):
        z = params["mean"] + rng.standard_normal((n_samples, 1))
        return z, rng.poisson(np.exp(z)).astype(float)

    return FunctionModel(
        sample or right_sample, log_joint or right_log_joint, lambda X, rng: {"mean": 0.0}
    )


def first_iteration(model):
    X = np.random.default_rng(0).poisson(2.0, (50, 1)).astype(float)
    rng = np.random.default_rng(0)
    return next(wake_sleep(model, X, {"mean": 0.0}, Adam(), rng=rng))


def test_three_plain_functions_are_enough():
    assert first_iteration(counts_model()).params["mean"] > 0


def test_log_joint_of_wrong_shape_is_told():
    model = counts_model(log_joint=lambda params, z, x: x * z - params["mean"])
    with pytest.raises(ValueError, match=r"returned shape \(650, 1\), expected \(650,\)"):
        first_iteration(model)


def test_log_joint_that_is_not_finite_is_told():
    model = counts_model(
        log_joint=lambda params, z, x: anp.where(z[:, 0] > 2, -np.inf, params["mean"])
    )
    with (
        pytest.raises(
            FloatingPointError, match=r"log_joint of FunctionModel is not finite for \d+ of"
        ),
        np.errstate(all="ignore"),
    ):
        first_iteration(model)


@pytest.mark.parametrize(
    ("support", "learning_rate"),
    [(Positive(), 1e4), (Positive(0.5), 1e3), (Interval(0.0, 5.0), 1e3)],
)
def test_step_to_the_edge_of_a_support_is_told(support, learning_rate):
    model, rng = counts_model(), np.random.default_rng(0)
    model.constraints = {"mean": support}
    optimizer = Adam(learning_rate)
    steps = wake_sleep(model, np.zeros((50, 1)), {"mean": 1.0}, optimizer, rng=rng)
    with pytest.raises(FloatingPointError, match="mean of FunctionModel came to the edge"):
        next(steps)


def test_gradient_that_is_not_finite_names_its_parameter():
    model = counts_model(
        log_joint=lambda params, z, x: anp.sum(z, axis=1) * anp.sqrt(params["mean"])
    )
    with (
        pytest.raises(FloatingPointError, match=r"not finite for mean \(1 of 1"),
        np.errstate(all="ignore"),
    ):
        first_iteration(model)


def test_sampler_of_wrong_shape_or_value_is_told():
    flat = counts_model(sample=lambda params, n, rng: (np.zeros((n, 1)), np.zeros(n)))
    with pytest.raises(ValueError, match="returned observations of shape"):
        first_iteration(flat)
    bad = counts_model(
        sample=lambda params, n, rng: (np.zeros((n, 1)), np.full((n, 1), np.inf))
    )
    with pytest.raises(FloatingPointError, match="not finite"):
        first_iteration(bad)


NAMED = {"prior": {"probability": np.array([0.5, 0.2])}, "sd": 1.0}
NAMED_SPACE = Space(NAMED, {"prior": {"probability": Interval()}, "sd": Positive()})


def test_what_is_in_order_raises_nothing():
    check_gradient("model", np.zeros(3), NAMED_SPACE)
    check_params("model", NAMED, NAMED_SPACE)


def test_gradient_that_is_not_finite_names_its_first_coordinate():
    with pytest.raises(FloatingPointError, match=r"probability\[1\] \(2 of 3"):
        check_gradient("model", np.array([0.0, np.nan, np.inf]), NAMED_SPACE)


@pytest.mark.parametrize("edge", [0.0, 5e-324, 1 - 1e-16, 1.0, np.nan])
def test_params_at_the_edge_are_named(edge):
    params = {"prior": {"probability": np.array([0.5, edge])}, "sd": 1.0}
    with pytest.raises(FloatingPointError, match=r"prior.probability of str .* edge"):
        check_params("model", params, NAMED_SPACE)


@pytest.mark.parametrize("n_rows", [None, 10.0])
def test_log_prior_is_added_and_its_gradient_and_nothing_else(n_rows):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 4))
    model = gaussian_model(2)
    params = model.init_params(X, rng)
    simulations = sleep(model, params, Exact(), 60, rng)

    def log_prior(params):
        return -anp.sum(params["decoder"]["components"] ** 2)

    how = simulations, X, np.full(50, 1 / 50), ResidualRegression(), KernelRegression()
    plain = wake(model, params, *how, rng=rng)
    with_prior = altered(model, log_prior=log_prior)
    both = wake(with_prior, params, *how, rng=rng, n_rows=n_rows)
    space, share = Space(params, model.constraints), 1 / (n_rows or 50)

    def moved(step):
        return share * log_prior(model.move(params, space.split(step)))

    expected = grad(moved)(np.zeros(space.size))
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(both.gradient - plain.gradient, expected, atol=1e-10)
    gap = both.objective - plain.objective
    np.testing.assert_allclose(gap, share * log_prior(params), atol=1e-12)
    assert both.diagnostics == plain.diagnostics


@pytest.mark.parametrize(
    ("options", "share"),
    [
        ({}, 1 / 90),
        ({"batch_size": 30}, 1 / 90),
        ({"sample_weight": np.ones(90) * 2}, 1 / 180),
    ],
)
def test_every_row_has_its_share_of_the_log_prior(options, share):
    # However rows come in batches, a pass over them holds the prior once.
    X = np.random.default_rng(0).standard_normal((90, 4))
    model = gaussian_model(1)
    params = model.init_params(X, np.random.default_rng(0))
    first = []
    for own in (model, altered(model, log_prior=lambda params: 180.0)):
        rng = np.random.default_rng(0)
        first.append(next(wake_sleep(own, X, params, Adam(), rng=rng, **options)))
    gap = first[1].objective - first[0].objective
    np.testing.assert_allclose(gap, share * 180.0)
