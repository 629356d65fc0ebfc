"""Posterior probabilities of labels, by a classifier trained on simulations."""

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..moments import column_moments
from ..supports import OneHot
from .base import FittedPosterior, Posterior
from .draws import draw_codes

__all__ = ["Classifier"]


class Classifier(Posterior):
    """Class probabilities of one-hot latents, by a classifier of scikit-learn.

    The posterior mean of a one-hot code is the vector of class probabilities.  Regression
    inputs are the observations.  Missing entries reach the classifier as the feature's
    mean.  Used by name only.

    Parameters
    ----------
    classifier : classifier with ``predict_proba``, default=None
        None is logistic regression on standardised observations.

    Raises
    ------
    ValueError
        In `fit`, if latents are not one-hot.

    Examples
    --------
    >>> from skaws.simulations import Simulations
    >>> from skaws.spaces import Space
    >>> rng = np.random.default_rng(0)
    >>> latents = np.eye(2)[rng.integers(2, size=500)]
    >>> observations = latents @ [[-1.0], [1.0]] + rng.standard_normal((500, 1))
    >>> simulations = Simulations(latents, observations, Space(latents, OneHot(), True))
    >>> fitted = Classifier().fit(None, None, simulations, rng)
    >>> exact = 1 / (1 + np.exp(-2.0))
    >>> bool(abs(fitted.mean(np.array([[1.0]]))[0, 1] - exact) < 0.05)
    True
    """

    def __init__(self, classifier=None):
        self.classifier = classifier

    def fit(self, model, params, simulations, rng, previous=None):
        if not isinstance(simulations.space.latent_support, OneHot):
            raise ValueError(
                "Classifier is for latents that are one-hot; the support of these is "
                f"{simulations.space.latent_support!r}. Declare latent_support=OneHot()."
            )
        classifier = self.classifier
        if classifier is None:
            classifier = make_pipeline(StandardScaler(), LogisticRegression(C=10.0))
        return FittedClassifier(clone(classifier), simulations)


class FittedClassifier(FittedPosterior):
    """The fitted classifier."""

    def __init__(self, classifier, simulations):
        super().__init__(simulations.space)
        latents, observations = simulations.latents, simulations.observations
        self._n_labels = latents.shape[1]
        self._mean = column_moments(observations)[0]
        labels = np.argmax(latents, axis=1)
        self._classifier = classifier.fit(self.inputs(observations), labels)

    def inputs(self, X):
        """Observations, the mean where missing."""
        return np.where(np.isnan(X), self._mean, X)

    def mean(self, X):
        # A label that was never simulated has no probability.
        probability = np.zeros((len(X), self._n_labels))
        seen = self._classifier.classes_
        probability[:, seen] = self._classifier.predict_proba(self.inputs(X))
        return probability

    def sample(self, X, n_samples, rng, common=False):
        probability = self.mean(X)
        codes = draw_codes(probability, n_samples, rng, common)
        log_prob = np.log(probability[np.arange(len(X)), codes])
        return np.eye(self._n_labels)[codes], log_prob
