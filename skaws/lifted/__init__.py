"""Parameters of a simulator as latents: learnt from series by regression on simulations."""

from .coordinates import UnitCoordinates
from .forecast import predicted
from .last_stage import Local, last_stage
from .lift import Lift, LiftIteration, lift
from .series import Group, grouped, read_series
from .simulation import Simulator
from .statistics import PredictiveCheck, predictive_checks
from .summaries import SeriesSummaries
from .whitening import Whitening

__all__ = [
    "Group",
    "Lift",
    "LiftIteration",
    "Local",
    "PredictiveCheck",
    "SeriesSummaries",
    "Simulator",
    "UnitCoordinates",
    "Whitening",
    "grouped",
    "last_stage",
    "lift",
    "predicted",
    "predictive_checks",
    "read_series",
]
