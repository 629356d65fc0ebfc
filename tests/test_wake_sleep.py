"""The loop: its gradient is the likelihood's, its batches are fair, its errors speak."""

from itertools import islice

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from threadpoolctl import ThreadpoolController

from skaws.bijectors import Positive
from skaws.decoders import Linear
from skaws.forms import PairwiseForm, ScalarForm
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import FunctionModel, LatentVariableModel
from skaws.optimizers import Adam
from skaws.params import ParameterSpace
from skaws.priors import Gaussian
from skaws.regression import Embedding, LatentEstimate
from skaws.wake_sleep import sleep, wake, wake_sleep

N_FEATURES, N_LATENTS = 6, 2


class Observations:
    """Regression inputs that keep all of x; no estimate of z, so no baseline."""

    def fit(self, model, params, latents, observations):
        return np.asarray, observations


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
    space = ParameterSpace(params, model.constraints)

    def log_likelihood(step):
        moved = model.move(params, space.split(step))
        components = moved["decoder"]["components"]
        noise = anp.diag(moved["likelihood"]["noise_variance"])
        covariance = anp.dot(components.T, components) + noise
        residual = X - moved["decoder"]["mean"]
        distance = anp.sum(residual * anp.linalg.solve(covariance, residual.T).T, axis=1)
        return -0.5 * (anp.mean(distance) + anp.linalg.slogdet(covariance)[1])

    return grad(log_likelihood)(np.zeros(space.size))


def estimated_score(model, params, X, form, n_simulations, seed, estimate=None):
    rng = np.random.default_rng(seed)
    estimate = LatentEstimate() if estimate is None else estimate
    simulations = sleep(model, params, estimate, Embedding(), n_simulations, rng)
    return wake(model, params, simulations, X, np.full(len(X), 1 / len(X)), form).gradient


def error_slope(model, params, X, form, estimate=None):
    """Slope of log relative error against log N, and the error at the largest N."""
    score = exact_score(model, params, X)
    counts = np.array([100, 300, 900])
    errors = []
    for n in counts:
        found = [
            estimated_score(model, params, X, form, n, (n, r), estimate) for r in range(5)
        ]
        errors.append(np.mean(np.linalg.norm(np.array(found) - score, axis=1)))
    errors = np.array(errors) / np.linalg.norm(score)
    return np.polyfit(np.log(counts), np.log(errors), 1)[0], errors[-1]


@pytest.mark.parametrize("form", [ScalarForm(), PairwiseForm()])
def test_gradient_converges_to_the_exact_score(form, elsewhere, X):
    # Monte Carlo: the error falls as N**-0.5.  Over five design seeds slopes were
    # -0.47 to -0.63 and errors at N = 900 were 0.08 to 0.14.
    slope, error = error_slope(linear_gaussian(), elsewhere, X, form)
    assert slope < -0.3
    assert error < 0.2


def test_gradient_of_a_wrong_sampler_does_not_converge_to_it(elsewhere, X):
    # Design seeds: slopes -0.05 to -0.12, errors 0.50 to 0.86.
    slope, error = error_slope(linear_gaussian(InflatedSampler), elsewhere, X, ScalarForm())
    assert slope > -0.3
    assert error > 0.3


def test_plain_form_converges_on_inputs_that_keep_all_of_x(elsewhere, X):
    # Design seeds: slopes -0.46 to -0.54, errors at N = 900 twice the residual form's.
    plain = ScalarForm(baseline=False)
    slope, error = error_slope(linear_gaussian(), elsewhere, X, plain, Observations())
    assert slope < -0.3
    assert error > error_slope(linear_gaussian(), elsewhere, X, ScalarForm())[1]


def test_mean_gradient_at_the_truth_is_zero(truth):
    model = linear_gaussian()
    gradients = []
    for seed in range(200):
        _, X = model.sample(truth, 200, np.random.default_rng((7, seed)))
        gradients.append(estimated_score(model, truth, X, ScalarForm(), 200, seed))
    gradients = np.array(gradients)
    z = gradients.mean(axis=0) / (gradients.std(axis=0, ddof=1) / np.sqrt(len(gradients)))
    assert np.abs(z).max() < 4  # 24 coordinates, 200 independent repeats


@pytest.mark.parametrize("baseline", [True, False])
def test_gradient_is_the_regression_of_per_pair_gradients(baseline, elsewhere, X):
    model, form = linear_gaussian(), ScalarForm(baseline=baseline)
    space = ParameterSpace(elsewhere, model.constraints)
    rng = np.random.default_rng(3)
    simulations = sleep(model, elsewhere, LatentEstimate(), Embedding(), 60, rng)
    rows = X[:20]

    def pair_gradients(latents, observations):
        def value(step, i):
            moved = model.move(elsewhere, space.split(step))
            return model.log_joint(moved, latents[i : i + 1], observations[i : i + 1])[0]

        zero = np.zeros(space.size)
        return np.array([grad(value)(zero, i) for i in range(len(latents))])

    inputs = simulations.estimate(rows)
    targets = pair_gradients(simulations.latents, simulations.observations)
    expected = 0.0
    if baseline:
        targets -= pair_gradients(simulations.estimates, simulations.observations)
        expected = pair_gradients(inputs, rows).mean(axis=0)
    expected = expected + (simulations.regression.weights(inputs) @ targets).mean(axis=0)
    found = wake(model, elsewhere, simulations, rows, np.full(20, 1 / 20), form).gradient
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_missing_entries_are_shared_with_the_simulations(truth, X):
    holes = np.where(np.arange(N_FEATURES) < 2, np.nan, X)
    rng = np.random.default_rng(0)
    found = sleep(
        linear_gaussian(), truth, LatentEstimate(), Embedding(), 50, rng, missing_like=holes
    )
    np.testing.assert_array_equal(
        np.isnan(found.observations), np.tile(np.arange(N_FEATURES) < 2, (50, 1))
    )


def test_score_with_missing_entries_converges_to_that_of_the_rest(elsewhere, X):
    # Columns never seen leave the score of the others as if they were not there.
    model = linear_gaussian()
    holes = np.where(np.arange(N_FEATURES) >= 4, np.nan, X)
    estimate = [
        wake(
            model,
            elsewhere,
            sleep(model, elsewhere, LatentEstimate(), Embedding(), 800,
                  np.random.default_rng(seed), missing_like=holes),
            holes,
            np.full(len(X), 1 / len(X)),
            ScalarForm(),
        ).gradient
        for seed in range(8)
    ]  # fmt: skip
    seen = {
        "decoder": {name: value[..., :4] for name, value in elsewhere["decoder"].items()},
        "likelihood": {"noise_variance": elsewhere["likelihood"]["noise_variance"][:4]},
    }
    space = ParameterSpace(elsewhere, model.constraints)
    found = space.split(np.mean(estimate, axis=0))
    expected = ParameterSpace(seen, model.constraints).split(
        exact_score(model, seen, X[:, :4])
    )
    for part, name in (("decoder", "components"), ("likelihood", "noise_variance")):
        gap = np.linalg.norm(found[part][name][..., :4] - expected[part][name])
        assert gap < 0.2 * np.linalg.norm(expected[part][name])
        assert np.all(found[part][name][..., 4:] == 0)


def draw(X, params, n_iterations, seed=0, **options):
    loop = wake_sleep(
        linear_gaussian(), X, params, Embedding(), Adam(),
        rng=np.random.default_rng(seed), n_simulations=100, **options,
    )  # fmt: skip
    return list(islice(loop, n_iterations))


def test_loop_climbs_the_likelihood(elsewhere, truth, X):
    model, last = linear_gaussian(), draw(X, elsewhere, 100)[-1]

    def score(params):
        return np.mean(model.log_marginal(params, X))

    assert score(elsewhere) < score(truth) - 0.3
    assert score(last.params) > score(truth) - 0.05


def test_same_seed_same_bits(elsewhere, X):
    first, second = (draw(X, elsewhere, 5, batch_size=100)[-1] for _ in range(2))
    assert first.objective == second.objective
    np.testing.assert_array_equal(
        first.params["decoder"]["components"], second.params["decoder"]["components"]
    )


def test_a_loop_goes_on_where_another_was_left(elsewhere, X):
    whole = draw(X, elsewhere, 6)[-1]
    optimizer, rng = Adam(), np.random.default_rng(0)
    params = elsewhere
    for _ in range(2):
        loop = wake_sleep(
            linear_gaussian(), X, params, Embedding(), optimizer, rng=rng, n_simulations=100
        )
        params = list(islice(loop, 3))[-1].params
    np.testing.assert_array_equal(
        whole.params["decoder"]["components"], params["decoder"]["components"]
    )


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
    next(wake_sleep(linear_gaussian(Spy), X, truth, Embedding(), Adam(),
                    rng=np.random.default_rng(0)))  # fmt: skip
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


def first_turn(model):
    X = np.random.default_rng(0).poisson(2.0, (50, 1)).astype(float)
    rng = np.random.default_rng(0)
    return next(wake_sleep(model, X, {"mean": 0.0}, Embedding(), Adam(), rng=rng))


def test_three_plain_functions_are_enough():
    assert first_turn(counts_model()).params["mean"] > 0


def test_log_joint_of_wrong_shape_is_told():
    model = counts_model(log_joint=lambda params, z, x: x * z - params["mean"])
    with pytest.raises(ValueError, match=r"returned shape \(650, 1\), expected \(650,\)"):
        first_turn(model)


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
        first_turn(model)


def test_step_to_the_edge_of_a_support_is_told():
    model, rng = counts_model(), np.random.default_rng(0)
    model.constraints = {"mean": Positive()}
    steps = wake_sleep(
        model, np.zeros((50, 1)), {"mean": 1.0}, Embedding(), Adam(1e4), rng=rng
    )
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
        first_turn(model)


def test_sampler_of_wrong_shape_or_value_is_told():
    flat = counts_model(sample=lambda params, n, rng: (np.zeros((n, 1)), np.zeros(n)))
    with pytest.raises(ValueError, match="returned observations of shape"):
        first_turn(flat)
    bad = counts_model(
        sample=lambda params, n, rng: (np.zeros((n, 1)), np.full((n, 1), np.inf))
    )
    with pytest.raises(FloatingPointError, match="not finite"):
        first_turn(bad)
