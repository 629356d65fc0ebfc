"""What every prior gives."""

from abc import ABC, abstractmethod

import numpy as np

__all__ = ["Prior"]


class Prior(ABC):
    """Distribution of the latents, p(z).

    Attributes
    ----------
    n_latents : int
        Number of columns of the latents.
    support : {"real", "nonnegative", "unit", "binary", "onehot", "sphere"}
        Values a latent may take; rows with a single one; rows of length one.
    gaussian : bool
        Whether latents are jointly Gaussian: linear models then have exact answers.

    Examples
    --------
    A prior of one's own:

    >>> import autograd.numpy as anp
    >>> class Exponential(Prior):
    ...     n_latents, support = 1, "nonnegative"
    ...
    ...     def sample(self, params, n_samples, rng):
    ...         return rng.exponential(size=(n_samples, 1))
    ...
    ...     def log_density(self, params, latents):
    ...         return anp.where(latents[:, 0] >= 0, -latents[:, 0], -np.inf)
    >>> Exponential().log_density({}, np.array([[2.0], [-1.0]])).tolist()
    [-2.0, -inf]
    """

    n_latents = None
    support = "real"
    gaussian = False

    @property
    def constraints(self):
        """Bijectors along the paths of the params; none by default."""
        return {}

    def init_params(self, X, rng):
        """Params to start from, given real rows X; none by default."""
        return {}

    @abstractmethod
    def sample(self, params, n_samples, rng):
        """Draw latents, shape (n_samples, n_latents)."""

    @abstractmethod
    def log_density(self, params, latents):
        """log p(z) in nats, shape (n,); differentiable in `params`."""

    def moments(self, params):
        """Mean, (n_latents,), and a factor F of the covariance ``F.T @ F``, or None.

        They give linear models their latent estimate in closed form.
        """
        return None

    def information(self, params):
        """Fisher information of a shift and of a stretch of each latent, in nats.

        Two arrays (n_latents,): ``E[(d log p / dz)^2]`` and ``E[(1 + z d log p / dz)^2]``.
        They set the size of relative steps (:class:`Mixed`); ones by default.
        """
        return np.ones(self.n_latents), np.ones(self.n_latents)

    def in_units(self, step, params):
        """Turn a relative `step` at `params` into one of params.

        An override chooses coordinates in which steps of the same size matter equally.
        By default steps stay as they are.
        """
        return step
