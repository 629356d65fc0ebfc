"""Which proposal suits a model."""

import numpy as np

from ..charts import CHARTS
from ..decoders import Linear, LogOdds
from ..likelihoods import Bernoulli, Likelihood
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
        Draws for each row, a multiple of four.

    Returns
    -------
    proposal : callable or None
        Of dense rows X, shape (m, n_features), it yields pairs: draws of the latents,
        shape (m, n_latents), and what to take off their log joints, in nats, for the
        logarithm of a weight: their log densities, shape (m,), or (1,) where rows share
        them.  The sum of the weights over `n_draws` estimates p(x).

    Examples
    --------
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.priors import Laplace
    >>> model = LatentVariableModel(Laplace(1), Linear(), GaussianNoise())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> draws = list(make_proposal(model, params, 200)(np.zeros((2, 3))))
    >>> len(draws), draws[0][0].shape, draws[0][1].shape
    (200, (2, 1), (1,))
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
    climbed = type(model.likelihood).slopes is not Likelihood.slopes
    if isinstance(prior, Gamma) and parts and climbed:
        return GammaProposal(model, params, n_draws)
    return StudentProposal(twin, n_draws) if prior.support == "real" else None
