"""What the wake phase climbs: forms of the regressed log joint."""

from .bayes import BayesForm, BayesPairsForm
from .labels import LabelForm, SummedForm
from .pairwise import PairwiseForm
from .posterior import PosteriorForm
from .scalar import BaselineForm, ScalarForm

__all__ = [
    "BaselineForm",
    "BayesForm",
    "BayesPairsForm",
    "LabelForm",
    "PairwiseForm",
    "PosteriorForm",
    "ScalarForm",
    "SummedForm",
]
