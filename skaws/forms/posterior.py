"""Another form, and a prior over the params."""

import autograd.numpy as anp
import numpy as np

__all__ = ["PosteriorForm"]


class PosteriorForm:
    """Climb another form and the log density of a prior over the params.

    The answer is the mode of the params' posterior (maximum a posteriori) instead of
    maximum likelihood.

    Parameters
    ----------
    form : ScalarForm or PairwiseForm
        What stands for the log-likelihood.
    log_prior : callable
        Log density of params, differentiable, divided by the number of real rows: of
        the whole table, not of a batch.
    """

    def __init__(self, form, log_prior):
        self.form = form
        self.log_prior = log_prior

    def values(self, model, params, simulations, real):
        """Values of the form, and last the log prior."""
        values = self.form.values(model, params, simulations, real)
        return anp.append(values, self.log_prior(params))

    def weigh(self, values, model, params, simulations, real):
        """Weights of the form, and last a one; the regression's mean weights."""
        weights, mean = self.form.weigh(values[:-1], model, params, simulations, real)
        return np.append(weights, 1.0), mean
