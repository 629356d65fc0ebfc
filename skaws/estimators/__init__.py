"""Estimators with scikit-learn's grammar."""

from .factor_analysis import AmortisedFactorAnalysis

__all__ = ["AmortisedFactorAnalysis"]
