"""Pictures of fitted estimators; matplotlib is asked for when one is drawn."""

from .components import ComponentsDisplay
from .history import HistoryDisplay
from .loadings import LoadingsDisplay
from .posterior import PosteriorDisplay
from .predictive_check import PredictiveCheckDisplay
from .scree import ScreeDisplay
from .simulator import SimulatorDisplay

__all__ = [
    "ComponentsDisplay",
    "HistoryDisplay",
    "LoadingsDisplay",
    "PosteriorDisplay",
    "PredictiveCheckDisplay",
    "ScreeDisplay",
    "SimulatorDisplay",
]
