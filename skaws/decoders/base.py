"""What every decoder gives."""

from abc import ABC, abstractmethod

from sklearn.base import BaseEstimator

from ..parts import check_part, check_support
from ..supports import Real

__all__ = ["Decoder", "check_decoder"]


class Decoder(BaseEstimator, ABC):
    """Map from latents, shape (n, n_latents), to locations, shape (n, n_features).

    Its constructor only stores its arguments, as in scikit-learn; nothing learnt lives on
    it. Params are a dict of arrays, ``params["decoder"]`` of a composed model. Locations
    are in the units that the likelihood asks for: those of X, or log odds, or logarithms.

    **Must**: :meth:`init_params` and :meth:`location`.

    **May**: what is there is used, what is not is done without.

    - ``constraints``: supports along the paths of the params (:mod:`skaws.supports`);
      ``Fixed()`` for what stays where it starts. Default: all are real.
    - :meth:`init_labels`: params to start from where latents are labels, one-hot.
    - :meth:`preimage`: for what comes before in a :class:`Chain`.
    - :meth:`location_support`: where locations live; default ``Real()``.
    - :meth:`in_units`: relative steps.
    - ``log_prior(params) -> float``: log density of the params, in nats, up to a constant.

    **For speed**:

    - ``linear_map(params) -> (mean, components)``, shapes (n_features,) and (n_latents,
      n_features), with location = mean + z @ components. Only where this holds: linear
      models then have a posterior in closed form.
    - ``last_layer(params, latents) -> (features, weight, bias)``, with location = features
      @ weight + bias. Likelihoods of several draws for each row may then cost less.

    See Also
    --------
    skaws.models.LatentVariableModel : What a decoder is part of.

    Examples
    --------
    A decoder of one's own, for as many latents as features:

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

    # Must.

    @abstractmethod
    def init_params(self, X, n_latents, rng):
        """Params to start from, given rows X, shape (m, n_features), with NaN.

        Rows are observations as locations: what ``location_of`` of the likelihood gives.
        """

    @abstractmethod
    def location(self, params, latents):
        """Locations, shape (n, n_features); differentiable in `params` and `latents`."""

    # May.

    @property
    def constraints(self):
        """Supports along the paths of the params; none by default."""
        return {}

    def init_labels(self, X, n_labels, rng):
        """What ``init_params`` gives, for latents that are labels, one-hot."""
        return self.init_params(X, n_labels, rng)

    def preimage(self, X):
        """Rows that decode to about X, shape of X: X itself by default."""
        return X

    def location_support(self, latent_support):
        """Support of the locations of latents that live in `latent_support`.

        An override may raise ValueError at latents that it cannot take.
        """
        return Real()

    def in_units(self, step, scale):
        """A relative `step`, in units of `scale`, as one in real coordinates of params.

        `scale`, a number or one a feature, is the likelihood's: locations should move by a
        fraction of the noise, whatever the noise has become.  By default steps stay as they
        are.
        """
        return step


def check_decoder(decoder, latent_support=None):
    """Raise, in words, if `decoder` lacks what every decoder of a model must have.

    Parameters
    ----------
    decoder : object
        What a model is to be composed of.
    latent_support : Support, default=None
        Where latents live: the support of their locations is then checked, too.

    Raises
    ------
    TypeError
        If it is no Decoder, or the support of its locations is none.
    ValueError
        If it cannot take such latents.

    Examples
    --------
    >>> check_decoder("linear")
    Traceback (most recent call last):
    ...
    TypeError: The decoder of a model must be a Decoder; got 'linear'. Give one of
    skaws.decoders, such as Linear(), or derive a class of your own from
    skaws.decoders.Decoder.
    """
    check_part(decoder, Decoder, "Linear()", ("init_params", "location"))
    if latent_support is not None:
        support = decoder.location_support(latent_support)
        check_support(support, f"location_support of {type(decoder).__name__}")
