"""The log joint of sources under a linear mean, split over the sources."""

import autograd.numpy as anp
import numpy as np
from autograd import elementwise_grad

from ..spaces import Space, leaves, map_leaves

__all__ = ["SourceFactors", "factorises", "moved_in_units"]

STEP = 1e-4  # of a finite difference
TINY = 1e-12  # slope of a param at the edge of its support
LONGEST = 0.15  # relative step of a mixing, or step of another coordinate of a source
N_LOOKED_AT = 8  # draws that show which source a param belongs to


class SourceFactors:
    """What a :class:`skaws.models.LinearMixing` says of single sources, at some params.

    Its functions of one source are, for k sources, the scores of a shift and of a stretch
    of each; the scores of the real coordinates of the sources' params; and the log
    densities.

    Parameters
    ----------
    model : LinearMixing
        One that ``factorises``.
    params : nested dict of arrays
        Natural values.
    """

    def __init__(self, model, params):
        self._prior = model.sources
        self._params = params
        self._own = params.get("sources", {})
        self._space = Space(self._own, model.sources.constraints)
        self._unmixing = np.linalg.inv(params["mixing"])

    @property
    def n_scores(self):
        """How many of the functions are scores; the rest are log densities."""
        return 2 * len(self._unmixing) + self._space.size

    def sources(self, latents):
        """Sources of centred latents, (n, k)."""
        return latents @ self._unmixing

    def functions(self, sources, known=None):
        """Values of all functions, (n, n_functions), and the source of each, if `known`."""
        slopes = elementwise_grad(lambda z: self._prior.log_density(self._own, z))(sources)
        every = np.arange(sources.shape[1])
        if known is None:
            owners = owners_of(self._prior, self._space)
        else:
            owners = known[2 * len(every) : self.n_scores]
        values = [
            -slopes,
            -sources * slopes - 1.0,
            self._param_scores(sources, owners),
            self._prior.log_densities(self._own, sources),
        ]
        return np.hstack(values), np.concatenate([every, every, owners, every])

    def _param_scores(self, sources, owners):
        """Derivatives in the real coordinates of params, each at its source."""
        found = np.empty((len(sources), len(owners)))
        ranks = np.array([np.sum(owners[:p] == own) for p, own in enumerate(owners)], int)
        centre = self._space.flatten(self._own)
        for rank in range(ranks.max(initial=-1) + 1):  # one coordinate of each source
            index = np.flatnonzero(ranks == rank)
            slopes = difference(self._prior, self._space, centre, ranks == rank, sources)
            found[:, index] = slopes[:, owners[index]]
        return found

    def squared_residuals(self, X, latents, weights):
        """Weighted sums of squared residuals, and of observed entries, of each column."""
        residuals = X - self._params["mean"] - latents @ self._params["basis"]
        seen = ~np.isnan(residuals)
        return weights @ np.where(seen, residuals, 0.0) ** 2, weights @ seen

    def gradient(self, mixing, scores, squares):
        """Gradient in natural params, where they are learnt.

        Parameters
        ----------
        mixing : array of shape (k, k)
            Scores of relative steps off the diagonal.
        scores : array of shape (n_scores,)
            Those of the functions.
        squares : array of shape (n_features,)
            By what the squared residuals of rows exceed those of simulations.
        """
        params, k = self._params, len(mixing)
        relative = np.where(np.eye(k, dtype=bool), scores[k : 2 * k], mixing)
        noise = 0.5 * squares / params["noise_variance"] ** 2
        found = {
            "mixing": relative @ self._unmixing.T,
            "mean": scores[:k] @ np.linalg.pinv(params["mixing"] @ params["basis"]).T,
            "noise_variance": noise if np.ndim(params["noise_variance"]) else np.sum(noise),
        }
        return {**found, "sources": self._natural(scores[2 * k :])} if self._own else found

    def _natural(self, scores):
        """Scores of real coordinates as those of natural params."""
        centre = self._space.flatten(self._own)
        above, below = (self._space.unflatten(centre + sign * STEP) for sign in (1, -1))
        return map_leaves(
            lambda score, high, low: score * 2 * STEP / np.maximum(high - low, TINY),
            self._space.split(scores),
            above,
            below,
        )

    def log_joint(self, log_densities, squares, entries):
        """Expected log joint of a row.

        Parameters
        ----------
        log_densities : array of shape (k,)
            Mean log density of each source.
        squares, entries : arrays of shape (n_features,)
            As :meth:`squared_residuals` gives them.
        """
        variance = self._params["noise_variance"]
        noise = squares / variance + entries * np.log(2 * np.pi * variance)
        log_volume = np.linalg.slogdet(self._params["mixing"])[1]
        return np.sum(log_densities) - log_volume - 0.5 * np.sum(noise)


def factorises(prior, params):
    """Whether a prior tells the log density of each latent, with params of its own."""
    if not hasattr(prior, "log_densities"):
        return False
    space = Space(params, prior.constraints)
    if space.size != sum(np.size(leaf) for _, leaf in leaves(params)):
        return False  # some are fixed, or bound together
    return owners_of(prior, space) is not None


def owners_of(prior, space):
    """Source that each real coordinate of the params is of; None if one is of several."""
    middle = np.zeros(space.size)
    rng = np.random.default_rng(0)
    latents = prior.sample(space.unflatten(middle), N_LOOKED_AT, rng)
    changes = np.array(
        [
            np.any(difference(prior, space, middle, one, latents) != 0, axis=0)
            for one in np.eye(space.size)
        ]
    ).reshape(space.size, prior.n_latents)
    alone = np.all(np.sum(changes, axis=1) == 1)
    return np.argmax(changes, axis=1) if alone else None


def difference(prior, space, centre, which, latents):
    """Derivative of the log densities along some real coordinates at once."""
    above, below = (
        prior.log_densities(space.unflatten(centre + sign * STEP * which), latents)
        for sign in (1, -1)
    )
    return (above - below) / (2 * STEP)


def moved_in_units(model, params, step, information):
    """Params after a step in units of information, by pairs of sources.

    Parameters
    ----------
    model : LinearMixing
        Of which the params are.
    params, step : nested dicts of arrays
        Natural values, and a step along the same paths.
    information : Information
        Of mixing, shifts, stretches and params of the sources.
    """
    mixing, basis = params["mixing"], params["basis"]
    k, own = len(mixing), params.get("sources", {})
    space = Space(own, model.sources.constraints)
    directions = np.linalg.qr(basis.T)[0]  # k of the coordinates of the mean
    coordinates = [
        anp.dot(step["mean"], directions),
        anp.diag(step["mixing"]),
        *(anp.ravel(leaf) for _, leaf in leaves(step.get("sources", {}))),
    ]
    along, across, scores = information.roots
    scores = bounded(anp.dot(scores, anp.concatenate(coordinates)))
    relative = bounded(along * step["mixing"] + across * anp.transpose(step["mixing"]))
    diagonal = np.eye(k)
    relative = relative * (1 - diagonal) + scores[k : 2 * k] * diagonal
    moved = {
        **step,
        "mixing": anp.dot(relative, mixing),
        "mean": anp.dot(anp.dot(scores[:k], mixing), basis),
    }
    return {**moved, "sources": space.split(scores[2 * k :])} if own else moved


def bounded(step, longest=LONGEST):
    """A step that goes nowhere further than `longest`."""
    return longest * anp.tanh(step / longest)
