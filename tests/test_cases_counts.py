"""Latents that are counts: sums go as far as the rows ask, and are exact or refused."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.scipy.special import gammaln
from scipy.special import logsumexp
from scipy.stats import nbinom, norm, poisson, skellam

from skaws import AmortisedLearner
from skaws.evaluation import log_marginal_likelihood, posterior_mean
from skaws.models import FunctionModel
from skaws.simulations import latent_space
from skaws.supports import Binary, Columns, Counts, Finite, Integer, Positive, read_support

SD = 0.7
FAR = np.array([[6.0, 6], [12, 12], [16, 16], [20, 20], [30, 30], [200, 198]])


def sample(params, n_samples, rng):
    z = rng.poisson(params["rate"], (n_samples, 1)).astype(float)
    return z, 2 * z + SD * rng.standard_normal((n_samples, 2))


def log_joint(params, z, x):
    log_prior = z[:, 0] * anp.log(params["rate"]) - params["rate"] - gammaln(z[:, 0] + 1)
    entries = -0.5 * ((x - 2 * z) / SD) ** 2 - 0.5 * np.log(2 * np.pi) - np.log(SD)
    return log_prior + anp.sum(entries, axis=1)


MODEL = FunctionModel(sample, log_joint, lambda X, rng: {"rate": 1.0}, {"rate": Positive()})
ALL = np.arange(1000)[:, None, None]


def exact_table(rate, rows):
    entries = norm.logpdf(rows, 2 * ALL, SD).sum(axis=2)
    return poisson.logpmf(ALL[:, 0], rate) + entries


@pytest.mark.parametrize("rate", [0.3, 1.0, 6.0])
def test_scores_and_means_of_far_rows_are_exact(rate):
    # Case 09: sums over the values of 10 000 draws gave -139 and -670 for -17 and -30.
    table = exact_table(rate, FAR)
    found = log_marginal_likelihood(MODEL, {"rate": rate}, FAR)
    np.testing.assert_allclose(found, logsumexp(table, axis=0), rtol=1e-12)
    mean = posterior_mean(MODEL, {"rate": rate}, FAR)[:, 0]
    exact = np.sum(np.exp(table - logsumexp(table, axis=0)) * ALL[:, 0], axis=0)
    np.testing.assert_allclose(mean, exact, rtol=1e-12)


def test_each_row_has_the_answer_that_it_has_alone():
    together = log_marginal_likelihood(MODEL, {"rate": 1.0}, FAR)
    alone = [log_marginal_likelihood(MODEL, {"rate": 1.0}, FAR[[i]])[0] for i in range(6)]
    np.testing.assert_allclose(together, alone, rtol=1e-14)


def test_fit_to_larger_counts_than_the_start_simulates():
    X = sample({"rate": 6.0}, 400, np.random.default_rng(0))[1]
    learner = AmortisedLearner(MODEL, random_state=0, max_iter=600).fit(X)
    assert learner.method_ == "enumeration"
    # The rate is the mean of counts: its standard error is sqrt((6 + SD^2 / 8) / 400).
    rate = float(learner.params_["rate"])
    assert abs(rate - 6.0) < 4 * np.sqrt(6.1 / 400)
    assert abs(rate - X.mean() / 2) < 0.05
    exact = logsumexp(exact_table(rate, X), axis=0)
    np.testing.assert_allclose(learner.score_samples(X), exact, rtol=1e-10)
    counts = learner.sample_posterior(FAR, 20, random_state=0)
    np.testing.assert_array_equal(counts.mean(axis=0)[:3, 0], [3, 6, 8])


def test_rows_of_more_values_than_can_be_summed_over_are_refused():
    with pytest.raises(ValueError, match="asks for more than 4096 values of the latents"):
        log_marginal_likelihood(MODEL, {"rate": 1.0}, np.full((1, 2), 1e6))


def test_differences_of_counts_are_open_at_both_ends():
    def sample(params, n_samples, rng):
        z = rng.poisson(1.0, (n_samples, 1)) - rng.poisson(1.0, (n_samples, 1)) * 1.0
        return z, z + params["sd"] * rng.standard_normal((n_samples, 1))

    def log_joint(params, z, x):
        log_prior = skellam.logpmf(z[:, 0], 1.0, 1.0)
        error = (x - z)[:, 0] / params["sd"]
        return log_prior - 0.5 * error**2 - anp.log(params["sd"] * np.sqrt(2 * np.pi))

    model, rows = FunctionModel(sample, log_joint, None), np.array([[-15.0], [0.2], [14.0]])
    space = latent_space(model, {"sd": 0.5})
    assert isinstance(space.latent_support, Counts) and space.latent_support.open_below
    z = np.arange(-60, 61)[:, None]
    table = skellam.logpmf(z, 1.0, 1.0) + norm.logpdf(rows[:, 0], z, 0.5)
    found = log_marginal_likelihood(model, {"sd": 0.5}, rows)
    np.testing.assert_allclose(found, logsumexp(table, axis=0), rtol=1e-9)


@pytest.mark.parametrize("as_dictionary", [False, True])
def test_counts_beside_labels_and_each_other(as_dictionary):
    def sample(params, n_samples, rng):
        on = (rng.random((n_samples, 1)) < 0.4) * 1.0
        n = rng.negative_binomial(2, 0.6, (n_samples, 1)) * 1.0
        x = n + 3 * on + params["sd"] * rng.standard_normal((n_samples, 1))
        return ({"on": on, "n": n} if as_dictionary else np.hstack([on, n])), x

    def log_joint(params, z, x):
        on, n = (z["on"], z["n"]) if as_dictionary else (z[:, :1], z[:, 1:])
        log_prior = np.log(np.where(on == 1, 0.4, 0.6)) + nbinom.logpmf(n, 2, 0.6)
        error = (x - n - 3 * on) / params["sd"]
        constant = anp.log(params["sd"] * np.sqrt(2 * np.pi))
        return (log_prior - 0.5 * error**2 - constant)[:, 0]

    model, rows = FunctionModel(sample, log_joint, None), np.array([[2.0], [9.0], [45.0]])
    supports = latent_space(model, {"sd": 0.5}).latent_support
    if as_dictionary:
        assert supports["on"] == Binary() and isinstance(supports["n"], Counts)
    n = np.arange(200)[:, None]
    tables = [
        np.log(chance) + nbinom.logpmf(n, 2, 0.6) + norm.logpdf(rows[:, 0], n + on, 0.5)
        for on, chance in ((0, 0.6), (3, 0.4))
    ]
    found = log_marginal_likelihood(model, {"sd": 0.5}, rows)
    np.testing.assert_allclose(found, logsumexp(np.vstack(tables), axis=0), rtol=1e-9)


def test_what_is_declared_or_has_no_rare_end_stays():
    rng = np.random.default_rng(0)
    few = rng.integers(3, size=(10_000, 1)) * 1.0
    assert isinstance(read_support(few), Finite)
    rare = np.where(np.arange(10_000)[:, None] < 25, 2.0, few % 2)  # a label of 1 in 400
    assert isinstance(read_support(rare), Finite)
    assert isinstance(read_support(rng.poisson(1.0, (10_000, 1))), Counts)
    pairs = read_support(rng.poisson(1.0, (10_000, 2)))
    assert isinstance(pairs, (Counts, Columns))

    def limited(params, z, x):  # a log joint that has no other values
        table = anp.log(np.array([0.5, 0.3, 0.2]))
        return table[z[:, 0].astype(int)] - 0.5 * (x - z)[:, 0] ** 2

    declared = FunctionModel(sample, limited, None, latent_support=Integer(0, 2))
    found = log_marginal_likelihood(declared_sampler(declared), {}, np.array([[1.0]]))
    terms = np.log([0.5, 0.3, 0.2]) - 0.5 * (1.0 - np.arange(3)) ** 2
    np.testing.assert_allclose(found, logsumexp(terms))


def declared_sampler(model):
    """The same with a sampler of its three values."""

    def sample(params, n_samples, rng):
        z = rng.choice(3, p=[0.5, 0.3, 0.2], size=(n_samples, 1)) * 1.0
        return z, z + rng.standard_normal((n_samples, 1))

    return FunctionModel(sample, model.log_joint, None, latent_support=Integer(0, 2))


def test_log_joint_that_knows_no_others_is_believed():
    # Of a label whose last values are rare nobody said that there are no more.
    chances = np.array([0.6, 0.3995, 0.0003, 0.0002])

    def sample(params, n_samples, rng):
        z = rng.choice(4, p=chances, size=(n_samples, 1)) * 1.0
        return z, z + rng.standard_normal((n_samples, 1))

    def log_joint(params, z, x):
        log_prior = np.log(chances)[z[:, 0].astype(int)]
        return log_prior - 0.5 * (x - z)[:, 0] ** 2

    model, rows = FunctionModel(sample, log_joint, None), np.array([[0.0], [9.0]])
    assert isinstance(latent_space(model, {}).latent_support, Counts)
    terms = np.log(chances) - 0.5 * (rows - np.arange(4)) ** 2
    found = log_marginal_likelihood(model, {}, rows)
    np.testing.assert_allclose(found, logsumexp(terms, axis=1))


def test_counts_that_are_declared_are_summed_over_however_rare():
    # At a rate of .001 no simulation shows a two: nobody could tell counts from a switch.
    model = FunctionModel(sample, log_joint, None, latent_support=Integer())
    found = log_marginal_likelihood(model, {"rate": 0.001}, FAR)
    exact = logsumexp(exact_table(0.001, FAR), axis=0)
    np.testing.assert_allclose(found, exact, rtol=1e-12)


def test_too_many_counts_at_once_are_refused():
    def sample(params, n_samples, rng):
        z = rng.poisson(3.0, (n_samples, 4)) * 1.0
        return z, z + rng.standard_normal((n_samples, 4))

    def log_joint(params, z, x):
        return anp.sum(poisson.logpmf(z, 3.0) - 0.5 * (x - z) ** 2, axis=1)

    model = FunctionModel(sample, log_joint, None, latent_support=Integer())
    with pytest.raises(NotImplementedError, match="No posterior suits"):
        log_marginal_likelihood(model, {}, np.full((1, 4), 3.0))
