"""Student's t in the log odds of latents between zero and one."""

import numpy as np
from scipy.special import expit

from ..regression import LogOddsMode
from .curvature import Curvature
from .student import student_draws

__all__ = ["LogOddsProposal"]

N_STEPS = 100  # towards the mode


class LogOddsProposal:
    """Student's t in log odds, about the mode and with the curvature there.

    Parameters
    ----------
    model : LatentVariableModel
        Uniform latents, :class:`skaws.decoders.LogOdds`, Bernoulli entries.
    params : nested dict of arrays
        Its params.
    n_draws : int
        Draws for each row, an even number.
    """

    def __init__(self, model, params, n_draws):
        self._model, self._params = model, params
        self._mode = LogOddsMode(N_STEPS).at(model, params)
        self._curvature = Curvature(params["decoder"]["components"])
        self._n_draws = n_draws

    def __call__(self, X):
        mode = self._mode(X)
        location = self._model.location(self._params, mode)
        information = self._model.likelihood.information({}, location, X)
        precision = self._curvature(information, X)
        diagonal = np.einsum("ikk->ik", precision)
        diagonal += 2 * mode * (1 - mode)
        centre = np.log(mode) - np.log1p(-mode)
        # Logistic tails are longer than those of the curvature: twice its variance.
        draws = student_draws(centre, 2 * np.linalg.inv(precision), self._n_draws)
        for log_odds, log_density in draws:
            log_odds = np.clip(log_odds, -30.0, 30.0)
            latents = expit(log_odds)
            slope = -np.logaddexp(0, log_odds) - np.logaddexp(0, -log_odds)
            yield latents, log_density - np.sum(slope, axis=1)
