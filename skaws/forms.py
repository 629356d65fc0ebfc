"""What the wake phase climbs: forms of the regressed log joint."""

import autograd.numpy as anp
import numpy as np

__all__ = ["PairwiseForm", "PosteriorForm", "ScalarForm"]


class ScalarForm:
    """Climb the regression of the log joint, or of its residual from a baseline.

    With mean weights a_n and latent estimates e(.), the objective is ``sum_n a_n [log
    p(z_n, x_n) - log p(e(x_n), x_n)] + mean_m log p(e(x*_m), x*_m)``; without baseline,
    ``sum_n a_n log p(z_n, x_n)``.  Both have the same limit; the first has far less
    variance, and falls back on the baseline where the regression knows nothing.

    Parameters
    ----------
    baseline : bool, default=True
        Whether to regress the residual.  The log joint must then be finite at latent
        estimates, which need not hold for discrete latents.  Without baseline the
        estimates are regression inputs only, and must keep all of x that the latents
        depend on *and* all that the log joint does.
    """

    def __init__(self, baseline=True):
        self.baseline = baseline

    def values(self, model, params, simulations, real):
        """Log joints to be weighed: at simulations, their estimates, real rows."""
        pairs = [(simulations.latents, simulations.observations)]
        if self.baseline:
            pairs.append((simulations.estimates, simulations.observations))
            pairs.append((real.estimates, real.X))
        latents, observations = map(stack, zip(*pairs, strict=True))
        values = model.log_joint(params, latents, observations)
        check_log_joint(model, values, len(observations))
        return values

    def weigh(self, values, model, params, simulations, real):
        """Weight of each value in the objective, and the regression's mean weights."""
        n = len(simulations.observations)
        targets = values[:n] - (values[n : 2 * n] if self.baseline else 0.0)
        mean = simulations.regression.mean_weights_and_error(
            real.estimates, real.weights, targets
        )
        weights = np.concatenate([mean.weights, -mean.weights, real.weights])
        return weights[: len(values)], mean


class PairwiseForm:
    """Climb the model's ``expected_log_joint``, row by row.

    It is for models that know part of their log joint at real rows exactly, as
    exponential families do (the paper's Algorithm 1).  It solves for one right-hand
    side a row, where :class:`ScalarForm` solves for one a batch.
    """

    def values(self, model, params, simulations, real):
        """Expected log joint of each real row."""
        weights = simulations.regression.weights(real.estimates)
        return model.expected_log_joint(
            params, simulations.latents, simulations.observations, weights, real.X
        )

    def weigh(self, values, model, params, simulations, real):
        """The rows' weights, and the regression's mean weights."""
        targets = model.log_joint(params, simulations.latents, simulations.observations)
        mean = simulations.regression.mean_weights_and_error(
            real.estimates, real.weights, targets
        )
        return real.weights, mean


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


def stack(blocks):
    """Concatenate arrays, or dictionaries of arrays, along the first axis."""
    if len(blocks) == 1:
        return blocks[0]
    if isinstance(blocks[0], dict):
        return {name: stack([block[name] for block in blocks]) for name in blocks[0]}
    return np.concatenate(blocks)


def check_log_joint(model, values, n_pairs):
    """Raise if a log joint is not one value a pair."""
    if values.shape != (n_pairs,):
        raise ValueError(
            f"log_joint of {type(model).__name__} returned shape {values.shape}, expected "
            f"({n_pairs},): one value a pair; sum over features with axis=1."
        )
