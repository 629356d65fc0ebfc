"""Tables of what was learnt, shares of variance, and information criteria."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture

from skaws import (
    AmortisedFactorAnalysis,
    AmortisedICA,
    AmortisedLearner,
    AmortisedNMF,
    AmortisedSimulator,
)
from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import Categorical

pytestmark = pytest.mark.filterwarnings("ignore")
IRIS = load_iris(as_frame=True).data
MIXTURE = LatentVariableModel(Categorical(3), Linear(), GaussianNoise())
ESTIMATORS = {
    "factors": AmortisedFactorAnalysis(2, random_state=0),
    "promax": AmortisedFactorAnalysis(2, rotation="promax", random_state=0),
    "none": AmortisedFactorAnalysis(0),
    "ica": AmortisedICA(2, max_iter=100, random_state=0),
    "square ica": AmortisedICA(4, max_iter=50, random_state=0),
    "nmf": AmortisedNMF(2, likelihood="gaussian", max_iter=100, random_state=0),
    "binary": AmortisedNMF(2, likelihood="bernoulli", max_iter=50, random_state=0),
    "learner": AmortisedLearner(MIXTURE, max_iter=300, random_state=0),
}
#: Loadings, means, noise, and the shapes of priors; rotations, sums and what was not learnt
#: do not count.
N_PARAMETERS = {
    "factors": 8 + 4 + 4 - 1,
    "promax": 8 + 4 + 4 - 1,
    "none": 4 + 4,
    "ica": 8 + 4 + 1 + 4,
    "square ica": 16 + 4 + 8,
    "nmf": 8 + 1 + 2,
    "binary": 8 + 4,
    "learner": 12 + 4 + 1 + 2,
}


@pytest.fixture(scope="module", params=list(ESTIMATORS))
def fitted(request):
    X = (IRIS.mean() < IRIS).astype(float) if request.param == "binary" else IRIS
    return request.param, ESTIMATORS[request.param].fit(X), X


def test_text_and_frame_hold_the_same(fitted):
    name, estimator, _ = fitted
    summary = estimator.summary()
    frame = summary.to_frame()
    assert isinstance(frame, pd.DataFrame)
    text = str(summary)
    assert text.splitlines()[0] == type(estimator).__name__
    assert f"after {estimator.n_iter_} iterations" in text
    assert len(frame) == (4 if name == "learner" else estimator.n_components or 0)
    for entry in frame.select_dtypes(float).to_numpy().ravel():
        assert f"{entry:.4g}" in text


def test_notebooks_show_a_table(fitted):
    _, estimator, _ = fitted
    summary = estimator.summary()
    html = summary._repr_html_()
    assert html.count("<tr>") == 1 + len(summary.to_frame())
    assert html.count("<td>") == len(summary.columns) * len(summary.to_frame())


def test_covariance_is_that_of_draws(fitted):
    name, estimator, _ = fitted
    if name == "binary":
        with pytest.raises(NotImplementedError, match="not linear"):
            estimator.get_covariance()
        return
    drawn = np.cov(estimator.sample(100_000, random_state=0).T)
    found = estimator.get_covariance()
    # Sums of 100 000 products: errors of 1% of the largest are five standard errors.
    assert np.max(np.abs(found - drawn)) < 0.03 * np.max(np.abs(drawn))


def test_names_of_columns_are_named(fitted):
    name, estimator, _ = fitted
    if name in ("learner", "none"):
        return
    largest = estimator.summary().to_frame()["largest entries"]
    loadings = estimator.mixing_.T if "ica" in name else estimator.components_
    for row, words in zip(loadings, largest, strict=True):
        assert words.startswith(IRIS.columns[np.argmax(np.abs(row))])


def test_information_criteria_count_parameters(fitted):
    name, estimator, X = fitted
    total = np.sum(estimator.score_samples(X))
    assert estimator.aic(X) == pytest.approx(2 * N_PARAMETERS[name] - 2 * total)
    penalty = np.log(len(X)) * N_PARAMETERS[name]
    assert estimator.bic(X) == pytest.approx(penalty - 2 * total)


def test_fixed_components_have_a_size_alone():
    X = np.random.default_rng(0).poisson(3.0, (50, 6))
    how = {"max_iter": 20, "random_state": 0, "components_init": np.ones((1, 6))}
    free, fixed = (AmortisedNMF(2, n_fixed=n, **how).fit(X) for n in (0, 1))
    assert free._n_parameters - fixed._n_parameters == 5


def test_criteria_are_scikit_learns_where_both_have_the_model():
    ours = AmortisedFactorAnalysis(0).fit(IRIS)
    theirs = GaussianMixture(1, covariance_type="diag", reg_covar=0.0).fit(IRIS)
    assert ours.aic(IRIS) == pytest.approx(theirs.aic(IRIS))
    assert ours.bic(IRIS) == pytest.approx(theirs.bic(IRIS))


def test_shares_of_variance_and_noise_make_one():
    estimator = ESTIMATORS["promax"].fit(IRIS)
    covariance = np.trace(estimator.get_covariance())
    total = np.sum(estimator.explained_variance_) + np.sum(estimator.noise_variance_)
    assert total == pytest.approx(covariance)
    share = np.sum(estimator.explained_variance_ratio_)
    assert share == pytest.approx(1 - np.sum(estimator.noise_variance_) / covariance)


def test_variance_of_sources_is_counted():
    # Sources of another variance than one, in other units, explain as much.
    estimator = ESTIMATORS["ica"].fit(IRIS)
    rows = estimator.sample(200_000, random_state=0)
    total = np.sum(estimator.explained_variance_) + 4 * estimator.noise_variance_
    assert total == pytest.approx(np.sum(np.var(rows, axis=0)), rel=0.03)


def test_simulators_tables_have_their_notes():
    def walk(level, idle, rng, n_times):
        return level[:, None] + rng.standard_normal((len(level), n_times))

    parameters = {"level": norm(0, 3), "idle": norm(0, 1)}
    X = 1.0 + np.random.default_rng(0).standard_normal((1, 50))
    model = AmortisedSimulator(walk, parameters, vectorized=True, random_state=0).fit(X)
    frame = model.summary().to_frame()
    assert list(frame.index) == ["level", "idle"]
    assert frame.loc["idle", "note"] == "prior only" and frame.loc["level", "note"] == ""
    assert frame.loc["level", "estimate"] == model.parameters_["level"]


@pytest.mark.parametrize("estimator", [AmortisedFactorAnalysis(), AmortisedNMF()])
def test_unfitted_estimators_say_so(estimator):
    with pytest.raises(NotFittedError):
        estimator.summary()
    assert not hasattr(estimator, "explained_variance_ratio_")
