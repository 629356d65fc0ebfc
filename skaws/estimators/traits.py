"""What a few simulations tell of a model."""

from typing import NamedTuple

import numpy as np

__all__ = ["MANY_VALUES", "Traits", "traits_of"]

N_PROBES = 300  # simulations to look at
MANY_VALUES = 32  # distinct latents that are not summed over


class Traits(NamedTuple):
    """What there is to choose a plan by."""

    n_latents: int
    array: bool  # latents are no dictionary
    few_values: bool  # of whole rows of latents: they can be summed over
    labels: bool  # a few values in all columns, if many rows
    estimated: bool  # the model has a latent estimate of its own
    known: bool  # p(x | z) is
    knows_rows: bool  # the expected log joint depends on them
    support: str | None


def traits_of(model, params, rng):
    """Look at `N_PROBES` simulations."""
    latents, observations = model.sample(params, N_PROBES, rng)
    if isinstance(latents, dict):
        return Traits(len(latents), False, False, False, False, False, False, None)
    z, x = latents[:2], observations[:2]
    known = model.log_likelihood(params, z, x) is not None
    return Traits(
        n_latents=latents.shape[1],
        array=True,
        few_values=len(np.unique(latents, axis=0)) <= MANY_VALUES,
        labels=len(np.unique(latents)) <= MANY_VALUES,
        estimated=model.latent_estimate(params, x) is not None,
        known=known,
        knows_rows=known and knows_rows(model, params, z, x),
        support=model.latent_support,
    )


def knows_rows(model, params, latents, observations):
    """Whether the model's ``expected_log_joint`` depends on the rows themselves."""
    weights = np.full((1, len(latents)), 1 / len(latents))
    first, second = (
        model.expected_log_joint(params, latents, observations, weights, row)
        for row in (observations[:1], observations[1:])
    )
    return bool(first[0] != second[0])
