"""Latent-variable models by maximum likelihood, with scikit-learn's grammar.

The method is amortised learning by wake-sleep (Wenliang et al., ICML 2020).
"""

from .estimators import (
    AmortisedFactorAnalysis,
    AmortisedICA,
    AmortisedLearner,
    AmortisedNMF,
    AmortisedSimulator,
)

__all__ = [
    "AmortisedFactorAnalysis",
    "AmortisedICA",
    "AmortisedLearner",
    "AmortisedNMF",
    "AmortisedSimulator",
]
__version__ = "0.1.0.dev0"
