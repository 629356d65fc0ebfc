"""The protocol of an objective: where the log joint is taken, and how it is weighed."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from ..moments import column_moments
from ..simulations import Simulations
from ..spaces import stack

__all__ = ["Objective", "Pairs", "RealRows", "Weights", "log_joint_at"]


class RealRows(NamedTuple):
    """A mini-batch of real rows.

    Attributes
    ----------
    X : array of shape (m, n_features)
        Rows, NaN where missing.
    weights : array of shape (m,)
        Weights of the rows; they sum to about one.
    """

    X: np.ndarray
    weights: np.ndarray


class Pairs(NamedTuple):
    """Latents and observations at which the log joint is to be taken.

    Attributes
    ----------
    latents : array or nested dict of arrays
        A row for each pair.
    observations : array of shape (n_pairs, n_features)
        A row for each pair.
    simulations, real : Simulations and RealRows
        What they were made of.
    extra : object
        What the objective wants to know again when it weighs.
    error, distance : float
        As of :class:`Weights`, of a regression that is fitted already.
    """

    latents: object
    observations: np.ndarray
    simulations: Simulations
    real: RealRows
    extra: object = None
    error: float = 0.0
    distance: float = 1.0


class Weights(NamedTuple):
    """How the values of the log joint are weighed.

    Attributes
    ----------
    values : array
        Weight of each value in the objective; its shape is that of the values.
    simulations : array of shape (n,)
        Mean weight of each simulation.
    error : float
        Error of the regression relative to the variance of its targets; 0 where there is
        nothing to predict, 1 where nothing is predicted.
    distance : float
        Mean squared length of real regression inputs relative to simulated ones.
    """

    values: np.ndarray
    simulations: np.ndarray
    error: float
    distance: float = 1.0


class Objective(BaseEstimator, ABC):
    """A weighted sum of log joints whose gradient is that of the log-likelihood.

    **Must**: :meth:`pairs` and :meth:`weigh`.  Between the two the loop calls
    :meth:`values` once, on autograd's tape; then one reverse pass with the weights gives
    the gradient.  Nothing is kept on the objective: what it needs again is in the pairs.

    **For speed**: :meth:`values`, where they need not be log joints of single pairs;
    :meth:`move`, where the objective knows better units of steps than the model; and
    ``additive = True`` where nothing is drawn, learnt or compared over rows, so that the
    gradient of a table is the sum of its blocks'.

    Examples
    --------
    An objective of one's own, the log joint of simulations by what their observations say
    of each row's latents:

    >>> class Posterior(Objective):
    ...     def pairs(self, model, params, simulations, real, regression, rng):
    ...         draws, _ = simulations.posterior.sample(real.X, 1, rng)
    ...         return Pairs(draws[0], real.X, simulations, real)
    ...
    ...     def weigh(self, values, pairs, model, regression):
    ...         none = np.zeros(len(pairs.simulations.observations))
    ...         return Weights(pairs.real.weights, none, 1.0)
    >>> Posterior()
    Posterior()
    """

    #: Whether, beside the same simulations, gradients of parts of the rows sum to that of
    #: all: blocks of a table may then be left where they are.
    additive = False

    # Must.

    @abstractmethod
    def pairs(self, model, params, simulations, real, regression, rng):
        """Pairs of latents and observations, made of simulations and real rows."""

    @abstractmethod
    def weigh(self, values, pairs, model, regression):
        """Weights of the `values` of the log joint at the pairs, constant on the tape."""

    # For speed.

    def values(self, model, params, pairs):
        """Log joints at the pairs, (n_pairs,); on autograd's tape."""
        return log_joint_at(model, params, pairs.latents, pairs.observations)

    def move(self, model, regression):
        """``move(params, step) -> params``, differentiable in the step: units of steps.

        By default those of the model.
        """
        return model.move


def log_joint_at(model, params, latents, observations):
    """Log joint of pairs; raise ValueError if it is not one value a pair."""
    values = model.log_joint(params, latents, observations)
    shape, n_pairs = getattr(values, "shape", None), len(observations)
    if shape != (n_pairs,):
        came = f"a {type(values).__name__}" if shape is None else f"shape {shape}"
        raise ValueError(
            f"log_joint of {type(model).__name__} returned {came}, expected ({n_pairs},): "
            "an array of one value a pair; sum over features with axis=1."
        )
    return values


def stacked(blocks):
    """Latents and observations of blocks of pairs, one after another."""
    latents, observations = zip(*blocks, strict=True)
    return stack(latents), np.concatenate(observations)


def regression_inputs(kind, simulations, X):
    """Inputs of the regression at rows X: what their posterior says, or X themselves."""
    if kind == "posterior":
        return simulations.posterior.inputs(X)
    mean = column_moments(simulations.observations)[0]
    return np.where(np.isnan(X), mean, X)
