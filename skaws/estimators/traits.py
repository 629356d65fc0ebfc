"""What a few simulations tell of a model."""

from typing import NamedTuple

import numpy as np

from ..models import LatentVariableModel

__all__ = ["MANY_VALUES", "Traits", "are_hybrid", "traits_of"]

N_PROBES = 300  # simulations to look at
MANY_VALUES = 32  # distinct latents that are not summed over


class Traits(NamedTuple):
    """What there is to choose a plan by."""

    n_latents: int
    array: bool  # latents are no dictionary
    few_values: bool  # of whole rows of latents: they can be summed over
    labels: bool  # a few values in all columns, if many rows
    hybrid: bool  # a few values in some columns only
    linear: bool  # parts with a linear mean, of which the best linear estimate is known
    estimated: bool  # the same for Gaussian latents, or by the user's own estimate
    known: bool  # p(x | z) is
    knows_rows: bool  # the expected log joint depends on them
    support: str | None


def traits_of(model, params, rng):
    """Look at `N_PROBES` simulations."""
    latents, observations = model.sample(params, N_PROBES, rng)
    if isinstance(latents, dict):
        return Traits(len(latents), *[False] * 8, None)
    z, x = latents[:2], observations[:2]
    given = model.latent_estimate(params, x) is not None
    linear = given and isinstance(model, LatentVariableModel)
    known = model.log_likelihood(params, z, x) is not None
    return Traits(
        n_latents=latents.shape[1],
        array=True,
        few_values=len(np.unique(latents, axis=0)) <= MANY_VALUES,
        labels=len(np.unique(latents)) <= MANY_VALUES,
        hybrid=are_hybrid(latents),
        linear=linear,
        estimated=given and (not linear or model.prior.gaussian),
        known=known,
        knows_rows=known and knows_rows(model, params, z, x),
        support=model.latent_support,
    )


def are_hybrid(latents):
    """Whether some columns of an array take few values, and others do not."""
    few = [len(np.unique(column)) <= MANY_VALUES for column in latents.T]
    return any(few) and not all(few)


def knows_rows(model, params, latents, observations):
    """Whether the model's ``expected_log_joint`` depends on the rows themselves."""
    weights = np.full((1, len(latents)), 1 / len(latents))
    first, second = (
        model.expected_log_joint(params, latents, observations, weights, row)
        for row in (observations[:1], observations[1:])
    )
    return bool(first[0] != second[0])
