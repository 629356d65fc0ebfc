"""check_model passes right models and finds what is wrong with wrong ones."""

import re

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.extend import defvjp, primitive

from skaws import likelihoods, priors
from skaws.bijectors import Positive
from skaws.checks import ModelCheckError, Report, check_model
from skaws.decoders import MLP, Chain, Elementwise, Linear
from skaws.models import FunctionModel, LatentVariableModel

from .common import altered, gaussian_model

RIGHT = gaussian_model(2, per_feature=True)
LAWS = [
    "init_params lies within the constraints",
    "sample returns rows shaped like X",
    "sample is finite",
    "sample draws from rng alone",
    "log_joint is one finite number a pair",
    "autograd's derivative agrees with differences",
    "score identity: sampler and log joint agree",
    "Stein's identity: latents and log joint agree",
    "expected_log_joint extends log_joint",
    "score identity with missing entries",
    "posterior_mean is the conditional mean",
]


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return rng.standard_normal((100, 1)) + rng.standard_normal((100, 4))


def sample_counts(params, n_samples, rng):
    z = params["mean"] + rng.standard_normal((n_samples, 1))
    return {"log_rate": z}, rng.poisson(np.exp(z) * np.ones(4)).astype(float)


def log_joint_of_counts(params, z, x):
    z = z["log_rate"]
    log_prior = -0.5 * anp.sum((z - params["mean"]) ** 2, axis=1)
    return log_prior + anp.sum(x * z - anp.exp(z), axis=1)


#: Nothing like a Gaussian: counts, a skewed score, latents in a dictionary.
COUNTS = FunctionModel(sample_counts, log_joint_of_counts, lambda X, rng: {"mean": 0.2})


@pytest.mark.parametrize("model", [RIGHT, COUNTS], ids=["Gaussian", "counts"])
@pytest.mark.parametrize("seed", range(20))
def test_right_model_raises_no_alarm(model, seed, X):
    # By construction a right model fails a statistical law once in a million seeds.
    report = check_model(model, X, random_state=seed)
    assert all(finding.holds for finding in report.findings)


def test_report_has_a_line_a_law(X):
    report = check_model(RIGHT, X)
    header, *lines = str(report).splitlines()
    assert header == "check_model of LatentVariableModel"
    assert len(lines) == len(report.findings) == len(LAWS)
    for line, law in zip(lines, LAWS, strict=True):
        assert re.fullmatch(rf"  ok    {law} +\S.*", line)


def test_failing_report_is_the_message_of_the_error(X):
    wrong = altered(RIGHT, log_joint=lambda *args: np.full(3, np.nan))
    with pytest.raises(ModelCheckError) as caught:
        check_model(wrong, X)
    assert isinstance(caught.value.report, Report)
    assert str(caught.value) == str(caught.value.report)
    assert "  FAIL  log_joint is one finite number a pair" in str(caught.value)


def test_same_seed_gives_the_same_report(X):
    assert check_model(RIGHT, X) == check_model(RIGHT, X, random_state=0)
    assert check_model(RIGHT, X) != check_model(RIGHT, X, random_state=1)


def test_laws_are_tested_at_the_params_handed_in(X):
    # Right everywhere but where the mean is large.
    def sample(params, n_samples, rng):
        z, x = RIGHT.sample(params, n_samples, rng)
        return z, x + 0.5 * (params["decoder"]["mean"] > 5)

    wrong = altered(RIGHT, sample=sample)
    params = RIGHT.init_params(X, np.random.default_rng(0))
    check_model(wrong, X, params=params)
    params["decoder"]["mean"] = params["decoder"]["mean"] + 10
    with pytest.raises(ModelCheckError, match="FAIL  score identity"):
        check_model(wrong, X, params=params)


def broken_law(model, X):
    """The only finding of a check that does not hold."""
    with pytest.raises(ModelCheckError) as caught:
        check_model(model, X)
    (broken,) = [finding for finding in caught.value.report.findings if not finding.holds]
    return broken


def outside_constraint(X, rng):
    params = RIGHT.init_params(X, rng)
    params["likelihood"]["noise_variance"] = -params["likelihood"]["noise_variance"]
    return params


def misspelt_constraint():
    functions = (RIGHT.sample, RIGHT.log_joint, RIGHT.init_params)
    return FunctionModel(*functions, constraints={"likelihood": {"noise": Positive()}})


def one_column_too_many(params, n_samples, rng):
    z, x = RIGHT.sample(params, n_samples, rng)
    return z, np.column_stack([x, x[:, 0]])


def observations_without_columns(params, n_samples, rng):
    z, x = RIGHT.sample(params, n_samples, rng)
    return z, x[:, 0]


def twice_as_many_latents(params, n_samples, rng):
    z, x = RIGHT.sample(params, n_samples, rng)
    return np.vstack([z, z]), x


def infinite_at_times(params, n_samples, rng):
    z, x = RIGHT.sample(params, n_samples, rng)
    x[n_samples // 2, 0] = np.inf
    return z, x


def ignoring_rng(params, n_samples, rng):
    return RIGHT.sample(params, n_samples, np.random.default_rng())


def always_the_same(params, n_samples, rng):
    return RIGHT.sample(params, n_samples, np.random.default_rng(0))


def writing_into_params(params, n_samples, rng):
    params["decoder"]["mean"] += 0.1
    return RIGHT.sample(params, n_samples, rng)


def adding_to_params(params, n_samples, rng):
    params["n_calls"] = params.get("n_calls", 0) + 1
    return RIGHT.sample(params, n_samples, rng)


def one_column(params, z, x):
    return RIGHT.log_joint(params, z, x)[:, None]


def one_number(params, z, x):
    return anp.sum(RIGHT.log_joint(params, z, x))


def not_finite(params, z, x):
    return anp.where(z[:, 0] > 3, -np.inf, RIGHT.log_joint(params, z, x))


@primitive
def square(value):
    return value**2


defvjp(square, lambda answer, value: lambda g: 1.9 * g * value)


def wrong_derivative(params, z, x):
    scale = params["decoder"]["components"][0, 0]
    return RIGHT.log_joint(params, z, x) - z[:, 0] ** 2 * (square(scale) - scale**2)


def derivative_lost(params, z, x):
    mean = params["decoder"]["mean"]
    mean = getattr(mean, "_value", mean)
    return RIGHT.log_joint({**params, "decoder": {**params["decoder"], "mean": mean}}, z, x)


def inflated(params, n_samples, rng):
    z, x = RIGHT.sample(params, n_samples, rng)
    return z, 1.1 * x


def wide_latents(params, n_samples, rng):
    z = 1.2 * rng.standard_normal((n_samples, 2))
    return z, observed(params, z, rng)


def shifted_latents(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 2)) + [0.0, 0.2]
    return z, observed(params, z, rng)


def observed(params, z, rng):
    location = RIGHT.decoder.location(params["decoder"], z)
    return RIGHT.likelihood.sample(params["likelihood"], location, rng)


def without_prior(params, z, x, weights, X):
    expected = RIGHT.expected_log_joint(params, z, x, weights, X)
    return expected - weights @ RIGHT.prior.log_density({}, z)


def of_squared_weights(params, z, x, weights, X):
    return RIGHT.expected_log_joint(params, z, x, weights**2, X)


def missing_means_zero(params, z, x):
    return RIGHT.log_joint(params, z, np.nan_to_num(x))


def shrunk(params, X):
    return 0.9 * RIGHT.posterior_mean(params, X)


def swapped(params, X):
    return RIGHT.posterior_mean(params, X)[:, ::-1]


NEGATIVE_CONTROLS = [
    (altered(RIGHT, init_params=outside_constraint), LAWS[0]),
    (misspelt_constraint(), LAWS[0]),
    (altered(RIGHT, sample=one_column_too_many), LAWS[1]),
    (altered(RIGHT, sample=observations_without_columns), LAWS[1]),
    (altered(RIGHT, sample=twice_as_many_latents), LAWS[1]),
    (altered(RIGHT, sample=infinite_at_times), LAWS[2]),
    (altered(RIGHT, sample=ignoring_rng), LAWS[3]),
    (altered(RIGHT, sample=always_the_same), LAWS[3]),
    (altered(RIGHT, sample=writing_into_params), LAWS[3]),
    (altered(RIGHT, sample=adding_to_params), LAWS[3]),
    (altered(RIGHT, log_joint=one_column), LAWS[4]),
    (altered(RIGHT, log_joint=one_number), LAWS[4]),
    (altered(RIGHT, log_joint=not_finite), LAWS[4]),
    (altered(RIGHT, log_joint=wrong_derivative), LAWS[5]),
    (altered(RIGHT, log_joint=derivative_lost), LAWS[5]),
    (altered(RIGHT, sample=inflated), LAWS[6]),
    (altered(RIGHT, sample=wide_latents), LAWS[7]),
    (altered(RIGHT, sample=shifted_latents), LAWS[7]),
    (altered(RIGHT, expected_log_joint=without_prior), LAWS[8]),
    (altered(RIGHT, expected_log_joint=of_squared_weights), LAWS[8]),
    (altered(RIGHT, log_joint=missing_means_zero), LAWS[9]),
    (altered(RIGHT, posterior_mean=shrunk), LAWS[10]),
    (altered(RIGHT, posterior_mean=swapped), LAWS[10]),
]


def name_of(value):
    """What a negative control replaces its model's part by."""
    if isinstance(value, FunctionModel):
        return "misspelt_constraint"
    parts = [part for part in vars(value).values() if hasattr(part, "__name__")]
    return parts[0].__name__


@pytest.mark.parametrize(
    ("wrong", "law"),
    NEGATIVE_CONTROLS,
    ids=[name_of(wrong) for wrong, _ in NEGATIVE_CONTROLS],
)
def test_wrong_model_breaks_the_law(wrong, law, X):
    assert broken_law(wrong, X).law == law


def test_sampler_inflated_by_a_tenth_is_far_out_and_names_a_parameter(X):
    detail = broken_law(altered(RIGHT, sample=inflated), X).detail
    distance, name = re.match(r"largest \|z\| = ([\d.]+) at (\S+) ", detail).groups()
    assert float(distance) > 6
    assert re.match(r"(decoder\.(components|mean)|likelihood\.noise_variance)\[", name)


def part_models():
    """Models of every prior under a network, and every likelihood over linear means."""
    few = [
        (priors.Beta(2), MLP((4,)), likelihoods.Gaussian()),
        (priors.Bernoulli(3), MLP((4,)), likelihoods.Gaussian()),
        (priors.Categorical(3), Linear(), likelihoods.Gaussian(per_feature=True)),
        (priors.GaussianMixture(2, 3), Linear(), likelihoods.Gaussian()),
        (priors.UniformCircle(), MLP((4,)), likelihoods.Gaussian()),
        (
            priors.Sphere(3),
            Chain([MLP((4,)), Elementwise("softplus")]),
            likelihoods.Gaussian(),
        ),
        (priors.Gaussian(2), Linear(), likelihoods.StudentT()),
        (priors.Gamma(2), Linear(nonnegative=True), likelihoods.Gamma()),
    ]
    for prior, decoder, likelihood in few:
        name = "-".join(type(part).__name__ for part in (prior, decoder, likelihood))
        yield pytest.param(LatentVariableModel(prior, decoder, likelihood), id=name)


@pytest.mark.parametrize("model", list(part_models()))
def test_tenth_too_much_is_seen_in_models_of_all_parts(model):
    X = np.random.default_rng(0).gamma(2.0, size=(100, 4))
    check_model(model, X)

    def inflated(params, n_samples, rng):
        z, x = model.sample(params, n_samples, rng)
        return z, 1.1 * x

    detail = broken_law(altered(model, sample=inflated), X).detail
    distance, name = re.match(r"largest \|z\| = ([\d.]+) at (\S+) ", detail).groups()
    assert float(distance) > 6
    assert name.partition(".")[0] in ("decoder", "likelihood")


def test_sampler_that_writes_is_told_to_copy(X):
    detail = broken_law(altered(RIGHT, sample=writing_into_params), X).detail
    assert "copy before writing" in detail


@pytest.mark.parametrize("latent", [0, 1])
def test_wrong_posterior_mean_names_the_latent(latent, X):
    def one_wrong(params, X):
        return RIGHT.posterior_mean(params, X) * np.where(np.arange(2) == latent, 0.8, 1.0)

    detail = broken_law(altered(RIGHT, posterior_mean=one_wrong), X).detail
    assert f" at latent {latent} " in detail


def test_model_that_does_not_claim_missing_entries_is_not_tested_on_them(X):
    modest = altered(RIGHT, log_joint=missing_means_zero, allows_missing=False)
    report = check_model(modest, X)
    assert "not claimed" in dict((f.law, f.detail) for f in report.findings)[LAWS[9]]
