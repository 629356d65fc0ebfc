"""Objectives: at which pairs the log joint is taken, and how these are weighed."""

from .base import Objective, Pairs, RealRows, Weights
from .enumeration import EnumeratedLikelihood
from .expected import ExpectedLogJoint, expected_log_joint
from .factors import FactorisedLogJoint
from .importance import ImportanceSampling
from .labels import LabelResidual
from .residual import ResidualRegression
from .reweighted import ReweightedWakeSleep
from .weighted_draws import WeightedDraws

__all__ = [
    "EnumeratedLikelihood",
    "ExpectedLogJoint",
    "FactorisedLogJoint",
    "ImportanceSampling",
    "LabelResidual",
    "Objective",
    "Pairs",
    "RealRows",
    "ResidualRegression",
    "ReweightedWakeSleep",
    "WeightedDraws",
    "Weights",
    "expected_log_joint",
]
