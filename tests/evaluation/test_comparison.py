"""Differences of scores against their definition."""

import numpy as np
import pytest
from sklearn.decomposition import FactorAnalysis
from sklearn.mixture import GaussianMixture

from skaws.evaluation import compare


class Known:
    """Rows are their own scores, but for a factor and a constant."""

    def __init__(self, factor, constant):
        self.factor, self.constant = factor, constant

    def score_samples(self, X):
        return self.factor * X[:, 0] + self.constant


@pytest.fixture
def X():
    return np.random.default_rng(0).standard_normal((50, 3))


def test_errors_are_those_of_paired_differences(X):
    estimators = {
        "low": Known(1.0, -1.0),
        "best": Known(1.0, 0.0),
        "other": Known(2.0, -4.0),
    }
    best, low, other = compare(estimators, X)
    assert (best.name, low.name, other.name) == ("best", "low", "other")
    assert best.score == pytest.approx(X[:, 0].mean())
    assert best.difference == best.standard_error == 0
    # Scores that differ by a constant differ without error, however much they vary.
    assert low.difference == pytest.approx(-1.0) and low.standard_error < 1e-12
    assert other.difference == pytest.approx(X[:, 0].mean() - 4)
    assert other.standard_error == pytest.approx(X[:, 0].std(ddof=1) / np.sqrt(50))


def test_estimators_of_scikit_learn_take_part(X):
    estimators = {"mixture": GaussianMixture(1), "factors": FactorAnalysis(1)}
    lines = compare({name: own.fit(X) for name, own in estimators.items()}, X)
    assert [line.score for line in lines] == pytest.approx(
        sorted((own.score(X) for own in estimators.values()), reverse=True)
    )


def test_what_cannot_be_compared_is_said(X):
    with pytest.raises(ValueError, match="no estimators"):
        compare({}, X)
    with pytest.raises(TypeError, match="'rows', a ndarray, has no score_samples"):
        compare({"rows": X}, X)
    with pytest.raises(ValueError, match="X has 1 row; a standard error needs two"):
        compare({"known": Known(1.0, 0.0)}, X[:1])
