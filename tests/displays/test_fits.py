"""Pictures of fits show what estimators say."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError

from skaws import AmortisedFactorAnalysis, AmortisedICA, AmortisedLearner, AmortisedNMF
from skaws.decoders import Linear
from skaws.displays import (
    ComponentsDisplay,
    HistoryDisplay,
    LoadingsDisplay,
    PosteriorDisplay,
    PredictiveCheckDisplay,
    ScreeDisplay,
)
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import Categorical

matplotlib.use("Agg")
pytestmark = pytest.mark.filterwarnings("ignore")
IRIS = load_iris(as_frame=True).data


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def factors():
    return AmortisedFactorAnalysis(2, rotation="promax", random_state=0).fit(IRIS)


@pytest.fixture(scope="module")
def parts():
    X = load_digits().data
    return AmortisedNMF(4, max_iter=60, random_state=0).fit(X), X


class TestLoadings:
    def test_columns_as_they_come(self, factors):
        display = LoadingsDisplay.from_estimator(factors, order="columns")
        assert display.feature_names == list(IRIS.columns)
        np.testing.assert_array_equal(display.loadings, factors.components_.T)
        drawn = display.ax_.images[0].get_array()
        np.testing.assert_array_equal(drawn, factors.components_.T)

    def test_columns_by_component(self, factors):
        display = LoadingsDisplay.from_estimator(factors, plot=False)
        owner = np.argmax(np.abs(display.loadings), axis=1)
        assert np.all(np.diff(owner) >= 0)
        for k in (0, 1):
            assert np.all(np.diff(np.abs(display.loadings[owner == k, k])) <= 0)

    def test_standardized(self, factors):
        how = {"order": "columns", "standardize": True, "plot": False}
        display = LoadingsDisplay.from_estimator(factors, **how)
        units = np.sqrt(np.diag(factors.get_covariance()))
        np.testing.assert_allclose(display.loadings, factors.components_.T / units[:, None])

    def test_bad_calls(self, factors):
        with pytest.raises(ValueError, match="order must be"):
            LoadingsDisplay.from_estimator(factors, order="size")
        with pytest.raises(ValueError, match="no component to draw"):
            LoadingsDisplay.from_estimator(AmortisedFactorAnalysis(0).fit(IRIS))
        with pytest.raises(NotFittedError):
            LoadingsDisplay.from_estimator(AmortisedICA())
        model = LatentVariableModel(Categorical(2), Linear(), GaussianNoise())
        learner = AmortisedLearner(model, max_iter=20, random_state=0).fit(IRIS)
        with pytest.raises(TypeError, match="has no components_"):
            LoadingsDisplay.from_estimator(learner)


def test_history_sums_gains(factors):
    display = HistoryDisplay.from_estimator(factors)
    gained = display.axes_[0].lines[0].get_ydata()
    np.testing.assert_allclose(gained, np.cumsum(factors.history_["gain"]))
    assert len(display.axes_) == 4


class TestPosterior:
    def test_of_a_row(self, factors):
        X = IRIS.iloc[[3]]
        display = PosteriorDisplay.from_estimator(factors, X, n_draws=4000)
        mean, sd = (
            factors.transform(X)[0],
            np.sqrt(np.diag(factors.posterior_covariance(X)[0])),
        )
        # Means of 4000 draws: five standard errors.
        assert np.all(np.abs(display.draws.mean(axis=0) - mean) < 5 * sd / np.sqrt(4000))
        assert np.all(np.abs(display.prior.std(axis=0) - 1) < 0.06)
        places = display.ax_.collections[1].get_segments()
        lengths = [segment[1, 0] - segment[0, 0] for segment in places]
        np.testing.assert_allclose(lengths, 2 * 1.645 * sd, rtol=0.1)

    def test_one_row_only(self, factors):
        with pytest.raises(ValueError, match="is for one row; X has 2"):
            PosteriorDisplay.from_estimator(factors, IRIS.iloc[:2])


class TestComponents:
    def test_images(self, parts):
        display = ComponentsDisplay.from_estimator(parts[0], image_shape=(8, 8))
        assert len(display.axes_) == 4
        shown = display.axes_[2].images[0].get_array()
        np.testing.assert_array_equal(shown, parts[0].components_[2].reshape(8, 8))

    def test_bars_are_the_largest_entries(self, factors):
        display = ComponentsDisplay.from_estimator(factors, n_largest=2)
        widths = [bar.get_width() for bar in display.axes_[0].patches]
        row = factors.components_[0]
        np.testing.assert_allclose(widths, row[np.argsort(-np.abs(row))[:2]])
        labels = [text.get_text() for text in display.axes_[0].get_yticklabels()]
        assert labels[0] == IRIS.columns[np.argmax(np.abs(row))]

    def test_curves(self, parts):
        display = ComponentsDisplay.from_estimator(parts[0])
        assert display.kind == "curves"
        curve = display.axes_[0].lines[0].get_ydata()
        np.testing.assert_array_equal(curve, parts[0].components_[0])

    def test_ica_shows_its_mixing(self):
        ica = AmortisedICA(2, max_iter=40, random_state=0).fit(IRIS)
        display = ComponentsDisplay.from_estimator(ica, plot=False)
        np.testing.assert_array_equal(display.components, ica.mixing_.T)

    def test_bad_calls(self, parts):
        with pytest.raises(ValueError, match="does not hold 64 columns"):
            ComponentsDisplay.from_estimator(parts[0], image_shape=(8, 7))
        with pytest.raises(ValueError, match="kind must be one of"):
            ComponentsDisplay.from_estimator(parts[0], kind="words")


class TestPredictiveCheck:
    def test_missing_entries_are_missing_in_draws(self, factors):
        X = IRIS.to_numpy().copy()
        X[:50, 1] = np.nan
        fitted = AmortisedFactorAnalysis(1, random_state=0).fit(X)
        display = PredictiveCheckDisplay.from_estimator(fitted, X)
        assert np.isnan(display.drawn[:, 1]).mean() == pytest.approx(1 / 3)
        assert len(display.axes_) == 4

    def test_draws_are_the_models(self, factors):
        display = PredictiveCheckDisplay.from_estimator(factors, IRIS, columns=[2, 0])
        assert display.names == [IRIS.columns[2], IRIS.columns[0]]
        expected = factors.mean_[[2, 0]]
        error = np.sqrt(np.diag(factors.get_covariance())[[2, 0]] / 1500)
        assert np.all(np.abs(display.drawn.mean(axis=0) - expected) < 5 * error)

    def test_bad_calls_and_empty_columns(self, factors):
        with pytest.raises(ValueError, match="X has 3 columns"):
            PredictiveCheckDisplay.from_estimator(factors, IRIS.iloc[:, :3])
        X = IRIS.assign(**{IRIS.columns[0]: np.nan})
        display = PredictiveCheckDisplay.from_estimator(factors, X)
        assert not display.axes_[0].patches and display.axes_[1].patches

    def test_many_columns(self, parts):
        display = PredictiveCheckDisplay.from_estimator(*parts, plot=False)
        assert display.real.shape[1] == 12 and display.names[-1] == "x63"


class TestScree:
    @pytest.fixture(scope="class")
    def rows(self):
        rng = np.random.default_rng(0)
        mixed = rng.standard_normal((300, 3)) @ rng.standard_normal((3, 9))
        return mixed + rng.standard_normal((300, 9))

    def test_number_that_was_planted(self, rows):
        model = AmortisedFactorAnalysis(random_state=0)
        display = ScreeDisplay.from_estimator(model, rows, n_components=range(6), n_jobs=2)
        assert display.best_ == display.simplest_ == 3
        assert model.n_components is None
        assert display.standard_errors[3] == 0.0
        assert np.all(display.standard_errors[:3] > 0)
        assert display.ax_.lines[-1].get_xdata() == [3]

    def test_scores_are_those_of_folds(self, rows):
        from sklearn.model_selection import cross_val_score

        model = AmortisedFactorAnalysis(2, random_state=0)
        display = ScreeDisplay.from_estimator(
            model, rows, n_components=[2], cv=3, plot=False
        )
        expected = np.mean(cross_val_score(model, rows, cv=3))  # folds of one size
        assert display.scores[0] == pytest.approx(expected)

    def test_nothing_to_compare(self, rows):
        with pytest.raises(ValueError, match="n_components is empty"):
            ScreeDisplay.from_estimator(AmortisedFactorAnalysis(), rows, n_components=[])

    def test_one_standard_error_rule(self):
        how = {
            "scores": np.array([-5.0, -1.1, -1.0]),
            "standard_errors": np.array([0.3] * 3),
        }
        display = ScreeDisplay(n_components=np.array([1, 2, 3]), **how)
        assert (display.best_, display.simplest_) == (3, 2)


@pytest.mark.parametrize("name", ["ax", "figure"])
def test_pictures_on_axes_of_ones_own(name, factors):
    figure, ax = plt.subplots()
    if name == "ax":
        assert LoadingsDisplay.from_estimator(factors, ax=ax).ax_ is ax
    else:
        assert HistoryDisplay.from_estimator(factors, figure=figure).figure_ is figure
