"""Where importance sampling looks for the latents of each row.

A proposal is a callable: of dense rows X, shape (m, n_features), it yields draws of their
latents, shape (m, n_latents), and log densities, (m,), or (1,) where rows share them.  All
rows share the same random numbers, which never change: what is said of a row depends on
that row alone.
"""

from .choice import make_proposal
from .enumerated import EnumeratedProposal
from .gamma import GammaProposal
from .log_odds import LogOddsProposal
from .mode import ModeProposal
from .reweighted import ReweightedProposal
from .student import StudentProposal

__all__ = [
    "EnumeratedProposal",
    "GammaProposal",
    "LogOddsProposal",
    "ModeProposal",
    "ReweightedProposal",
    "StudentProposal",
    "make_proposal",
]
