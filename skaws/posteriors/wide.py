"""Wide Student's t about the mean of another posterior."""

from .base import FittedPosterior, Posterior
from .draws import student_draws
from .linear_gaussian import check_real, is_real

__all__ = ["Wide"]


class Wide(Posterior):
    """Student's t with mean and covariance of another posterior, for importance sampling.

    Its tails are heavier than those of the posterior, so that no weight is large.  Where
    rows share random numbers (``common=True``), and there are an even number of draws and
    at least four for each latent, these are matched to the Gaussian of that mean and
    covariance: importance sampling of a Gaussian posterior is then exact, and only
    departures from it are sampled.  `log_prob` is what makes it so, near the log density.

    Parameters
    ----------
    posterior : Posterior
        With a ``covariance`` once fitted, of real latents: such as ``LinearGaussian()`` or
        ``Robust()``.

    Raises
    ------
    TypeError
        In `fit`, if the posterior has "no covariance".
    ValueError
        In `fit`, if latents are not real.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.special import logsumexp
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.posteriors import LinearGaussian
    >>> from skaws.priors import Gaussian
    >>> from skaws.simulations import simulate
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> rng = np.random.default_rng(0)
    >>> simulations = simulate(model, params, 10, rng)
    >>> fitted = Wide(LinearGaussian()).fit(model, params, simulations, rng)
    >>> latents, log_prob = fitted.sample(np.ones((1, 3)), 8, rng, common=True)
    >>> log_joint = model.log_joint(params, latents[:, 0], np.ones((8, 3)))
    >>> found = logsumexp(log_joint - log_prob[:, 0]) - np.log(8)
    >>> exact = model.posterior(params).log_marginal(np.ones((1, 3)))
    >>> bool(abs(found - exact[0]) < 1e-9)
    True
    """

    def __init__(self, posterior):
        self.posterior = posterior

    def suits(self, model, params, space):
        return is_real(space) and self.posterior.suits(model, params, space)

    def fit(self, model, params, simulations, rng, previous=None):
        check_real(self, simulations.space)
        inner = self.posterior.fit(model, params, simulations, rng)
        if not hasattr(inner, "covariance"):
            raise TypeError(
                f"Wide needs a posterior with a covariance; {self.posterior!r} has no "
                "covariance once fitted. Take LinearGaussian() or Robust()."
            )
        return FittedWide(inner)


class FittedWide(FittedPosterior):
    """The fitted posterior inside, from which only draws differ."""

    def __init__(self, inner):
        super().__init__(inner.space)
        self._inner = inner

    def mean(self, X):
        return self._inner.mean(X)

    def covariance(self, X):
        """That of the posterior inside, (m, n_latents, n_latents)."""
        return self._inner.covariance(X)

    def inputs(self, X):
        return self._inner.inputs(X)

    def sample(self, X, n_samples, rng, common=False):
        return student_draws(self.mean(X), self.covariance(X), n_samples, rng, common)
