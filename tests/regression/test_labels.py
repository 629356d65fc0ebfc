"""Probabilities of labels are those of Bayes' rule where the classifier can be right."""

import numpy as np
from scipy.special import softmax
from sklearn.naive_bayes import GaussianNB

from skaws.regression import LabelEstimate

CENTRES = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.5]])
SHARES = np.array([0.5, 0.3, 0.2])


def pairs(n, seed=0):
    rng = np.random.default_rng(seed)
    latents = rng.multinomial(1, SHARES, n).astype(float)
    return latents, latents @ CENTRES + rng.standard_normal((n, 2))


def by_bayes(X):
    distances = np.sum((X[:, None] - CENTRES) ** 2, axis=2)
    return softmax(np.log(SHARES) - 0.5 * distances, axis=1)


def test_probabilities_come_to_those_of_bayes_rule():
    # Six free coefficients: an error of about sqrt(6 / n) in log odds.
    for n, bound in [(500, 0.04), (8000, 0.01)]:
        function, estimates = LabelEstimate().fit(None, None, *pairs(n))
        X = pairs(300, seed=1)[1]
        gap = np.sqrt(np.mean((function(X) - by_bayes(X)) ** 2))
        assert gap < bound
        np.testing.assert_allclose(estimates.sum(axis=1), 1.0)


def test_a_label_that_was_never_drawn_has_no_probability():
    latents, observations = pairs(200)
    wider = np.insert(latents, 1, 0.0, axis=1)
    _, estimates = LabelEstimate().fit(None, None, wider, observations)
    assert estimates.shape == (200, 4) and np.all(estimates[:, 1] == 0)


def test_any_classifier_will_do_and_is_left_as_it_was():
    classifier = GaussianNB()
    function, _ = LabelEstimate(classifier).fit(None, None, *pairs(4000))
    X = pairs(300, seed=1)[1]
    assert np.abs(function(X) - by_bayes(X)).mean() < 0.02
    assert not hasattr(classifier, "classes_")


def test_missing_entries_count_as_the_mean():
    latents, observations = pairs(500)
    function, _ = LabelEstimate().fit(None, None, latents, observations)
    holes = np.array([[np.nan, 1.0]])
    filled = np.array([[observations[:, 0].mean(), 1.0]])
    np.testing.assert_allclose(function(holes), function(filled))
    np.testing.assert_allclose(function.inputs(holes), filled)
