"""Which proposal suits a model."""

import numpy as np

from ..charts import CHARTS
from ..decoders import Linear, LogOdds
from ..likelihoods import Bernoulli
from ..models import LatentVariableModel
from ..priors import Gamma, UnitUniform
from .enumerated import EnumeratedProposal
from .gamma import GammaProposal
from .log_odds import LogOddsProposal
from .mode import ModeProposal
from .reweighted import ReweightedProposal
from .student import StudentProposal

__all__ = ["make_proposal"]

N_PROBES = 10_000  # simulations in which latents of few values show all of them
MANY_VALUES = 200  # beyond which latents are not summed over: as many as default draws


def make_proposal(model, params, n_draws):
    """Proposal for the posterior of a model, or None if there is none.

    Parameters
    ----------
    model : GenerativeModel
        Made of parts; or with latents that take few values, or of a ``latent_support``
        that has real coordinates.
    params : nested dict of arrays
        Its params.
    n_draws : int
        Draws for each row, an even number.
    """
    if isinstance(model, LatentVariableModel):
        proposal = proposal_of_parts(model, params, n_draws)
        if proposal is not None:
            return proposal
    latents, _ = model.sample(params, N_PROBES, np.random.default_rng(0))
    if isinstance(latents, dict):
        return None
    values = np.unique(latents, axis=0)
    if len(values) <= MANY_VALUES:
        return EnumeratedProposal(values, n_draws)
    if model.latent_support in CHARTS:
        return ModeProposal(model, params, n_draws)
    return None


def proposal_of_parts(model, params, n_draws):
    """Proposal shaped by what prior, decoder and likelihood are, or None."""
    prior, decoder = model.prior, model.decoder
    odds = isinstance(prior, UnitUniform) and isinstance(decoder, LogOdds)
    if odds and isinstance(model.likelihood, Bernoulli):
        return LogOddsProposal(model, params, n_draws)
    reweighted = model.reweighted_gaussian(params)
    if reweighted is not None and prior.support == "real":
        return ReweightedProposal(reweighted, n_draws)
    twin = model.linear_gaussian(params)
    if twin is None:
        return None
    parts = isinstance(decoder, Linear) and decoder.nonnegative
    if isinstance(prior, Gamma) and parts:
        return GammaProposal(model, params, n_draws)
    return StudentProposal(twin, n_draws) if prior.support == "real" else None
