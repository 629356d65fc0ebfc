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

    Examples
    --------
    A Gaussian prior of unit variance on a location adds its slope to the gradient:

    >>> from skaws.evaluation import score_gradient
    >>> from skaws.forms import ScalarForm
    >>> from skaws.models import FunctionModel
    >>> def sample(params, n_samples, rng):
    ...     z = params["level"] + rng.standard_normal((n_samples, 1))
    ...     return z, z + rng.standard_normal((n_samples, 1))
    >>> def log_joint(params, z, x):
    ...     return -0.5 * anp.sum((z - params["level"]) ** 2 + (x - z) ** 2, axis=1)
    >>> model, X = FunctionModel(sample, log_joint, None), np.zeros((10, 1))
    >>> def slope(form):
    ...     rng = np.random.default_rng(0)
    ...     return score_gradient(model, {"level": 2.0}, X, form=form, rng=rng)["level"]
    >>> form = PosteriorForm(ScalarForm(), lambda params: -0.5 * params["level"] ** 2 / 10)
    >>> bool(np.isclose(slope(form), slope(ScalarForm()) - 0.2))
    True
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
