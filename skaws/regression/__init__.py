"""Regressions: weights of simulations that turn observations into conditional means."""

from .adaptive import AdaptiveKernelRegression, make_regression
from .factors import FactorRegression
from .information import RunningInformation
from .kernel_ridge import KernelRegression, MeanWeights, default_regressor
from .mean import MeanRegression

__all__ = [
    "AdaptiveKernelRegression",
    "FactorRegression",
    "KernelRegression",
    "MeanRegression",
    "MeanWeights",
    "RunningInformation",
    "default_regressor",
    "make_regression",
]
