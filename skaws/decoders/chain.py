"""Decoders one after another."""

import numpy as np

from ..parts import numbered, with_params
from .base import Decoder, check_decoder

__all__ = ["Chain"]


class Chain(Decoder):
    """Decoders one after another: the location of one is the latent of the next.

    The params of a decoder that has some stand under its number, ``"0"``, ``"1"``, ...
    Each starts from X as if it came last, but for the :class:`Elementwise` after it; so
    one decoder with params among others without is what a chain is best at.

    Parameters
    ----------
    decoders : list of Decoder
        From the latents to the location, one or more.  All but those without params end in
        as many columns as X has.

    Raises
    ------
    ValueError
        If there are no decoders.
    TypeError
        If one of them is no Decoder.

    Examples
    --------
    >>> from skaws.decoders import Elementwise, Linear
    >>> decoder = Chain([Linear(), Elementwise("exp")])
    >>> params = {"0": {"components": np.ones((1, 2)), "mean": np.log([1.0, 2.0])}}
    >>> decoder.location(params, np.array([[0.0]])).round(12).tolist()
    [[1.0, 2.0]]
    >>> from skaws.supports import Real
    >>> decoder.location_support(Real())
    Positive()
    """

    def __init__(self, decoders):
        check_decoders(decoders)
        self.decoders = decoders

    @property
    def constraints(self):
        return numbered(decoder.constraints for decoder in self.decoders)

    def init_params(self, X, n_latents, rng):
        wanted = [X]
        for decoder in self.decoders[:0:-1]:
            wanted.insert(0, decoder.preimage(wanted[0]))
        params, latents = [], np.zeros((1, n_latents))
        for decoder, rows in zip(self.decoders, wanted, strict=True):
            params.append(decoder.init_params(rows, latents.shape[1], rng))
            latents = decoder.location(params[-1], latents)
        return numbered(params)

    def preimage(self, X):
        for decoder in self.decoders[::-1]:
            X = decoder.preimage(X)
        return X

    def location(self, params, latents):
        for decoder, own in with_params(self.decoders, params):
            latents = decoder.location(own, latents)
        return latents

    def location_support(self, latent_support):
        for decoder in self.decoders:
            latent_support = decoder.location_support(latent_support)
        return latent_support

    def in_units(self, step, scale):
        """The last decoder's steps are in units of `scale`, those before it as they are."""
        last = str(len(self.decoders) - 1)
        if last not in step:
            return step
        return {**step, last: self.decoders[-1].in_units(step[last], scale)}


def check_decoders(decoders):
    """Raise, in words, unless `decoders` are one or more decoders."""
    if isinstance(decoders, Decoder) or not len(decoders):
        raise ValueError(
            f"Chain needs a list of one or more decoders; got {decoders!r}. Write, say, "
            "Chain([Linear(), Elementwise('exp')])."
        )
    for decoder in decoders:
        check_decoder(decoder)
