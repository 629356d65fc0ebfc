"""What the wake phase climbs: forms of the regressed log joint."""

import autograd.numpy as anp
import numpy as np
from autograd.tracer import getval
from scipy.special import softmax

from .regression import MeanWeights

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
    gated : bool, default=False
        Whether the regression is believed only as far as it is known to predict: what
        sets the mean weights apart from the plain mean over simulations is shrunk by one
        less the regression's error, to nothing where it predicts nothing.  The plain
        mean is kept: it is what calibrates scales.  Where the objective comes out above the
        log joint of every simulation, of which it should be a mean, the baseline alone is
        climbed: estimates are then so poor at the simulations that the plain mean misleads,
        and noise would run to zero (a network as a plain function did so on each of
        four real tables, in all of 21 runs).  That is no safeguard where a model
        is wrong for the rows *and* the baseline is at draws of a network: noise
        then collapsed with a gate and without; :class:`BaselineForm` is stable there.
    """

    def __init__(self, baseline=True, gated=False):
        self.baseline = baseline
        self.gated = gated

    def values(self, model, params, simulations, real):
        """Log joints to be weighed: at simulations, their estimates, real rows."""
        pairs = self.simulated_pairs(simulations)
        if self.baseline:
            pairs.append((real.estimates, real.X))
        return log_joint_at(model, params, pairs)

    def simulated_pairs(self, simulations):
        """Blocks of latents and observations of the sleep phase."""
        pairs = [(simulations.latents, simulations.observations)]
        if self.baseline:
            pairs.append((simulations.estimates, simulations.observations))
        return pairs

    def targets(self, values, simulations):
        """What is regressed, of the values at :meth:`simulated_pairs`."""
        n = len(simulations.observations)
        return values[:n] - values[n : 2 * n] if self.baseline else values[:n]

    def weigh(self, values, model, params, simulations, real):
        """Weight of each value in the objective, and the regression's mean weights."""
        mean = simulations.regression.mean_weights_and_error(
            real.inputs, real.weights, self.targets(values, simulations)
        )
        n = len(mean.weights)
        if self.gated:
            plain = np.sum(real.weights) / n
            opening = max(0.0, 1.0 - mean.error)
            mean = mean._replace(weights=plain + opening * (mean.weights - plain))
        weights = np.concatenate([mean.weights, -mean.weights, real.weights])
        weights = weights[: len(values)]
        if self.gated and self.baseline and weights @ values > np.max(values[:n]):
            mean = mean._replace(weights=np.zeros(n))
            weights[: 2 * n] = 0.0
        return weights, mean


class LabelForm:
    """Climb the regression of what the log joint has beyond its mean over labels.

    For latents that are one-hot codes of labels, and estimates that are their posterior
    probabilities (:class:`skaws.regression.LabelEstimate`): the baseline of a row is the
    log joint of every label, averaged by these.  It is exact where they are; the
    regression corrects what they miss.  (:class:`SummedForm` takes the exact
    probabilities by Bayes' rule.)
    """

    def values(self, model, params, simulations, real):
        """Log joints at simulations, at all labels with each, at all with real rows."""
        pairs = self.simulated_pairs(simulations)
        return log_joint_at(model, params, [*pairs, all_labels(real.estimates, real.X)])

    def simulated_pairs(self, simulations):
        """Blocks of latents and observations of the sleep phase."""
        observations = simulations.observations
        return [
            (simulations.latents, observations),
            all_labels(simulations.estimates, observations),
        ]

    def targets(self, values, simulations):
        """What is regressed, of the values at :meth:`simulated_pairs`."""
        probability = simulations.estimates.T
        n, n_labels = len(simulations.observations), len(probability)
        at_labels = values[n : n + n * n_labels].reshape(n_labels, n, *values.shape[1:])
        return values[:n] - np.einsum("kn,kn...->n...", probability, at_labels)

    def weigh(self, values, model, params, simulations, real):
        """Weight of each value in the objective, and the regression's mean weights."""
        mean = simulations.regression.mean_weights_and_error(
            real.inputs, real.weights, self.targets(values, simulations)
        )
        of_labels = -mean.weights * simulations.estimates.T
        of_rows = real.weights * real.estimates.T
        return np.concatenate([mean.weights, of_labels.ravel(), of_rows.ravel()]), mean


class BaselineForm:
    """Climb the log joint at the latent estimates of real rows, and nothing else.

    With draws from the posterior for estimates
    (:class:`skaws.regression.RecognitionDraw`) this is reweighted wake-sleep.  It is what
    :class:`ScalarForm` comes to where the regression knows nothing.
    """

    def values(self, model, params, simulations, real):
        """Log joint of each real row and its estimate."""
        values = model.log_joint(params, real.estimates, real.X)
        check_log_joint(model, values, len(real.X))
        return values

    def weigh(self, values, model, params, simulations, real):
        """The rows' weights; no simulation has one."""
        return real.weights, MeanWeights(np.zeros(len(simulations.observations)), 1.0)


class PairwiseForm:
    """Climb the model's ``expected_log_joint``, row by row.

    It is for models that know part of their log joint at real rows exactly, as
    exponential families do (the paper's Algorithm 1).  It solves for one right-hand
    side a row, where :class:`ScalarForm` solves for one a batch.

    Parameters
    ----------
    shares : bool, default=False
        Whether the weights of a row are made shares, non-negative and of sum one: an
        expectation under a distribution over the simulations then, which cannot
        extrapolate.
    """

    def __init__(self, shares=False):
        self.shares = shares

    def values(self, model, params, simulations, real):
        """Expected log joint of each real row."""
        weights = simulations.regression.weights(real.inputs)
        if self.shares:
            weights = np.maximum(weights, 0.0) + 1e-12
            weights /= weights.sum(axis=1, keepdims=True)
        return model.expected_log_joint(
            params, simulations.latents, simulations.observations, weights, real.X
        )

    def weigh(self, values, model, params, simulations, real):
        """The rows' weights, and the regression's mean weights."""
        targets = model.log_joint(params, simulations.latents, simulations.observations)
        mean = simulations.regression.mean_weights_and_error(
            real.inputs, real.weights, targets
        )
        return real.weights, mean


class SummedForm:
    """Climb the exact log-likelihood of latents with few values, all summed over.

    The log joint of every value at every real row gives the posterior by Bayes' rule;
    climbed is the posterior mean of the log joint.  There is no regression.

    Values are those that simulations have taken so far: the form remembers them.
    """

    def __init__(self):
        self._seen = None

    def values(self, model, params, simulations, real):
        """Log joints of all values at all real rows, a value at a time."""
        pool = [] if self._seen is None else [self._seen]
        self._seen = np.unique(np.concatenate([*pool, simulations.latents]), axis=0)
        n_values, n_rows = len(self._seen), len(real.X)
        latents = np.repeat(self._seen, n_rows, axis=0)
        values = model.log_joint(params, latents, np.tile(real.X, (n_values, 1)))
        check_log_joint(model, values, n_values * n_rows)
        return values

    def weigh(self, values, model, params, simulations, real):
        """Posterior probabilities times the rows' weights; an error of zero."""
        by_value = values.reshape(len(self._seen), -1)
        check_possible(model, by_value.max(axis=0) > -np.inf, real.X)
        posterior = softmax(by_value, axis=0)
        return (posterior * real.weights).ravel(), MeanWeights(np.ones(1), 0.0)


class BayesForm:
    """Climb the log joint at simulated latents, weighted by their likelihood.

    Weights of row m are ``p(x_m | z_n)`` over the simulations, summing to one: Bayes' rule
    with the prior's draws for a prior.  Consistent, and sharp, where latents are few; needs
    the model's ``log_likelihood``, and an ``expected_log_joint`` that knows what depends on
    the rows: the generic one would only compare simulations with themselves.
    """

    def values(self, model, params, simulations, real):
        """Expected log joint of each real row."""
        self._weights = posterior_weights(model, params, simulations.latents, real.X)
        return model.expected_log_joint(
            params, simulations.latents, simulations.observations, self._weights, real.X
        )

    def weigh(self, values, model, params, simulations, real):
        """The rows' weights, and the mean of the posterior weights."""
        return real.weights, MeanWeights(real.weights @ self._weights, 0.0)


class BayesPairsForm:
    """:class:`BayesForm` for any ``log_likelihood``: the log joint of latents and rows.

    Every real row is paired with the simulated latents that are likely for it; what is
    left out is less than a hundredth of a row's weight.  It is the slower, the wider
    the posteriors are.
    """

    def values(self, model, params, simulations, real):
        """Log joint of each pair."""
        self._weights = posterior_weights(model, params, simulations.latents, real.X)
        self._pairs = np.nonzero(self._weights > 0.01 / self._weights.shape[1])
        rows, latents = self._pairs
        values = model.log_joint(params, simulations.latents[latents], real.X[rows])
        check_log_joint(model, values, len(rows))
        return values

    def weigh(self, values, model, params, simulations, real):
        """Posterior weights of the pairs times the rows', and their mean over the rows."""
        shares = self._weights[self._pairs] * real.weights[self._pairs[0]]
        return shares, MeanWeights(real.weights @ self._weights, 0.0)


def posterior_weights(model, params, latents, X):
    """Bayes' rule over draws from the prior: shares of each row of X, shape (m, n)."""
    # At the params before the step: weights are not on the tape.
    fixed = {name: untaped(part) for name, part in params.items()}
    return softmax(model.log_likelihood(fixed, latents, X), axis=1)


def untaped(branch):
    """Params without autograd's boxes."""
    if isinstance(branch, dict):
        return {name: untaped(value) for name, value in branch.items()}
    return getval(branch)


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


def all_labels(estimates, observations):
    """Every one-hot label with every row of `observations`, a label at a time."""
    labels = np.eye(estimates.shape[1])
    latents = np.repeat(labels, len(observations), axis=0)
    return latents, np.tile(observations, (len(labels), 1))


def log_joint_at(model, params, pairs):
    """Log joint at blocks of latents and observations, one after another."""
    latents, observations = map(stack, zip(*pairs, strict=True))
    values = model.log_joint(params, latents, observations)
    check_log_joint(model, values, len(observations))
    return values


def stack(blocks):
    """Concatenate arrays, or dictionaries of arrays, along the first axis."""
    if len(blocks) == 1:
        return blocks[0]
    if isinstance(blocks[0], dict):
        return {name: stack([block[name] for block in blocks]) for name in blocks[0]}
    return np.concatenate(blocks)


def check_possible(model, possible, X):
    """Raise if some row of X has no density under any value that latents have taken."""
    if not np.all(possible):
        raise FloatingPointError(
            f"log_joint of {type(model).__name__} is minus infinity for the row "
            f"{X[np.argmin(possible)]} under each value that simulated latents have taken. "
            "Start (init_params) where the model can produce every row of X, or drop rows "
            "that it cannot."
        )


def check_log_joint(model, values, n_pairs):
    """Raise if a log joint is not one value a pair."""
    if values.shape != (n_pairs,):
        raise ValueError(
            f"log_joint of {type(model).__name__} returned shape {values.shape}, expected "
            f"({n_pairs},): one value a pair; sum over features with axis=1."
        )
