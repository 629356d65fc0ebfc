"""The parts of the page "Add a part": one test line each, and what it stands for."""

import doctest
import inspect

import numpy as np
import pytest
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.utils.estimator_checks import parametrize_with_checks

from examples.parts import gumbel, laplace_noise, principal_components, prior_draws
from skaws import AmortisedICA, AmortisedLearner
from skaws.checks import check_model
from skaws.decoders import Linear
from skaws.evaluation import log_marginal_likelihood
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.methods import choose_method
from skaws.models import LatentVariableModel
from skaws.priors import Gaussian, Sphere
from skaws.simulations import simulate

from .common import assert_means
from .part_laws import PART_LAWS, repr_is_code

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*constant:UserWarning"),
]

Gumbel, LaplaceNoise = gumbel.Gumbel, laplace_noise.LaplaceNoise
PriorDraws = prior_draws.PriorDraws
AmortisedPCA = principal_components.AmortisedPCA

# One test line a part.
PRIORS = {"Gumbel": (Gumbel(2), {}, lambda z: stats.gumbel_r.logpdf(standard(z)))}
LIKELIHOODS = {
    "LaplaceNoise": (LaplaceNoise(), {"scale": 0.7}, stats.laplace(0.4, 0.7)),
    "LaplaceNoise, per feature": (
        LaplaceNoise(per_feature=True),
        {"scale": np.array([0.7])},
        stats.laplace(0.4, 0.7),
    ),
}
MODELS = {
    "Gumbel": LatentVariableModel(Gumbel(2), Linear(), GaussianNoise()),
    "LaplaceNoise": LatentVariableModel(Gaussian(1), Linear(), LaplaceNoise()),
}
ESTIMATORS = [AmortisedPCA(max_iter=60)]

PARTS = [*(prior for prior, *_ in PRIORS.values()), LaplaceNoise(True), PriorDraws()]
LAWS = [law for law in PART_LAWS if law is not repr_is_code]  # they are in no package


def standard(z):
    return gumbel.MEAN + gumbel.SD * z


def rows(n_rows=200, n_columns=4, seed=0):
    rng = np.random.default_rng(seed)
    signal = rng.gumbel(size=(n_rows, 2)) @ rng.standard_normal((2, n_columns))
    return signal + 0.5 * rng.standard_normal((n_rows, n_columns))


@pytest.mark.parametrize(
    "module", [gumbel, laplace_noise, principal_components, prior_draws]
)
def test_docstrings_run(module):
    found = doctest.testmod(module)
    assert found.attempted > 0 and found.failed == 0


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_parts_store_their_arguments(part, law):
    law(part)


@pytest.mark.parametrize("name", PRIORS)
def test_prior_density_is_the_one_written_twice(name):
    prior, params, log_density = PRIORS[name]
    z = prior.sample(params, 20_000, np.random.default_rng(0))
    log_volume = prior.n_latents * np.log(gumbel.SD)
    expected = log_density(z).sum(axis=1) + log_volume
    np.testing.assert_allclose(prior.log_density(params, z), expected)
    mean, factor = prior.moments(params)
    assert_means(z, mean)
    assert_means(z**2, np.diag(factor.T @ factor))


@pytest.mark.parametrize("name", PRIORS)
def test_information_is_that_of_a_shift_and_of_a_stretch(name):
    prior, params, _ = PRIORS[name]
    z = prior.sample(params, 200_000, np.random.default_rng(1))
    h = 1e-4
    slope = column_densities(z + h) - column_densities(z - h)
    slope /= 2 * h
    shift, stretch = prior.information(params)
    assert_means(slope**2, shift)
    assert_means((1 + z * slope) ** 2, stretch)


def column_densities(z):
    return stats.gumbel_r.logpdf(standard(z))


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_likelihood_density_is_the_one_written_twice(name):
    likelihood, params, reference = LIKELIHOODS[name]
    location = np.full((20_000, 1), 0.4)
    x = likelihood.sample(params, location, np.random.default_rng(0))
    found = likelihood.log_density(params, location, x)
    np.testing.assert_allclose(found, reference.logpdf(x))
    assert_means(x, likelihood.mean(params, location)[0])
    assert_means((x - 0.4) ** 2, likelihood.noise_variance(params, location)[0])


@pytest.mark.parametrize("name", MODELS)
def test_models_pass_their_check(name):
    report = check_model(MODELS[name], rows())
    assert all(finding.holds for finding in report.findings)


@pytest.mark.parametrize("name", MODELS)
def test_learner_fits_them(name):
    X = rows()
    learner = AmortisedLearner(MODELS[name], max_iter=200, random_state=0).fit(X)
    columns = stats.norm(X.mean(axis=0), X.std(axis=0)).logpdf(X).sum(axis=1)
    assert learner.score(X) > columns.mean() + 0.1
    assert learner.sample_posterior(X[:3], 5, 0).shape == (5, 3, learner.n_latents_)


def test_skewed_sources_are_found_by_their_prior():
    rng = np.random.default_rng(0)
    sources = Gumbel(2).sample({}, 3000, rng)
    X = sources @ rng.standard_normal((2, 4)) + 0.2 * rng.standard_normal((3000, 4))
    found = AmortisedICA(2, sources=Gumbel(2), random_state=0).fit_transform(X)
    correlation = np.abs(np.corrcoef(found.T, sources.T)[:2, 2:])
    assert np.all(np.sort(correlation, axis=1)[:, 1] > 0.95)


def one_factor():
    model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    decoder = {"components": np.array([[1.0, -0.5, 2.0]]), "mean": np.zeros(3)}
    params = {"decoder": decoder, "likelihood": {"noise_variance": 0.8}}
    return model, params, model.sample(params, 40, np.random.default_rng(3))[1]


def errors_of_prior_draws(n_simulations):
    """Root mean square errors of posterior means and log-likelihoods over rows."""
    model, params, X = one_factor()
    X[0, 1] = np.nan
    exact, rng = model.posterior(params), np.random.default_rng(0)
    simulations = simulate(model, params, n_simulations, rng)
    fitted = PriorDraws().fit(model, params, simulations, rng)
    found = log_marginal_likelihood(model, params, X, posterior=fitted)
    gaps = fitted.mean(X) - exact.mean(X), found - exact.log_marginal(X)
    return np.array([np.sqrt(np.mean(gap**2)) for gap in gaps])


def test_prior_draws_tend_to_the_exact_posterior():
    many, few = errors_of_prior_draws(20_000), errors_of_prior_draws(200)
    assert np.all(many < 0.05)
    assert np.all(few > 3 * many)  # a hundred times as many: a tenth of the error


def test_prior_draws_are_simulated_latents_and_rows_stand_alone():
    model, params, X = one_factor()
    rng = np.random.default_rng(0)
    simulations = simulate(model, params, 100, rng)
    fitted = PriorDraws().fit(model, params, simulations, rng)
    z, log_prob = fitted.sample(X, 5, np.random.default_rng(1), common=True)
    assert z.shape == (5, 40, 1) and log_prob.shape == (5, 40)
    assert np.isin(z, simulations.latents).all()
    alone, its = fitted.sample(X[7:8], 5, np.random.default_rng(1), common=True)
    np.testing.assert_allclose(alone[:, 0], z[:, 7])
    np.testing.assert_allclose(its[:, 0], log_prob[:, 7])


def test_prior_draws_take_a_place_in_a_method():
    model, _, X = one_factor()
    params = model.init_params(X, np.random.default_rng(0))
    method = choose_method(model, params, "reweighted")
    method = method._replace(posterior=PriorDraws(), max_iter=50)
    learner = AmortisedLearner(model, method=method, random_state=0).fit(X)
    assert learner.n_iter_ == 50 and learner.score(X) > -10


def test_prior_draws_say_what_they_are_not_for():
    model = LatentVariableModel(Sphere(2), Linear(), GaussianNoise())
    X, rng = rows(50, 3), np.random.default_rng(0)
    params = model.init_params(X, rng)
    simulations = simulate(model, params, 10, rng)
    with pytest.raises(ValueError, match="PriorDraws is for models .* Sphere()"):
        PriorDraws().fit(model, params, simulations, rng)


@pytest.mark.parametrize("n_components", [1, 2])
def test_principal_components_are_as_likely_as_those_in_closed_form(n_components):
    X = rows(300)
    exact = PCA(n_components).fit(X)
    pca = AmortisedPCA(n_components, random_state=0).fit(X)
    assert abs(pca.score(X) - exact.score(X)) < 0.02
    np.testing.assert_allclose(pca.noise_variance_, exact.noise_variance_, rtol=0.1)
    axes = pca.components_ / np.linalg.norm(pca.components_, axis=1, keepdims=True)
    np.testing.assert_allclose(
        np.abs(axes @ exact.components_.T), np.eye(n_components), atol=0.05
    )


def test_principal_components_need_their_number_right():
    X = rows(300)
    one, two = (AmortisedPCA(n, random_state=0).fit(X).score(X) for n in (1, 2))
    assert two > one + 0.3


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_an_estimator_gives_what_the_page_says():
    own = {name for name, value in vars(AmortisedPCA).items() if inspect.isfunction(value)}
    assert own == {"__init__", "_make_model", "_make_method", "_set_attributes"}
