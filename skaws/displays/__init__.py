"""Pictures of fitted estimators; matplotlib is asked for when one is drawn."""

from .simulator import SimulatorDisplay

__all__ = ["SimulatorDisplay"]
