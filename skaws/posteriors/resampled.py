"""Draws of another posterior, made sharper by the model's own log joint."""

import numpy as np

from ..spaces import map_leaves
from .base import FittedPosterior, Posterior
from .network import MixtureNetwork

__all__ = ["Resampled"]


class Resampled(Posterior):
    """Importance resampling: of several candidates for each draw one stays.

    Candidates are drawn from another posterior q; one is chosen with a probability in
    proportion to ``p(z, x) / q(z | x)``.  With more candidates draws come closer to the
    model's own posterior.  Not for log joints that are dear to evaluate.

    Parameters
    ----------
    posterior : Posterior, default=None
        Where candidates come from; None is ``MixtureNetwork()``.
    n_candidates : int, default=5
        Candidates for each draw.

    See Also
    --------
    skaws.posteriors.MixtureNetwork : Learns where to draw candidates.

    Notes
    -----
    Rubin (1988), *Using the SIR algorithm to simulate posterior distributions*.  To climb
    the log joint at such draws is reweighted wake-sleep (Bornschein & Bengio, 2015).
    Nothing is drawn, and the log joint is not evaluated, before ``sample`` is called.

    Examples
    --------
    A network that has hardly learnt anything, and five candidates from it:

    >>> from types import SimpleNamespace
    >>> from skaws.models import FunctionModel
    >>> from skaws.posteriors import MixtureNetwork
    >>> from skaws.spaces import read_space
    >>> def sample(params, n_samples, rng):
    ...     z = rng.standard_normal((n_samples, 1))
    ...     return z, z + rng.standard_normal((n_samples, 1))
    >>> def log_joint(params, z, x):
    ...     return -0.5 * np.sum(z**2 + (x - z) ** 2, axis=1)
    >>> model, rng = FunctionModel(sample, log_joint, None), np.random.default_rng(0)
    >>> z, x = model.sample({}, 1000, rng)
    >>> pairs = SimpleNamespace(latents=z, observations=x, space=read_space(z))
    >>> inner = MixtureNetwork(n_first_steps=10)
    >>> posterior = Resampled(inner).fit(model, {}, pairs, rng)
    >>> error = posterior.sample(x, 1, rng)[0][0] - x / 2
    >>> candidates = posterior.inner.sample(x, 1, rng)[0][0]
    >>> bool(error.var() < 0.65 < np.var(candidates - x / 2))  # the exact variance is 1 / 2
    True
    """

    def __init__(self, posterior=None, n_candidates=5):
        self.posterior = posterior
        self.n_candidates = n_candidates

    def suits(self, model, params, space):
        """Whether the posterior of the candidates suits the model."""
        return self._candidates().suits(model, params, space)

    def fit(self, model, params, simulations, rng, previous=None):
        """Fit the posterior of the candidates.

        Parameters
        ----------
        model : GenerativeModel
            Whose log joint chooses.
        params : nested dict of arrays
            At which it chooses.
        simulations : Simulations
            Pairs and the space of the latents.
        rng : numpy.random.Generator
            Source of randomness.
        previous : FittedResampled, default=None
            From whose candidates to go on.

        Returns
        -------
        fitted : FittedResampled
        """
        before = previous.inner if isinstance(previous, FittedResampled) else None
        inner = self._candidates().fit(model, params, simulations, rng, before)
        return FittedResampled(inner, model, params, self.n_candidates)

    def _candidates(self):
        return MixtureNetwork() if self.posterior is None else self.posterior


class FittedResampled(FittedPosterior):
    """Draws chosen among candidates.

    Parameters
    ----------
    inner : FittedPosterior
        Of the candidates.
    model, params : GenerativeModel and nested dict of arrays
        Whose log joint chooses.
    n_candidates : int
        Candidates for each draw.

    Examples
    --------
    See :class:`Resampled`.
    """

    def __init__(self, inner, model, params, n_candidates):
        super().__init__(inner.space)
        self.inner = inner
        self.model = model
        self.params = params
        self.n_candidates = n_candidates

    def mean(self, X):
        """As that of the posterior of the candidates."""
        return self.inner.mean(X)

    def inputs(self, X):
        """As those of the posterior of the candidates."""
        return self.inner.inputs(X)

    def keep(self, latents, X):
        """As that of the posterior of the candidates."""
        self.inner.keep(latents, X)

    def sample(self, X, n_samples, rng, common=False):
        """Draws of each row, each chosen among candidates.

        Parameters
        ----------
        X : array of shape (m, n_features)
            Rows.
        n_samples : int
            Draws for each row.
        rng : numpy.random.Generator
            Source of randomness.
        common : bool, default=False
            Whether all rows share the same random numbers.

        Returns
        -------
        latents : array of shape (n_samples, m, ...) or nested dict of arrays
            Where no candidate has a finite log joint, the mean of real latents; where there
            are codes among them the first candidate.
        log_prob : array of shape (n_samples, m)
            Log density of the draws, nats, *as candidates*: that of draws that were chosen
            has no formula.
        """
        n_drawn = n_samples * self.n_candidates
        latents, log_prob = self.inner.sample(X, n_drawn, rng, common)
        with np.errstate(all="ignore"):  # far-off candidates may overflow
            log_joint = self.model.log_joint_of_draws(self.params, latents, X)
        log_weight = log_joint - log_prob
        log_weight[~np.isfinite(log_weight)] = -np.inf
        log_weight = log_weight.reshape(n_samples, self.n_candidates, len(X))
        # The largest of log weights with Gumbel noise falls on each in proportion.
        width = 1 if common else len(X)
        noise = rng.gumbel(size=(n_samples, self.n_candidates, width))
        best = np.argmax(log_weight + noise, axis=1)
        index = best + self.n_candidates * np.arange(n_samples)[:, None], np.arange(len(X))
        latents, log_prob = map_leaves(lambda leaf: leaf[index], latents), log_prob[index]
        lost = np.isneginf(log_weight).all(axis=1)
        if lost.any() and self._has_means:
            return self._with_means(latents, log_prob, X, lost)
        return latents, log_prob

    @property
    def _has_means(self):
        return hasattr(self.inner, "log_prob") and not self.space.alphabets

    def _with_means(self, latents, log_prob, X, lost):
        """Draws, but means where all candidates were lost."""
        mean = self.inner.mean(X)
        at_mean = self.inner.log_prob(mean, X)
        log_prob[lost] = np.broadcast_to(at_mean, lost.shape)[lost]

        def put(leaf, instead):
            leaf[lost] = np.broadcast_to(instead, leaf.shape)[lost]
            return leaf

        return map_leaves(put, latents, mean), log_prob
