"""Decoders one after another."""

import numpy as np

from .base import Decoder

__all__ = ["Chain"]


class Chain(Decoder):
    """Decoders one after another: the location of one is the latent of the next.

    The params of a decoder that has some stand under its number, ``"0"``, ``"1"``, ...
    Each starts from X as if it came last, but for the :class:`Elementwise` after it; so
    one decoder with params among others without is what a chain is best at.

    Parameters
    ----------
    decoders : list of Decoder
        From the latents to the location.  All but those without params end in as many
        columns as X has.

    Examples
    --------
    >>> from skaws.decoders import Elementwise, Linear
    >>> decoder = Chain([Linear(), Elementwise("exp")])
    >>> params = {"0": {"components": np.ones((1, 2)), "mean": np.log([1.0, 2.0])}}
    >>> decoder.location(params, np.array([[0.0]])).round(12).tolist()
    [[1.0, 2.0]]
    >>> decoder.location_support("real")
    'nonnegative'
    """

    def __init__(self, decoders):
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
        for decoder, own in self._with_own(params):
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

    def _with_own(self, params):
        """Each decoder with its sub-dict of `params`, empty where it has none."""
        return [(part, params.get(str(i), {})) for i, part in enumerate(self.decoders)]


def numbered(dicts):
    """Those dictionaries that are not empty, under their numbers."""
    return {str(i): entries for i, entries in enumerate(dicts) if entries}
