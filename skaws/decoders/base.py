"""What every decoder gives."""

from abc import ABC, abstractmethod

__all__ = ["Decoder"]


class Decoder(ABC):
    """Map from latents, shape (n, n_latents), to locations, shape (n, n_features).

    Examples
    --------
    A decoder of one's own:

    >>> import numpy as np
    >>> class Shift(Decoder):
    ...     def init_params(self, X, n_latents, rng):
    ...         return {"mean": np.nanmean(X, axis=0)}
    ...
    ...     def location(self, params, latents):
    ...         return params["mean"] + latents
    >>> Shift().location({"mean": np.array([1.0, 2.0])}, np.zeros((1, 2))).tolist()
    [[1.0, 2.0]]
    """

    @property
    def constraints(self):
        """Bijectors along the paths of the params; none by default."""
        return {}

    @abstractmethod
    def init_params(self, X, n_latents, rng):
        """Params to start from, given real rows X, shape (m, n_features)."""

    def init_labels(self, X, n_labels, rng):
        """The same for latents that are labels, one-hot."""
        return self.init_params(X, n_labels, rng)

    def preimage(self, X):
        """Rows that decode to about X, for what comes before in a chain to start from."""
        return X

    @abstractmethod
    def location(self, params, latents):
        """Location of each observation; differentiable in `params`."""

    def location_support(self, latent_support):
        """Values a location may take: "real", "nonnegative" or "unit"."""
        return "real"

    def linear_map(self, params):
        """``(mean, components)`` when location = mean + z @ components, else None."""
        return None

    def in_units(self, step, scale):
        """Turn a `step` taken in units of `scale` per feature into one of params.

        `scale` is the likelihood's: locations should move by a fraction of the noise,
        whatever the noise has become.  By default steps stay as they are.
        """
        return step
