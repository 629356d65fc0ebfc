"""Probabilities of labels are those of Bayes' rule where the classifier can be right."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.naive_bayes import GaussianNB

from skaws.posteriors import Classifier
from skaws.simulations import Simulations
from skaws.spaces import Space
from skaws.supports import OneHot

from ..common import assert_means
from .models import fitted, function_model

CENTRES = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.5]])
SHARES = np.array([0.5, 0.3, 0.2])


def pairs(n, seed=0):
    rng = np.random.default_rng(seed)
    latents = rng.multinomial(1, SHARES, n).astype(float)
    return latents, latents @ CENTRES + rng.standard_normal((n, 2))


def fit(latents, observations, classifier=None):
    space = Space(latents, OneHot(), batched=True)
    simulations = Simulations(latents, observations, space)
    return Classifier(classifier).fit(None, {}, simulations, None)


def by_bayes(X):
    distances = np.sum((X[:, None] - CENTRES) ** 2, axis=2)
    return softmax(np.log(SHARES) - 0.5 * distances, axis=1)


def test_probabilities_come_to_those_of_bayes_rule():
    # Six free coefficients: an error of about sqrt(6 / n) in log odds.
    for n, bound in [(500, 0.04), (8000, 0.01)]:
        posterior = fit(*pairs(n))
        X = pairs(300, seed=1)[1]
        gap = np.sqrt(np.mean((posterior.mean(X) - by_bayes(X)) ** 2))
        assert gap < bound
        np.testing.assert_allclose(posterior.mean(X).sum(axis=1), 1.0)


def test_a_label_that_was_never_drawn_has_no_probability():
    latents, observations = pairs(200)
    posterior = fit(np.insert(latents, 1, 0.0, axis=1), observations)
    mean = posterior.mean(observations)
    assert mean.shape == (200, 4) and np.all(mean[:, 1] == 0)
    drawn, log_prob = posterior.sample(observations, 5, np.random.default_rng(0))
    assert np.all(drawn[:, :, 1] == 0) and np.isfinite(log_prob).all()


def test_any_classifier_will_do_and_is_left_as_it_was():
    classifier = GaussianNB()
    posterior = fit(*pairs(4000), classifier)
    X = pairs(300, seed=1)[1]
    assert np.abs(posterior.mean(X) - by_bayes(X)).mean() < 0.02
    assert not hasattr(classifier, "classes_")


def test_missing_entries_count_as_the_mean():
    latents, observations = pairs(500)
    posterior = fit(latents, observations)
    holes = np.array([[np.nan, 1.0]])
    filled = np.array([[observations[:, 0].mean(), 1.0]])
    np.testing.assert_allclose(posterior.mean(holes), posterior.mean(filled))
    np.testing.assert_allclose(posterior.inputs(holes), filled)


def test_draws_are_labels_and_come_as_often_as_their_probability_says():
    posterior, X = fit(*pairs(500)), pairs(3, seed=1)[1]
    drawn, log_prob = posterior.sample(X, 5000, np.random.default_rng(0))
    expected = posterior.mean(X)
    np.testing.assert_allclose(np.sum(drawn * expected, axis=2), np.exp(log_prob))
    for row in range(3):
        assert_means(drawn[:, row], expected[row])


def test_other_latents_are_refused():
    with pytest.raises(ValueError, match="Classifier is for latents that are one-hot"):
        fitted(Classifier(), *function_model("waiting"))
