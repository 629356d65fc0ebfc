"""Estimators with scikit-learn's grammar."""

from .factor_analysis import AmortisedFactorAnalysis
from .ica import AmortisedICA

__all__ = ["AmortisedFactorAnalysis", "AmortisedICA"]
