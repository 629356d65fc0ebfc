"""The posterior of latents that no other suits."""

from .base import FittedPosterior, Posterior

__all__ = ["NoPosterior"]


class NoPosterior(Posterior):
    """No posterior at all: the model can be fitted, but not asked for its latents.

    Raises
    ------
    NotImplementedError
        When the fitted posterior is asked for anything: "no posterior suits".

    Examples
    --------
    >>> NoPosterior()
    NoPosterior()
    """

    def suits(self, model, params, space):
        return True

    def fit(self, model, params, simulations, rng, previous=None):
        return FittedNoPosterior(simulations.space, type(model).__name__)


class FittedNoPosterior(FittedPosterior):
    """What tells why nothing can be said."""

    def __init__(self, space, name):
        super().__init__(space)
        self._name = name

    def mean(self, X):
        raise self._error()

    def sample(self, X, n_samples, rng, common=False):
        raise self._error()

    def _error(self):
        return NotImplementedError(
            f"No posterior suits {self._name}: its latents are "
            f"{self.space.latent_support!r}. Give the model a posterior(params) method, or "
            "tell what values its latents take: latent_support."
        )
