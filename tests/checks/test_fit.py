"""A fit that went wrong says so, and one that went well does not."""

import warnings

import autograd.numpy as anp
import numpy as np
import pytest
from scipy.stats import bernoulli, norm, poisson
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from skaws import (
    AmortisedFactorAnalysis,
    AmortisedICA,
    AmortisedLearner,
    AmortisedNMF,
)
from skaws.checks import ModelCheckError, check_fit
from skaws.checks.convergence import RISING, remaining_rise
from skaws.checks.fit import independent_columns, surprise, vanished_noise
from skaws.decoders import MLP, Linear
from skaws.evaluation import fit_posterior
from skaws.likelihoods import Bernoulli as BernoulliEntries
from skaws.likelihoods import Gamma as GammaNoise
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.likelihoods import Poisson, StudentT
from skaws.models import FunctionModel, LatentVariableModel
from skaws.priors import (
    Bernoulli,
    Categorical,
    Gamma,
    Gaussian,
    Laplace,
    UniformCircle,
)
from skaws.supports import Positive

from ..common import newer_than_1_8, with_holes
from ..estimators.functions import PATHS, POINTS, TIMES

IRIS = load_iris().data
FAR, COLLAPSED = "real rows lie far from simulated ones", "the noise has collapsed"


def composed(prior, decoder, likelihood):
    return LatentVariableModel(prior, decoder, likelihood)


def per_feature():
    return GaussianNoise(per_feature=True)


MODELS = {
    "enumeration": composed(Categorical(3), MLP((5,)), per_feature()),
    "importance": composed(UniformCircle(), MLP((10,)), GaussianNoise()),
    "importance, no family": composed(UniformCircle(), MLP((10,)), StudentT()),
    "reweighted": composed(Gaussian(4), MLP((10,)), GaussianNoise()),
    "residual": composed(Laplace(2), Linear(), per_feature()),
    "counts": composed(Gamma(2), Linear(nonnegative=True), Poisson()),
    "many labels": composed(Bernoulli(6), Linear(), GaussianNoise()),
    "functions": FunctionModel(**TIMES),
    "dictionary": FunctionModel(**PATHS),
}


def rows_of(name, n_samples=500):
    """The model, its params about their start, and rows simulated from these."""
    rng, model = np.random.default_rng(0), MODELS[name]
    X = np.abs(rng.standard_normal((100, 1 if name == "functions" else 6))) * 3
    params = model.init_params(X, rng)
    return model, params, model.sample(params, n_samples, rng)[1]


# The two questions


@pytest.mark.parametrize("holes", [0.0, 0.2])
@pytest.mark.parametrize("name", list(MODELS))
def test_rows_of_the_model_are_no_surprise_and_others_are(name, holes):
    model, params, X = rows_of(name)
    if holes and not model.allows_missing:
        pytest.skip("no missing entries")
    rng = np.random.default_rng(1)
    others = X + 4 * X.std(axis=0) * rng.standard_normal(X.shape)
    if holes:
        X, others = with_holes(X, holes, rng), with_holes(others, holes, rng)
    # Of 500 rows against 1000 simulations: five standard errors.
    assert abs(surprise(model, params, X)) < 5 * 1.02 * np.sqrt(1 / 500 + 1 / 1000)
    others = np.round(np.abs(others)) if name == "counts" else others
    assert surprise(model, params, others) > 1.0


def test_labels_so_rare_that_few_show_are_no_surprise():
    # A thousand simulations show few of 512 values, ten thousand more than are summed over.
    model = composed(Bernoulli(9), Linear(), GaussianNoise())
    rng = np.random.default_rng(0)
    params = model.init_params(rng.standard_normal((100, 6)), rng)
    params["prior"] = {"probability": np.full(9, 0.01)}
    X = model.sample(params, 500, rng)[1]
    assert abs(surprise(model, params, X)) < 5 * 1.02 * np.sqrt(1 / 500 + 1 / 1000)


def test_rows_with_another_correlation_are_a_surprise_to_latents_in_a_dictionary():
    # The model's rows have the covariance [[2, 1], [1, 2]].  What is expected comes of 10^5
    # draws of its squared length and that of the rows: a shift of 0.75.
    rng, own = np.random.default_rng(0), np.array([[2.0, 1.0], [1.0, 2.0]])
    other = np.array([[4.0, -3.6], [-3.6, 4.0]])
    simulated, real = (
        np.einsum("ni,ij,nj->n", x, np.linalg.inv(own), x)
        for x in (rng.multivariate_normal(np.zeros(2), c, 10**5) for c in (own, other))
    )
    expected = np.sqrt(2) * norm.ppf(np.mean(simulated < real))
    X = rng.multivariate_normal(np.zeros(2), other, 500)
    error = 1.02 * np.sqrt(1 / 500 + 1 / 1000)
    found = surprise(MODELS["dictionary"], {"level": 0.0}, X)
    assert expected > 10 * error
    assert abs(found - expected) < 5 * error


@pytest.mark.parametrize("sd", [1e-30, 1e-5, 1e-4, 1e-2])
def test_vanished_noise_is_found_in_its_column(sd):
    model, _, X = rows_of("residual")
    params = model.init_params(X, np.random.default_rng(0))
    params["likelihood"]["noise_variance"][4] = sd**2
    column, noise = vanished_noise(model, params, X)
    assert column == (4 if sd < 1e-3 else None)
    if sd < 1e-3:
        np.testing.assert_allclose(noise, sd / X[:, 4].std(), rtol=0.1)


@pytest.mark.parametrize("shape", [3.0, 1e8])
def test_noise_in_proportion_to_small_entries_has_not_vanished(shape):
    model = composed(Gamma(2), Linear(nonnegative=True), GammaNoise())
    params = {
        "prior": {"shape": np.array([0.3, 0.5])},
        "decoder": {"components": np.array([[1.0, 0.1, 2.0], [0.1, 1.0, 0.5]])},
        "likelihood": {"shape": shape},
    }
    X = model.sample(params, 500, np.random.default_rng(1))[1]
    column, noise = vanished_noise(model, params, X)
    assert column == (None if shape == 3.0 else 0)
    if column is not None:  # at most 1e-4 of an entry
        assert noise < 2e-4


def test_vanished_noise_is_found_in_functions_and_classes_and_not_in_whole_numbers():
    model = MODELS["functions"]
    X = model.sample({"rate": 1.0, "sd": 0.1}, 500, np.random.default_rng(0))[1]
    column, noise = vanished_noise(model, {"rate": 1.0, "sd": 1e-4}, X)
    assert column == 0
    np.testing.assert_allclose(noise, 1e-4 / X.std(), rtol=0.1)

    # One class in ten suffices.
    params = {
        "weight": np.array([0.9, 0.1]),
        "mean": np.zeros((2, 2)),
        "sd": np.array([[1.0, 1.0], [1.0, 1e-6]]),
    }
    X = POINTS.sample(params, 500, np.random.default_rng(0))[1]
    assert vanished_noise(POINTS, params, X)[0] == 1

    # A table of probabilities knows no numbers in between.
    def log_joint(params, z, x):
        return anp.sum(anp.where(x == 1, np.log(0.7), anp.where(x == 0, -1.2, -99)), 1)

    def sample(params, n_samples, rng):
        return rng.random((n_samples, 1)), (rng.random((n_samples, 3)) < 0.7) * 1.0

    coins = FunctionModel(sample, log_joint, lambda X, rng: {"level": 0.0})
    X = sample({}, 100, np.random.default_rng(0))[1]
    assert vanished_noise(coins, {"level": 0.0}, X) == (None, np.inf)


# What fits say


def warnings_of(model, X, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        AmortisedLearner(model, random_state=0, **options).fit(X)
    return [
        str(w.message) for w in caught if not issubclass(w.category, ConvergenceWarning)
    ]


@pytest.mark.parametrize("name", list(MODELS))
def test_fits_to_rows_of_the_model_say_nothing(name):
    model, _, X = rows_of(name)
    max_iter = 60 if name == "importance, no family" else 150
    assert warnings_of(model, X, max_iter=max_iter) == []


def fixed_noise(params, z, x):
    error = (x - z - params["level"])[:, 0]
    return -50 * error**2 - 0.5 * z[:, 0] ** 2


def sample_fixed_noise(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 1))
    return z, z + params["level"] + 0.1 * rng.standard_normal((n_samples, 1))


def sample_narrow(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 1))
    return z, z + params["sd"] * rng.standard_normal((n_samples, 1))


def log_joint_of_narrow(params, z, x):
    error = (x - z)[:, 0] / params["sd"]
    return -0.5 * (error**2 + z[:, 0] ** 2) - anp.log(params["sd"])


LINE = np.random.default_rng(0).standard_normal((300, 1)) * np.array([1.0, 2.0])
SD = {"sd": Positive()}
STUCK = FunctionModel(sample_fixed_noise, fixed_noise, lambda X, rng: {"level": 0.0})
DOUBLED = np.hstack([IRIS, IRIS[:, :1]])
WIDE = 10 * np.random.default_rng(0).standard_normal((300, 2))

MISFITS = {
    # Nothing in the model can grow as wide as the rows.
    "stuck": (STUCK, WIDE[:, :1], {"max_iter": 30}, FAR),
    "stuck paths": (MODELS["dictionary"], WIDE, {"max_iter": 30}, FAR),
    # The same column twice: the likelihood has no maximum.
    "doubled": (
        composed(Gaussian(3), Linear(), per_feature()),
        DOUBLED,
        {"max_iter": 150, "learning_rate": 0.2},
        COLLAPSED,
    ),
    # All rows on a line, which leaves nothing for noise.
    "line": (
        composed(Gaussian(1), Linear(), GaussianNoise()),
        LINE,
        {"max_iter": 150, "learning_rate": 0.2},
        COLLAPSED,
    ),
    # Rows narrower than the latents: the noise is best where it started, near zero.
    "functions": (
        FunctionModel(sample_narrow, log_joint_of_narrow, lambda X, rng: {"sd": 1e-4}, SD),
        0.05 * WIDE[:, :1],
        {"max_iter": 60},
        COLLAPSED,
    ),
}


@pytest.mark.parametrize("name", list(MISFITS))
def test_misfits_say_what_is_wrong(name):
    model, X, options, message = MISFITS[name]
    found = warnings_of(model, X, **options)
    assert any(message in warning for warning in found), found


NETWORK = MLP((20,))


def sample_network(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 2))
    location = NETWORK.location(params["network"], z)
    return z, location + params["sd"] * rng.standard_normal(location.shape)


def log_joint_of_network(params, z, x):
    error = (x - NETWORK.location(params["network"], z)) / params["sd"]
    squares = anp.sum(z**2, axis=1) + anp.sum(error**2, axis=1)
    return -0.5 * squares - x.shape[1] * anp.log(params["sd"])


def start_of_network(X, rng):
    return {"network": NETWORK.init_params(X, 2, rng), "sd": 0.5 * X.std()}


def test_network_as_a_function_neither_runs_away_nor_warns():
    # With a linear estimate for baseline, and a regression that may promise more than any
    # simulation has, sd went to 6e-15 to 9e-9 over five seeds.
    model = FunctionModel(sample_network, log_joint_of_network, start_of_network, SD)
    X = (IRIS - IRIS.mean(axis=0)) / IRIS.std(axis=0)
    assert not warnings_of(model, X, max_iter=300, learning_rate=0.1)
    learner = AmortisedLearner(model, max_iter=300, learning_rate=0.1, random_state=0)
    assert 0.1 < learner.fit(X).params_["sd"] < 1.0


@newer_than_1_8("autograd")  # logarithms of boxes
def test_rows_without_density_are_a_surprise_and_not_a_number():
    # At rough estimates some simulated rows have none, and rows of the other sign all.
    def sample(params, n_samples, rng):
        z = rng.exponential(size=(n_samples, 1))
        return z, z * rng.uniform(0.5, 1.0, (n_samples, 1))

    def log_joint(params, z, x):
        inside = (x[:, 0] > 0.5 * z[:, 0]) & (x[:, 0] < z[:, 0])
        return anp.where(inside, -z[:, 0] - anp.log(np.abs(z[:, 0])), -np.inf)

    model = FunctionModel(sample, log_joint, None)
    X = sample({}, 300, np.random.default_rng(1))[1]
    assert abs(surprise(model, {}, X)) < 0.3
    assert surprise(model, {}, -X) > 1.0


# The public check


@pytest.fixture(scope="module")
def factors():
    return AmortisedFactorAnalysis(2, random_state=0).fit(IRIS)


def broken(estimator, X):
    """Laws that do not hold, and the message."""
    with pytest.raises(ModelCheckError) as caught:
        check_fit(estimator, X)
    report = caught.value.report
    return [finding.law for finding in report.findings if not finding.holds], str(report)


def test_right_fit_passes_with_a_report(factors):
    report = check_fit(factors, IRIS)
    assert [finding.holds for finding in report.findings] == [True] * 3
    assert str(report).startswith("check_fit of AmortisedFactorAnalysis\n  ok    real rows")


def test_runaway_is_found(factors):
    wider = 5 * (IRIS - IRIS.mean(axis=0)) + IRIS.mean(axis=0)
    laws, message = broken(factors, wider)
    assert laws == [
        "real rows are as likely as simulated ones",
        "rows are likelier than under independent columns",
    ]
    assert "standard deviations below those of simulated rows" in message


def test_parameters_that_ran_away_are_found():
    model, _, X = rows_of("residual")
    learner = AmortisedLearner(model, max_iter=30, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learner.fit(X)
    check_fit(learner, X)
    far = {**learner.params_["decoder"], "mean": learner.params_["decoder"]["mean"] + 1e3}
    learner.params_ = {**learner.params_, "decoder": far}
    assert "real rows are as likely as simulated ones" in broken(learner, X)[0]


def test_vanished_noise_is_told_with_its_column():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AmortisedFactorAnalysis(1, max_iter=60, random_state=0).fit(IRIS)
    model.noise_variance_[3] = model.params_["likelihood"]["noise_variance"][3] = 1e-12
    laws, message = broken(model, IRIS)
    assert "noise has not vanished" in laws
    assert "of the standard deviation of column 3 of X" in message


def test_check_of_what_is_not_fitted_is_refused(factors):
    with pytest.raises(NotFittedError):
        check_fit(AmortisedFactorAnalysis(), IRIS)
    with pytest.raises(ValueError, match="X has 3 features"):
        check_fit(factors, IRIS[:, :3])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "estimator",
    [
        AmortisedICA(2, random_state=0),
        AmortisedNMF(2, likelihood="gaussian", max_iter=100, random_state=0),
        AmortisedLearner(MODELS["reweighted"], max_iter=300, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_right_fits_of_all_estimators_pass(estimator):
    estimator.fit(IRIS)
    check_fit(estimator, IRIS)
    check_fit(estimator, np.where(np.eye(*IRIS.shape) > 0, np.nan, IRIS))
    assert "real rows are as likely as simulated ones" in broken(estimator, 10 * IRIS)[0]


# Rest, and independent columns

MIXED = np.random.default_rng(0).standard_normal((800, 3)) @ [
    [2.0, 0.0, 1.0, 1.0, 0.5, 0.0],
    [0.0, 1.0, -1.0, 0.5, 0.5, 1.0],
    [1.0, 1.0, 0.0, -0.5, 1.0, 0.0],
] + 0.5 * np.random.default_rng(1).standard_normal((800, 6))


@pytest.mark.parametrize("learning_rate", [1e-8, 10.0])
def test_fit_that_rests_on_a_slope_has_not_converged(learning_rate):
    model = AmortisedFactorAnalysis(2, learning_rate=learning_rate, random_state=0)
    with pytest.warns(ConvergenceWarning, match="log-likelihood still rises"):
        model.fit(MIXED)
    assert not model.converged_


def test_fit_at_the_maximum_has_converged():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = AmortisedFactorAnalysis(2, max_iter=800, random_state=0).fit(MIXED)
    assert model.converged_


def truth_of_laplace_sources(k, d):
    """A model, the params that rows are drawn from, and 700 rows."""
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Laplace(k), Linear(), GaussianNoise())
    decoder = {"components": rng.standard_normal((k, d)), "mean": np.zeros(d)}
    params = {"decoder": decoder, "likelihood": {"noise_variance": np.array(0.25)}}
    return model, params, model.sample(params, 700, rng)[1]


def rise(model, params, X):
    return remaining_rise(model, params, X, fit_posterior(model, params, X))


def test_many_latents_rise_by_no_luck_of_the_draws():
    # Where EM drew by the random numbers of the score it learnt these: 0.5 to 2.3 nats.
    assert rise(*truth_of_laplace_sources(20, 30)) == 0.0


def test_a_noise_that_is_wrong_rises():
    model, params, X = truth_of_laplace_sources(6, 8)
    wrong = {**params, "likelihood": {"noise_variance": np.array(1.0)}}
    assert rise(model, params, X) == 0.0 and rise(model, wrong, X) > RISING


def test_methods_of_fixed_length_say_when_they_are_short():
    with pytest.warns(ConvergenceWarning, match="log-likelihood still rises"):
        model = AmortisedLearner(MODELS["reweighted"], max_iter=10, random_state=0)
        assert not model.fit(IRIS).converged_


WORSE, LEVEL = "less likely than under independent columns", 1000.0


def test_fits_below_independent_columns_say_so():
    # Sources with an end cannot make peaked ones; rows far from zero are no parts of
    # exponential sizes, and are parts that hardly vary (-634 nats a row, once).
    flat = AmortisedICA(2, sources="uniform", random_state=0)
    peaked = np.random.default_rng(0).standard_t(3, (800, 2)) @ MIXED[:2]
    peaked += 0.3 * np.random.default_rng(1).standard_normal(peaked.shape)
    parts = AmortisedNMF(3, likelihood="gaussian", prior="exponential", random_state=0)
    for estimator, X in ((flat, peaked), (parts, LEVEL + 5 * MIXED)):
        with pytest.warns(UserWarning, match=WORSE):
            estimator.fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        AmortisedICA(2, random_state=0).fit(peaked)
        parts.set_params(prior=None).fit(LEVEL + 5 * MIXED)


COUNTS = np.random.default_rng(0).poisson([0.1, 1.0, 10.0, 100.0], (200, 4)) * 1.0


def test_independent_columns_have_the_family_of_the_likelihood():
    mean = COUNTS.mean(axis=0)
    found = independent_columns(Poisson(), COUNTS)
    np.testing.assert_allclose(found, poisson.logpmf(COUNTS, mean).sum(axis=1))
    found = independent_columns(per_feature(), IRIS)
    exact = norm.logpdf(IRIS, IRIS.mean(axis=0), IRIS.std(axis=0)).sum(axis=1)
    np.testing.assert_allclose(found, exact)
    sd = np.sqrt(IRIS.var(axis=0).mean())
    exact = norm.logpdf(IRIS, IRIS.mean(axis=0), sd).sum(axis=1)
    np.testing.assert_allclose(independent_columns(GaussianNoise(), IRIS), exact)
    codes = (IRIS.mean(axis=0) < IRIS) * 1.0
    exact = bernoulli.logpmf(codes, codes.mean(axis=0)).sum(axis=1)
    np.testing.assert_allclose(independent_columns(BernoulliEntries(), codes), exact)
    # Decimals have no probability; a model that does not say gets the lesser.
    assert independent_columns(Poisson(), IRIS) is None
    lesser = min(
        independent_columns(Poisson(), COUNTS).mean(),
        independent_columns(GaussianNoise(), COUNTS).mean(),
    )
    assert independent_columns(None, COUNTS).mean() == lesser
    # Missing entries say nothing, and no column is left out for them.
    holes = with_holes(COUNTS, 0.2, np.random.default_rng(0))
    assert np.isfinite(independent_columns(Poisson(), holes)).all()
