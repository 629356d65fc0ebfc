"""Posterior probabilities of labels, by a classifier trained on simulations."""

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..moments import column_moments

__all__ = ["LabelEstimate"]


class LabelEstimate:
    """Estimate of one-hot latents: posterior probabilities of labels by a classifier.

    The posterior mean of a one-hot code is the vector of the labels' probabilities; a
    classifier of scikit-learn is fitted to give them on the simulations of each sleep
    phase.  Regression inputs are the observations.

    Parameters
    ----------
    classifier : classifier with ``predict_proba``, default=None
        None is logistic regression on standardised observations. Missing entries reach it
        as the feature's mean.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> latents = np.eye(2)[rng.integers(2, size=500)]
    >>> observations = latents @ [[-1.0], [1.0]] + rng.standard_normal((500, 1))
    >>> function, estimates = LabelEstimate().fit(None, None, latents, observations)
    >>> exact = 1 / (1 + np.exp(-2.0))
    >>> bool(abs(function(np.array([[1.0]]))[0, 1] - exact) < 0.05)
    True
    """

    def __init__(self, classifier=None):
        if classifier is None:
            classifier = make_pipeline(StandardScaler(), LogisticRegression(C=10.0))
        self.classifier = classifier

    def fit(self, model, params, latents, observations):
        """As :meth:`LatentEstimate.fit`; the function also gives regression ``inputs``."""
        function = Probabilities(clone(self.classifier), latents, observations)
        return function, function(observations)


class Probabilities:
    """The fitted estimate."""

    def __init__(self, classifier, latents, observations):
        self._n_labels = latents.shape[1]
        self._mean = column_moments(observations)[0]
        labels = np.argmax(latents, axis=1)
        self._classifier = classifier.fit(self.inputs(observations), labels)

    def inputs(self, X):
        """Observations, the mean where missing."""
        return np.where(np.isnan(X), self._mean, X)

    def __call__(self, X):
        # A label that was never simulated has no probability.
        probability = np.zeros((len(X), self._n_labels))
        seen = self._classifier.classes_
        probability[:, seen] = self._classifier.predict_proba(self.inputs(X))
        return probability
