"""Estimators with scikit-learn's grammar."""

from .factor_analysis import AmortisedFactorAnalysis
from .ica import AmortisedICA
from .learner import AmortisedLearner
from .nmf import AmortisedNMF
from .simulator import AmortisedSimulator

__all__ = [
    "AmortisedFactorAnalysis",
    "AmortisedICA",
    "AmortisedLearner",
    "AmortisedNMF",
    "AmortisedSimulator",
]
