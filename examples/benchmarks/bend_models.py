"""Models of functions whose latents no linear estimate finds, and their likelihoods.

One latent, so that quadrature or a grid gives the likelihood, and maximum likelihood.  What
values latents take is not declared: it is read off simulations.
"""

from typing import NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd import value_and_grad
from autograd.scipy.special import gammaln, logsumexp
from learner_peers import LOG_2PI
from scipy.optimize import minimize

from skaws.models import FunctionModel
from skaws.spaces import Space
from skaws.supports import Interval, Positive

N_NODES = 60


class Bend(NamedTuple):
    """A model, where rows come from, and its exact log-likelihood of each row."""

    model: FunctionModel
    params: dict
    log_marginal: object

    def rows(self, n_rows, seed):
        return self.model.sample(self.params, n_rows, np.random.default_rng(seed))[1]

    def maximum_likelihood(self, X):
        """Mean log-likelihood at its maximum, the better of two starts."""
        space = Space(self.params, self.model.constraints)
        starts = self.params, self.model.init_params(X, np.random.default_rng(0))
        negative = value_and_grad(
            lambda vector: -anp.mean(self.log_marginal(space.unflatten(vector), X))
        )
        fits = [minimize(negative, space.flatten(start), jac=True) for start in starts]
        return -min(fit.fun for fit in fits)


def gaussian_nodes():
    """Nodes and log weights of a standard Gaussian."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(N_NODES)
    return nodes[:, None], np.log(weights / weights.sum())


def angles():
    """Nodes and log weights of a uniform angle."""
    grid = np.linspace(-np.pi, np.pi, 240, endpoint=False)
    return grid[:, None], np.full(240, -np.log(240.0))


def bend(nodes, draw, log_prior, observe, log_density, start, params, constraints=None):
    """Model of p(z) and the log density (n, d) of observations, summed over columns."""
    grid, log_weights = nodes()

    def sample(params, n_samples, rng):
        z = draw(n_samples, rng)
        return z, observe(params, z, rng)

    def log_joint(params, z, x):
        return log_prior(z[:, 0]) + anp.sum(log_density(params, z, x), axis=1)

    def log_marginal(params, X):
        by_node = log_density(params, grid, X[:, None])
        return logsumexp(anp.sum(by_node, axis=2) + log_weights, axis=1)

    model = FunctionModel(sample, log_joint, start, constraints)
    return Bend(model, params, log_marginal)


def standard(n_samples, rng):
    return rng.standard_normal((n_samples, 1))


def log_standard(z):
    return -0.5 * z**2 - 0.5 * LOG_2PI


def gaussian_noise(location):
    """Observations and log density under noise of standard deviation "sd"."""

    def observe(params, z, rng):
        centre = location(params, z)
        return centre + params["sd"] * rng.standard_normal(centre.shape)

    def log_density(params, z, x):
        error = (x - location(params, z)) / params["sd"]
        return -0.5 * error**2 - anp.log(params["sd"]) - 0.5 * LOG_2PI

    return observe, log_density


def counts(n_columns):
    """Poisson counts whose log rates share a Gaussian latent."""
    rng = np.random.default_rng(9)
    params = {
        "level": rng.normal(1.0, 0.5, n_columns),
        "slope": rng.normal(0.0, 0.7, n_columns),
    }

    def observe(params, z, rng):
        return rng.poisson(np.exp(params["level"] + params["slope"] * z)).astype(float)

    def log_density(params, z, x):
        log_rate = params["level"] + params["slope"] * z
        return x * log_rate - anp.exp(log_rate) - gammaln(x + 1)

    def start(X, rng):
        return {
            "level": np.log(X.mean(axis=0) + 0.1),
            "slope": np.full(n_columns, 0.5),
        }

    return bend(gaussian_nodes, standard, log_standard, observe, log_density, start, params)


def volatility(n_columns):
    """Gaussian noise whose log standard deviation is linear in the latent."""
    params = {"level": np.zeros(n_columns), "slope": np.full(n_columns, 0.7)}

    def observe(params, z, rng):
        sd = np.exp(params["level"] + params["slope"] * z)
        return sd * rng.standard_normal(sd.shape)

    def log_density(params, z, x):
        log_sd = params["level"] + params["slope"] * z
        return -0.5 * (x * anp.exp(-log_sd)) ** 2 - log_sd - 0.5 * LOG_2PI

    def start(X, rng):
        return {"level": np.log(X.std(axis=0)), "slope": np.full(n_columns, 0.2)}

    return bend(gaussian_nodes, standard, log_standard, observe, log_density, start, params)


def parabola():
    """Two columns, both linear in the square of the latent: two modes."""
    params = {"level": np.zeros(2), "slope": np.array([1.0, 0.6]), "sd": 0.7}

    def location(params, z):
        return params["level"] + params["slope"] * z**2

    def start(X, rng):
        return {"level": X.mean(axis=0), "slope": np.full(2, 0.5), "sd": 1.0}

    noise = gaussian_noise(location)
    constraints = {"sd": Positive()}
    return bend(gaussian_nodes, standard, log_standard, *noise, start, params, constraints)


def ellipse():
    """Points about an ellipse; the latent is the angle, which goes round."""
    params = {"centre": np.ones(2), "axes": np.array([2.0, 1.0]), "sd": 0.3}

    def location(params, z):
        sides = [anp.cos(z), anp.sin(z)]
        return params["centre"] + params["axes"] * anp.concatenate(sides, axis=-1)

    def start(X, rng):
        return {"centre": X.mean(axis=0), "axes": X.std(axis=0), "sd": 0.5}

    def draw(n_samples, rng):
        return rng.uniform(-np.pi, np.pi, (n_samples, 1))

    def log_prior(z):
        return anp.where(anp.abs(z) <= np.pi, -LOG_2PI, -np.inf)

    noise = gaussian_noise(location)
    constraints = {"sd": Positive(), "axes": Positive()}
    return bend(angles, draw, log_prior, *noise, start, params, constraints)


def answers(n_columns):
    """Yes or no, with log odds linear in a Gaussian latent."""
    rng = np.random.default_rng(9)
    params = {
        "level": rng.standard_normal(n_columns),
        "slope": np.abs(rng.normal(1.0, 0.7, n_columns)),
    }

    def log_odds(params, z):
        return params["level"] + params["slope"] * z

    def observe(params, z, rng):
        chance = 1 / (1 + np.exp(-log_odds(params, z)))
        return (rng.random(chance.shape) < chance).astype(float)

    def log_density(params, z, x):
        return x * log_odds(params, z) - anp.logaddexp(0.0, log_odds(params, z))

    def start(X, rng):
        return {"level": np.zeros(n_columns), "slope": np.full(n_columns, 0.5)}

    return bend(gaussian_nodes, standard, log_standard, observe, log_density, start, params)


def absences(n_columns):
    """Counts as above, of those present; of those absent next to none: a label, too."""
    of_present = counts(n_columns)
    log_rare = np.log(0.1)

    def sample(params, n_samples, rng):
        present = rng.random((n_samples, 1)) < params["chance"]
        z, x = of_present.model.sample(params, n_samples, rng)
        x = np.where(present, x, rng.poisson(0.1, x.shape))
        return np.hstack([present, z]), x

    def log_joint(params, z, x):
        here, away = z[:, 0], 1 - z[:, 0]
        chance = here * anp.log(params["chance"]) + away * anp.log(1 - params["chance"])
        rate = params["level"] + params["slope"] * z[:, 1:]
        log_rate = here[:, None] * rate + away[:, None] * log_rare
        entries = x * log_rate - anp.exp(log_rate) - gammaln(x + 1)
        return chance + log_standard(z[:, 1]) + anp.sum(entries, axis=1)

    def log_marginal(params, X):
        absent = anp.sum(X * log_rare - 0.1 - gammaln(X + 1), axis=1)
        present = of_present.log_marginal(params, X)
        chances = [anp.log(params["chance"]), anp.log(1 - params["chance"])]
        return anp.logaddexp(chances[0] + present, chances[1] + absent)

    def start(X, rng):
        return {**of_present.model.init_params(X, rng), "chance": 0.5}

    params = {**of_present.params, "chance": 0.65}
    model = FunctionModel(sample, log_joint, start, {"chance": Interval(0.0, 1.0)})
    return Bend(model, params, log_marginal)


BENDS = {
    "counts, 3 columns": counts(3),
    "counts, 10 columns": counts(10),
    "volatility": volatility(6),
    "parabola": parabola(),
    "ellipse": ellipse(),
    "answers": answers(8),
    "counts and absences": absences(3),
}
