"""scikit-learn's callbacks watch fits, and may end them."""

import joblib
import numpy as np
import pytest
from scipy.stats import norm
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

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

callback = pytest.importorskip("sklearn.callback")

pytestmark = pytest.mark.filterwarnings("ignore")


class Counter:
    """Counts iterations and scores; asks for the end after `last` of them."""

    def __init__(self, last=None, X=None):
        self.last, self.X = last, X
        self.events, self.scores, self.n_seen = [], [], 0

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"{context.task_name} begins")

    def on_fit_task_end(self, estimator, context, *, metadata, fitted_estimator):
        self.events.append(f"{context.task_name} ends")
        if context.task_name != "iteration":
            return False
        self.n_seen += 1
        assert "gain" in metadata or "step" in metadata
        if self.X is not None and self.n_seen == self.last:
            self.scores.append(fitted_estimator.score(self.X))
        return self.n_seen == self.last


def rows(seed=0):
    rng = np.random.default_rng(seed)
    return np.abs(rng.standard_normal((200, 2)) @ rng.standard_normal((2, 5))).round()


def series():
    return 1.0 + np.random.default_rng(0).standard_normal((20, 30))


def walk(level, rng, n_times):
    return level[:, None] + rng.standard_normal((len(level), n_times))


MIXTURE = LatentVariableModel(Categorical(2), Linear(), GaussianNoise())
SIMULATOR = AmortisedSimulator(
    walk, {"level": norm(0, 3)}, vectorized=True, max_iter=20, n_final=0, random_state=0
)
ESTIMATORS = [
    AmortisedFactorAnalysis(2, max_iter=60, random_state=0),
    AmortisedICA(2, max_iter=60, random_state=0),
    AmortisedNMF(2, max_iter=60, random_state=0),
    AmortisedLearner(MIXTURE, max_iter=60, random_state=0),
    SIMULATOR,
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: type(one).__name__)
def test_every_iteration_is_told(estimator):
    counter = Counter()
    X = series() if estimator is SIMULATOR else rows()
    fitted = clone(estimator).set_callbacks(counter).fit(X)
    assert counter.events[:3] == ["setup", "fit begins", "start begins"]
    assert counter.events[-3:] == ["start ends", "fit ends", "teardown"]
    n_iter = getattr(fitted, "n_iter_", 20)
    assert counter.n_seen == n_iter  # of one start
    plain = clone(estimator).fit(X)
    name = "mean_" if estimator is SIMULATOR else "params_"
    assert joblib.hash(getattr(fitted, name)) == joblib.hash(getattr(plain, name))


@pytest.mark.parametrize("estimator", ESTIMATORS[:4], ids=lambda one: type(one).__name__)
def test_a_callback_may_end_the_fit(estimator):
    X = rows()
    counter = Counter(last=30, X=X)
    fitted = clone(estimator).set_callbacks(counter).fit(X)
    assert counter.n_seen == fitted.n_iter_ == 30
    assert not fitted.converged_
    # What it was shown is what the fit then kept.
    assert counter.scores == [pytest.approx(fitted.score(X), rel=1e-6)]


def test_a_second_fit_shows_its_own_answers():
    X, other = rows(0), rows(1)
    estimator = AmortisedFactorAnalysis(2, max_iter=60, random_state=0).fit(X)
    counter = Counter(last=30, X=other)
    estimator.set_callbacks(counter).fit(other)
    assert counter.scores == [pytest.approx(estimator.score(other), rel=1e-6)]


def test_a_callback_may_end_a_simulators_fit():
    counter = Counter(last=8)
    fitted = clone(SIMULATOR).set_callbacks(counter).fit(series())
    assert counter.n_seen == 8
    assert np.all(np.isfinite(fitted.mean_))


def test_starts_in_processes():
    pytest.importorskip("rich")
    estimator = AmortisedFactorAnalysis(2, n_init=2, n_jobs=2, random_state=0)
    plain = clone(estimator).fit(rows())
    watched = clone(estimator).set_callbacks(callback.ProgressBar()).fit(rows())
    assert joblib.hash(watched.params_) == joblib.hash(plain.params_)


def test_pipelines_pass_a_progress_bar_on(capsys):
    pytest.importorskip("rich")
    steps = StandardScaler(), AmortisedFactorAnalysis(2, max_iter=60, random_state=0)
    make_pipeline(*steps).set_callbacks(callback.ProgressBar()).fit(rows())
    assert "start" in capsys.readouterr().out


def test_a_failed_fit_lets_go():
    counter = Counter()
    estimator = AmortisedFactorAnalysis(2).set_callbacks(counter)

    def broken(*args, **how):
        raise RuntimeError("broken")

    estimator._train = broken
    with pytest.raises(RuntimeError, match="broken"):
        estimator.fit(rows())
    assert counter.events[-1] == "teardown"
