"""Estimators with scikit-learn's grammar."""

from .factor_analysis import AmortisedFactorAnalysis
from .ica import AmortisedICA
from .nmf import AmortisedNMF

__all__ = ["AmortisedFactorAnalysis", "AmortisedICA", "AmortisedNMF"]
