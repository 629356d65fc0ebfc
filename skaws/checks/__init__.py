"""Laws that every generative model obeys, for users to test their own.

:func:`check_model` is the first thing to run on a new model: it takes a second, and
tells a wrong sampler from a wrong log joint before any fit does.
"""

from .check import check_model
from .fit import check_fit
from .report import Finding, ModelCheckError, Report
from .simulator import check_simulator

__all__ = [
    "Finding",
    "ModelCheckError",
    "Report",
    "check_fit",
    "check_model",
    "check_simulator",
]
