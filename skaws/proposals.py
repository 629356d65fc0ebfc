"""Where importance sampling looks for the latents of each row.

A proposal is a callable: of dense rows X, shape (m, n_features), it yields draws of their
latents, shape (m, n_latents), and log densities, (m,).  All rows share the same random
numbers, which never change: what is said of a row depends on that row alone.
"""

import numpy as np
from scipy.special import expit, gammaln, log_softmax

from .charts import CHARTS
from .decoders import Linear, LogOdds
from .mode_proposal import ModeProposal
from .models import LatentVariableModel
from .priors import Gamma, UnitUniform
from .regression import LogOddsMode, MultiplicativeMode

__all__ = [
    "EnumeratedProposal",
    "GammaProposal",
    "LogOddsProposal",
    "ModeProposal",
    "ReweightedProposal",
    "StudentProposal",
    "make_proposal",
]

LEAST_DOF = 10  # of a Student's t: tails heavier than the Gaussian's
N_STEPS = 100  # towards the mode
DEFENSIVE = 0.2  # chance of a wide draw of a latent
N_PROBES = 10_000  # simulations in which latents of few values show all of them
MANY_VALUES = 200  # beyond which latents are not summed over: as many as default draws


def make_proposal(model, params, n_draws):
    """Proposal for the posterior of a model, or None if there is none.

    Parameters
    ----------
    model : GenerativeModel
        Made of parts; or with latents that take few values, or of a ``latent_support``
        that has real coordinates.
    params : nested dict of arrays
        Its params.
    n_draws : int
        Draws for each row, an even number.
    """
    if isinstance(model, LatentVariableModel):
        proposal = proposal_of_parts(model, params, n_draws)
        if proposal is not None:
            return proposal
    latents, _ = model.sample(params, N_PROBES, np.random.default_rng(0))
    if isinstance(latents, dict):
        return None
    values = np.unique(latents, axis=0)
    if len(values) <= MANY_VALUES:
        return EnumeratedProposal(values, n_draws)
    if model.latent_support in CHARTS:
        return ModeProposal(model, params, n_draws)
    return None


def proposal_of_parts(model, params, n_draws):
    """Proposal shaped by what prior, decoder and likelihood are, or None."""
    prior, decoder = model.prior, model.decoder
    if isinstance(prior, UnitUniform) and isinstance(decoder, LogOdds):
        return LogOddsProposal(model, params, n_draws)
    reweighted = model.reweighted_gaussian(params)
    if reweighted is not None and prior.support == "real":
        return ReweightedProposal(reweighted, n_draws)
    twin = model.linear_gaussian(params)
    if twin is None:
        return None
    parts = isinstance(decoder, Linear) and decoder.nonnegative
    if isinstance(prior, Gamma) and parts:
        return GammaProposal(model, params, n_draws)
    return StudentProposal(twin, n_draws) if prior.support == "real" else None


class StudentProposal:
    """Student's t with the posterior mean and covariance of a linear-Gaussian twin.

    Parameters
    ----------
    twin : LinearGaussian
        The model with the same first two moments.
    n_draws : int
        Draws for each row, an even number.
    """

    def __init__(self, twin, n_draws):
        self._twin = twin
        self._n_draws = n_draws

    def __call__(self, X):
        centre = self._twin.posterior_mean(X)
        # Complete rows share one covariance.
        covariance = self._twin.posterior_covariance(X if np.isnan(X).any() else X[:1])
        return student_draws(centre, covariance, self._n_draws)


class ReweightedProposal:
    """Student's t about an estimate that outliers do not move; see StudentProposal.

    Parameters
    ----------
    twin : ReweightedGaussian
        The model with Gaussian latents.
    n_draws : int
        Draws for each row, an even number.
    """

    def __init__(self, twin, n_draws):
        self._twin = twin
        self._n_draws = n_draws

    def __call__(self, X):
        return student_draws(*self._twin.posterior(X), self._n_draws)


class EnumeratedProposal:
    """Every value that the latents take: no sampling at all, and exact answers.

    Parameters
    ----------
    values : array of shape (n_values, n_latents)
        The values.
    n_draws : int
        What the sum of the weights will be divided by.
    """

    def __init__(self, values, n_draws):
        self._values = values
        self._log_density = -np.log(n_draws)

    def __call__(self, X):
        for value in self._values:
            yield np.tile(value, (len(X), 1)), np.full(len(X), self._log_density)


class LogOddsProposal:
    """Student's t in log odds, about the mode and with the curvature there.

    Parameters
    ----------
    model : LatentVariableModel
        Uniform latents, :class:`skaws.decoders.LogOdds`, Bernoulli entries.
    params : nested dict of arrays
        Its params.
    n_draws : int
        Draws for each row, an even number.
    """

    def __init__(self, model, params, n_draws):
        self._model, self._params = model, params
        self._mode = LogOddsMode(N_STEPS).at(model, params)
        self._products = row_products(params["decoder"]["components"])
        self._n_draws = n_draws

    def __call__(self, X):
        mode = self._mode(X)
        location = self._model.location(self._params, mode)
        information = self._model.likelihood.information({}, location, X)
        precision = curvature(information, X, self._products)
        diagonal = np.einsum("ikk->ik", precision)
        diagonal += 2 * mode * (1 - mode)
        centre = np.log(mode) - np.log1p(-mode)
        # Logistic tails are longer than those of the curvature: twice its variance.
        draws = student_draws(centre, 2 * np.linalg.inv(precision), self._n_draws)
        for log_odds, log_density in draws:
            log_odds = np.clip(log_odds, -30.0, 30.0)
            latents = expit(log_odds)
            slope = -np.logaddexp(0, log_odds) - np.logaddexp(0, -log_odds)
            yield latents, log_density - np.sum(slope, axis=1)


class GammaProposal:
    """Correlated Gamma draws, about the mode and with the curvature there in log z.

    Each latent gets a Gamma distribution with the mode and the marginal curvature of the
    posterior of its logarithm: the prior itself where a row says nothing.  With a chance
    of `DEFENSIVE` the shape is the prior's instead, so that no tail is lighter than the
    posterior's.

    Draws are made by Marsaglia & Tsang's (2000) cube of a normal variable, without its
    rejections, which the weights make good; correlated normals correlate them.  Below a
    shape of one, a draw of shape + 1 is multiplied by a power of a uniform variable.

    Parameters
    ----------
    model : LatentVariableModel
        Gamma latents under a non-negative linear decoder.
    params : nested dict of arrays
        Its params.
    n_draws : int
        Draws for each row, an even number.
    """

    def __init__(self, model, params, n_draws):
        self._model, self._params = model, params
        self._shape = model.prior.shapes(params["prior"])
        self._mode = MultiplicativeMode(N_STEPS).at(model, params)
        self._products = row_products(params["decoder"]["components"])
        rng = np.random.default_rng(0)
        half = rng.standard_normal((n_draws // 2, len(self._shape)))
        self._normals = np.concatenate([half, -half])
        self._powers = rng.exponential(size=self._normals.shape)
        self._defensive = rng.random(self._normals.shape) < DEFENSIVE

    def __call__(self, X):
        mode = self._mode(X)
        narrow, factor = self._marginals(X, mode)
        # A shape below the prior's would only be rounding.
        pair = np.maximum(narrow, self._shape), np.broadcast_to(self._shape, mode.shape)
        constants = [gamma_constant(shape, shape / mode) for shape in pair]
        log_volume = np.sum(np.log(np.einsum("ikk->ik", factor)), axis=1)
        for normal, power, defensive in zip(
            self._normals, self._powers, self._defensive, strict=True
        ):
            shape = np.where(defensive, pair[1], pair[0])
            unit, correction = cube_draw(shape, factor @ normal, power)
            latents = np.maximum(unit * (mode / shape), 1e-300)
            narrow, wide = (
                constant + (shape - 1) * np.log(latents) - (shape / mode) * latents
                for shape, constant in zip(pair, constants, strict=True)
            )
            mixture = np.logaddexp(narrow + np.log1p(-DEFENSIVE), wide + np.log(DEFENSIVE))
            log_density = np.sum(mixture + correction, axis=1) - 0.5 * normal @ normal
            yield latents, log_density - log_volume

    def _marginals(self, X, mode):
        """Shape of each row's latents, and a factor of their correlation."""
        location = self._model.location(self._params, mode)
        noise = self._params.get("likelihood", {})
        information = self._model.likelihood.information(noise, location, np.nan_to_num(X))
        precision = curvature(information, X, self._products)
        precision *= mode[:, :, None] * mode[:, None, :]
        diagonal = np.einsum("ikk->ik", precision)
        diagonal += self._shape
        covariance = np.linalg.inv(precision)
        variance = np.einsum("ikk->ik", covariance)
        deviation = np.sqrt(variance)
        correlation = covariance / (deviation[:, :, None] * deviation[:, None, :])
        return 1 / variance, np.linalg.cholesky(correlation)


def gamma_constant(shape, rate):
    """What the log density of a Gamma variable has beside its argument."""
    return shape * np.log(rate) - gammaln(shape)


def cube_draw(shape, normal, power):
    """Variables near Gamma(shape), and log q(y) - log Gamma(y), entry by entry.

    y is the cube of a shifted normal variable with density q, and nearly Gamma itself; q
    lacks the exponential of the correlated normals.
    """
    small = shape < 1.0
    raised = shape + small
    d = raised - 1 / 3
    c = 1 / np.sqrt(9 * d)
    root = 1 + c * normal
    inside = root > 0
    root = np.where(inside, root, 1.0)
    y = d * root**3
    log_q = -0.5 * np.log(2 * np.pi) - np.log(3 * d * c * root**2)
    log_gamma = (raised - 1) * np.log(y) - y - gammaln(raised)
    # Weights of draws outside the support are zero.
    correction = np.where(inside, log_q - log_gamma, np.inf)
    return y * np.exp(np.where(small, -power / shape, 0.0)), correction


def student_draws(centre, covariance, n_draws):
    """Draws of a wide Student's t about `centre`, and their log densities."""
    variances, axes = np.linalg.eigh(covariance)
    variances = np.maximum(variances, 1e-10 * variances[:, -1:])
    factor = axes * np.sqrt(variances)[:, None, :]
    log_volume = 0.5 * np.sum(np.log(variances), axis=1)
    for draw, log_density in zip(*matched_draws(n_draws, centre.shape[1]), strict=True):
        yield centre + factor @ draw, log_density - log_volume


def matched_draws(n_draws, n_latents):
    """Fixed draws from a multivariate Student's t, and their log densities.

    They are antithetic, and stretched so that, as an importance sample of a standard
    normal, they have mass one, mean zero and unit covariance: what a Gaussian posterior
    says is then said without error, and only departures from it are sampled.
    """
    if n_draws < 4 * n_latents:
        raise ValueError(
            f"n_draws={n_draws} is too few for {n_latents} latents; take {4 * n_latents} "
            "or more, an even number."
        )
    rng = np.random.default_rng(0)
    dof = LEAST_DOF + n_latents  # with fewer, most weight would rest on few draws
    half = rng.standard_normal((n_draws // 2, n_latents))
    half *= np.sqrt(dof / rng.chisquare(dof, n_draws // 2))[:, None]
    draws = np.concatenate([half, -half])
    distance = np.sum(draws**2, axis=1)
    tails = 0.5 * (dof + n_latents) * np.log1p(distance / dof)
    log_shares = log_softmax(tails - 0.5 * distance)
    covariance = (draws * np.exp(log_shares)[:, None]).T @ draws
    draws = draws @ np.linalg.inv(np.linalg.cholesky(covariance)).T
    log_normal = -0.5 * (np.sum(draws**2, axis=1) + n_latents * np.log(2 * np.pi))
    return draws, log_normal - log_shares - np.log(n_draws)


def row_products(components):
    """Products of each pair of components, (n_features, n_latents ** 2)."""
    products = components[:, None, :] * components[None, :, :]
    return products.reshape(len(components) ** 2, -1).T


def curvature(information, X, products):
    """``W diag(information) W'`` of each row over its observed entries, (m, k, k)."""
    n_latents = int(np.sqrt(products.shape[1]))
    seen = np.where(np.isnan(X), 0.0, information)
    return (seen @ products).reshape(-1, n_latents, n_latents)
