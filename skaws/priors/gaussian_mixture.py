"""Latents in clusters."""

import warnings

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import logsumexp
from sklearn.cluster import k_means
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metaestimators import available_if

from ..moments import principal_scores, some_rows
from ..supports import Positive, Simplex
from .base import Prior

__all__ = ["GaussianMixture"]

LOG_2PI = np.log(2 * np.pi)
COVARIANCES = ("diag", "full")
LEAST_VARIANCE = 0.05  # of a cluster at the start, of scores whose variance is one
LEAST_WEIGHT = 1e-6  # below it a cluster is gone, and Dirichlet's density ends
N_TURNS, TOLERANCE = 100, 1e-4  # of EM


class GaussianMixture(Prior):
    """Mixture of Gaussians, ``p(z) = sum_c weight_c N(z; mean_c, covariance_c)``.

    The label c is summed out: latents are the points alone.  A decoder that can shift
    or scale the latents leaves their origin and scale open; it is their clusters that are
    learnt.  Params: ``weight``, (n_clusters,); ``mean`` and ``sd``, (n_clusters,
    n_latents); with full covariances also ``slope``, (n_clusters, n_latents, n_latents),
    of which what is above the diagonal counts: ``(z - mean) @ (I + slope) / sd`` is
    standard normal, so that `sd` is that of each latent given those before it.

    It starts at k-means of standardised principal component scores of X, from which an
    :class:`~skaws.decoders.MLP` starts, too.

    Parameters
    ----------
    n_latents : int
        Dimension of the latents.
    n_clusters : int
        Number of Gaussians.
    covariance : {"diag", "full"}, default="diag"
        Whether latents are independent in a cluster.
    concentration : float, default=None
        Of a symmetric Dirichlet prior on the weights.  Below 1 it empties clusters that are
        not worth ``1 - concentration`` rows; below 0 it is improper, as in Figueiredo and
        Jain (2002), and still works.  None: weights are learnt by maximum likelihood.

    Raises
    ------
    ValueError
        If `covariance` is none of these.

    Examples
    --------
    >>> prior = GaussianMixture(n_latents=2, n_clusters=3)
    >>> rng = np.random.default_rng(0)
    >>> params = prior.init_params(rng.standard_normal((50, 4)), rng)
    >>> {name: value.shape for name, value in params.items()}
    {'weight': (3,), 'mean': (3, 2), 'sd': (3, 2)}
    """

    def __init__(self, n_latents, n_clusters, covariance="diag", concentration=None):
        if covariance not in COVARIANCES:
            raise ValueError(
                f"covariance must be one of {[*COVARIANCES]}; got {covariance!r}."
            )
        self.n_latents = n_latents
        self.n_clusters = n_clusters
        self.covariance = covariance
        self.concentration = concentration

    @property
    def constraints(self):
        return {"weight": Simplex(), "sd": Positive()}

    def init_params(self, X, rng):
        scores = principal_scores(some_rows(X), self.n_latents, rng)
        n_clusters, seed = min(self.n_clusters, len(scores)), rng.integers(2**31)
        with warnings.catch_warnings():
            # Fewer different rows than clusters: some then start alike.
            warnings.simplefilter("ignore", ConvergenceWarning)
            _, label, _ = k_means(scores, n_clusters, n_init=1, random_state=seed)
        label = np.eye(self.n_clusters)[label]
        return self._moments(scores, label, LEAST_VARIANCE)

    def _moments(self, latents, share, least):
        """Params of clusters, of which each of the latents has a share."""
        total = share.sum(axis=0)
        # Each cluster holds one more, of the spread of all: none is empty.
        spread = np.cov(latents.T).reshape(self.n_latents, self.n_latents)
        mean = (share.T @ latents + latents.mean(axis=0)) / (total + 1)[:, None]
        slope = np.zeros((self.n_clusters, self.n_latents, self.n_latents))
        sd = np.empty((self.n_clusters, self.n_latents))
        for c in range(self.n_clusters):
            away = latents - mean[c]
            covariance = ((share[:, c] * away.T) @ away + spread) / (total[c] + 1)
            if self.covariance == "diag":
                sd[c] = np.sqrt(np.maximum(np.diag(covariance), least))
                continue
            covariance = covariance + least * np.eye(self.n_latents)
            upper = np.linalg.cholesky(np.linalg.inv(covariance)[::-1, ::-1])[::-1, ::-1]
            sd[c] = 1 / np.diag(upper)
            slope[c] = upper * sd[c] - np.eye(self.n_latents)
        params = {"weight": (total + 1) / np.sum(total + 1), "mean": mean, "sd": sd}
        return params if self.covariance == "diag" else {**params, "slope": slope}

    def refit(self, latents, rng):
        """Params of greatest likelihood at draws of the posterior, by EM.

        Parameters
        ----------
        latents : array of shape (n, n_latents)
            One draw for each of some rows.
        rng : numpy.random.Generator
            Source of randomness, of the start.

        Returns
        -------
        params : dict
        """
        seed = rng.integers(2**31)
        _, label, _ = k_means(latents, self.n_clusters, n_init=1, random_state=seed)
        share = np.eye(self.n_clusters)[label]
        least, before = 1e-3 * latents.var(axis=0).min(), -np.inf
        for _ in range(N_TURNS):
            params = self._moments(latents, share, least)
            joint = self._by_cluster(params, latents)
            density = logsumexp(joint, axis=1)
            share = np.exp(joint - density[:, None])
            if density.mean() - before < TOLERANCE:
                break
            before = density.mean()
        return params

    def sample(self, params, n_samples, rng):
        label = rng.choice(self.n_clusters, n_samples, p=params["weight"])
        noise = params["sd"][label] * rng.standard_normal((n_samples, self.n_latents))
        if self.covariance == "full":
            spread = np.linalg.inv(np.eye(self.n_latents) + upper_part(params["slope"]))
            noise = np.einsum("ni,nij->nj", noise, spread[label])
        return params["mean"][label] + noise

    def log_density(self, params, latents):
        return logsumexp(self._by_cluster(params, latents), axis=1)

    def _by_cluster(self, params, latents):
        """Log of weight times density, (n, n_clusters)."""
        mean, sd = params["mean"], params["sd"]
        if self.covariance == "full":
            away = latents[:, None, :] - mean
            turned = anp.matmul(anp.swapaxes(away, 0, 1), upper_part(params["slope"]))
            distance = anp.sum(((away + anp.swapaxes(turned, 0, 1)) / sd) ** 2, axis=2)
        else:
            # Three products, and no array of rows by clusters by latents.
            precision = 1 / sd**2
            distance = anp.dot(latents**2, precision.T) + anp.sum(mean**2 * precision, 1)
            distance = distance - 2 * anp.dot(latents, (mean * precision).T)
        log_volume = anp.sum(anp.log(sd), axis=1) + 0.5 * self.n_latents * LOG_2PI
        return anp.log(params["weight"]) - log_volume - 0.5 * distance

    def responsibilities(self, params, latents):
        """Chance of each cluster at latents, (n, n_clusters)."""
        joint = self._by_cluster(params, latents)
        return np.exp(joint - logsumexp(joint, axis=1)[:, None])

    @available_if(lambda self: self.concentration is not None)
    def log_prior(self, params):
        """Log density of the weights, up to a constant."""
        return (self.concentration - 1) * anp.sum(anp.log(params["weight"] + LEAST_WEIGHT))

    def moments(self, params):
        weight, mean, sd = params["weight"], params["mean"], params["sd"]
        centre = weight @ mean
        between = np.sqrt(weight)[:, None] * (mean - centre)
        root = sd[:, :, None] * np.eye(self.n_latents)
        if self.covariance == "full":
            root = root @ np.linalg.inv(
                np.eye(self.n_latents) + upper_part(params["slope"])
            )
        within = np.einsum("c,cki,ckj->ij", weight, root, root)
        return centre, np.linalg.cholesky(within + between.T @ between).T

    def in_units(self, step, params):
        return {**step, "mean": step["mean"] * params["sd"]}


def upper_part(slope):
    """What is above the diagonal of each matrix."""
    return slope * np.triu(np.ones(slope.shape[1:]), 1)
