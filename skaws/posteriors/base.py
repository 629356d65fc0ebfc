"""The protocol of a posterior: what is known of the latents of a row."""

from abc import ABC, abstractmethod

from sklearn.base import BaseEstimator

from ..spaces import columns_of, rows_of

__all__ = ["FittedPosterior", "Posterior", "blocks"]


class Posterior(BaseEstimator, ABC):
    """Description of an approximate or exact posterior q(z | x), to be fitted to a model.

    Nothing learnt is stored here: :meth:`fit` returns it as a :class:`FittedPosterior`.

    **Must**: :meth:`fit`.

    **May**: :meth:`suits`, which lets the posterior be chosen for a model; without it, it
    is only used by name.  ``n_simulations``, where a fit for answers wants another number.

    See Also
    --------
    FittedPosterior : What `fit` returns.

    Examples
    --------
    A posterior of one's own.  In a model ``z ~ N(0, 1)``, ``x ~ N(z, 1)`` the posterior of
    z is Gaussian with mean x / 2 and variance 1 / 2:

    >>> import numpy as np
    >>> from skaws.simulations import Simulations
    >>> from skaws.spaces import Space
    >>> class Halfway(Posterior):
    ...     def fit(self, model, params, simulations, rng, previous=None):
    ...         return FittedHalfway(simulations.space)
    >>> class FittedHalfway(FittedPosterior):
    ...     def mean(self, X):
    ...         return X / 2
    ...
    ...     def sample(self, X, n_samples, rng, common=False):
    ...         n_rows = 1 if common else len(X)
    ...         white = rng.standard_normal((n_samples, n_rows, 1))
    ...         latents = self.mean(X) + np.sqrt(0.5) * white
    ...         log_prob = -((latents - self.mean(X)) ** 2) - 0.5 * np.log(np.pi)
    ...         return latents, log_prob[:, :, 0]
    >>> rng = np.random.default_rng(0)
    >>> z, noise = rng.standard_normal((2, 100, 1))
    >>> simulations = Simulations(z, z + noise, Space(z, batched=True))
    >>> fitted = Halfway().fit(None, {}, simulations, rng)
    >>> latents, log_prob = fitted.sample(np.array([[1.0], [2.0]]), 5, rng)
    >>> latents.shape, log_prob.shape
    ((5, 2, 1), (5, 2))
    """

    #: How many simulations a fit for answers wants; loops have numbers of their own.
    n_simulations = 300

    @abstractmethod
    def fit(self, model, params, simulations, rng, previous=None):
        """Fit to a model at `params`.

        Parameters
        ----------
        model, params : GenerativeModel and nested dict of arrays
            Of which latents it is.
        simulations : Simulations
            Pairs drawn from the model at `params`, and the ``space`` of the latents.
        rng : numpy.random.Generator
            Source of randomness.
        previous : FittedPosterior, default=None
            What an earlier fit returned, at other params; what learns step by step goes on
            from it.

        Returns
        -------
        fitted : FittedPosterior
        """

    def suits(self, model, params, space):
        """Whether it can be fitted to this model with latents in `space`."""
        return False


class FittedPosterior(ABC):
    """Posterior of the latents given rows, at fixed params.

    Rows X are a float array (m, n_features) in which NaN marks missing entries; given
    columns are last.  Latents have the structure that the model's have, and their supports:
    draws never lie outside of the `space`, nor is a log joint evaluated there.

    **Must**: :meth:`mean` and :meth:`sample`.

    **May**:

    - :meth:`inputs`, of the regression, where they are not the mean;
    - :meth:`keep`, where the next fit learns from what real rows were given;
    - ``covariance(X) -> (m, n_latents, n_latents)``;
    - ``log_marginal(X) -> (m,)``, log p(x) in nats: only where it is exact, and so are
      mean and draws.

    Parameters
    ----------
    space : Space
        Of the latents.

    Attributes
    ----------
    space : Space
        As given.

    Examples
    --------
    See :class:`Posterior`.
    """

    def __init__(self, space):
        self.space = space

    @abstractmethod
    def mean(self, X):
        """E[z | x] of each row, about; at least a point inside the support.

        Latents of finite supports are averages of their values: probabilities of labels.
        """

    @abstractmethod
    def sample(self, X, n_samples, rng, common=False):
        """Draw latents of each row.

        Parameters
        ----------
        X : array of shape (m, n_features)
            Rows.
        n_samples : int
            Draws of each row.
        rng : numpy.random.Generator
            Source of randomness.
        common : bool, default=False
            Whether all rows share the same random numbers: what is said of a row then
            depends on that row alone.

        Returns
        -------
        latents : array or nested dict of arrays, of shape (n_samples, m, ...)
        log_prob : array of shape (n_samples, m)
            Log densities in natural latents, nats: an importance weight is the log joint
            less `log_prob`.  Infinite where a draw is to weigh nothing.
        """

    def inputs(self, X):
        """Regression inputs, shape (m, n_inputs): columns of the mean."""
        return columns_of(self.mean(X))

    def inputs_beside(self, mean, X):
        """The same where `mean`, that of the rows X, is known already."""
        own = type(self).inputs is FittedPosterior.inputs
        return columns_of(mean) if own else self.inputs(X)

    def draw(self, X, rng):
        """One draw of each row, of the structure of :meth:`mean`."""
        return rows_of(self.sample(X, 1, rng)[0], 0)

    def keep(self, latents, X):  # noqa: B027 (nothing to do is a choice)
        """Receive the latents that the wake phase took for real rows.

        What learns step by step may learn from them in the next fit; others ignore them.
        """


def blocks(n_rows, n_at_once):
    """Slices of at most `n_at_once` rows, and of at least one, that cover all of them.

    Examples
    --------
    >>> list(blocks(3, 2))
    [slice(0, 2, None), slice(2, 4, None)]
    """
    size = max(1, int(n_at_once))
    return (slice(start, start + size) for start in range(0, n_rows, size))
