"""What all estimators share: how they start, go on, end, and speak of bad input."""

import pickle
import warnings
from itertools import count, islice

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skaws import AmortisedFactorAnalysis, AmortisedNMF
from skaws.estimators import base, training
from skaws.regression import AdaptiveKernelRegression

pytestmark = pytest.mark.filterwarnings(
    # Many fits here are cut short on purpose; where that matters, it is asserted.
    "ignore::sklearn.exceptions.ConvergenceWarning"
)

WINE = StandardScaler().fit_transform(load_wine().data)


def make(**options):
    return AmortisedFactorAnalysis(
        **{"n_components": 2, "random_state": 0, "max_iter": 150, **options}
    )


def same(first, second):
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("components_", "mean_", "noise_variance_")
    )


# How a fit is reproduced


def test_same_seed_same_bits_whatever_n_jobs():
    one, two = (make(n_init=3, n_jobs=n, max_iter=40).fit(WINE) for n in (1, 2))
    assert same(one, two)
    assert not same(one, make(n_init=3, max_iter=40, random_state=1).fit(WINE))


def test_small_tables_do_not_depend_on_the_order_of_rows():
    order = np.random.default_rng(0).permutation(len(WINE))
    assert same(make().fit(WINE), make().fit(WINE[order]))


@pytest.mark.parametrize("batch_size", [50, 1000])
def test_integer_weights_repeat_rows(batch_size):
    weights = np.random.default_rng(0).integers(0, 4, len(WINE))
    options = {"batch_size": batch_size, "max_iter": 300}
    weighted = make(**options).fit(WINE, sample_weight=weights)
    repeated = make(**options).fit(np.repeat(WINE, weights, axis=0))
    if batch_size >= weights.sum():
        assert same(weighted, repeated)
    # In batches the two see rows in another order: the likelihood agrees to the noise
    # of the fit, and is lower without the weights.
    likelihood = weighted.score_samples(WINE) @ weights / weights.sum()
    expected = repeated.score_samples(WINE) @ weights / weights.sum()
    unweighted = make(**options).fit(WINE).score_samples(WINE) @ weights / weights.sum()
    assert abs(likelihood - expected) < 0.05
    assert unweighted < min(likelihood, expected)


def test_pickled_estimator_transforms_and_goes_on_alike():
    model = make().fit(WINE)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(model.transform(WINE), again.transform(WINE))
    assert same(model.partial_fit(WINE), again.partial_fit(WINE))


def test_restarts_keep_the_most_likely():
    single = make(max_iter=15).fit(WINE).score(WINE)
    assert make(max_iter=15, n_init=4).fit(WINE).score(WINE) >= single


# How a fit goes on


def test_partial_fit_learns_from_a_stream():
    # A hundred batches: what a fit reaches, to a tenth of a nat.
    rng = np.random.default_rng(0)
    model = make()
    for _ in range(100):
        model.partial_fit(WINE[rng.choice(len(WINE), 100, replace=False)])
    assert model.n_iter_ == 100
    assert len(model.history_["objective"]) == 100
    assert model.score(WINE) > make(max_iter=400).fit(WINE).score(WINE) - 0.1


def test_partial_fit_after_fit_stays_near_its_answer():
    model = make(max_iter=400).fit(WINE)
    before = model.score(WINE)
    for _ in range(20):
        model.partial_fit(WINE)
    assert abs(model.score(WINE) - before) < 0.05


def test_partial_fit_refuses_another_width():
    model = make().partial_fit(WINE)
    with pytest.raises(ValueError, match="X has 12 features, but .* is expecting 13"):
        model.partial_fit(WINE[:, :-1])


def test_warm_start_goes_on_from_the_answer():
    options = {"max_iter": 30, "learning_rate": 0.002}
    cold = make(**options).fit(WINE)
    warm = make(warm_start=True, **options).fit(WINE)
    for _ in range(5):
        warm.fit(WINE)
    assert warm.score(WINE) > cold.score(WINE) + 0.02


# How a fit ends


def test_converged_fit_says_so_and_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make(max_iter=400).fit(WINE)
    assert model.converged_
    assert model.n_iter_ < 400
    assert set(map(len, model.history_.values())) == {model.n_iter_}


def test_short_fit_warns_with_figures():
    with pytest.warns(ConvergenceWarning, match=r"max_iter=40 .* gained 0\.\d+ nats a row"):
        model = make(max_iter=40, learning_rate=0.005).fit(WINE)
    assert not model.converged_
    assert model.n_iter_ == 40


def interrupt_iteration(n, monkeypatch):
    """Let the n-th iteration of the loop, counted over all restarts, be interrupted."""
    whole, numbers = training.wake_sleep, count(1)

    def interrupted(*args, **kwargs):
        for iteration in whole(*args, **kwargs):
            if next(numbers) == n:
                raise KeyboardInterrupt
            yield iteration

    monkeypatch.setattr(training, "wake_sleep", interrupted)


def test_interrupted_fit_keeps_what_it_learnt(monkeypatch):
    interrupt_iteration(30, monkeypatch)
    with pytest.warns(ConvergenceWarning, match="interrupted after 29 iterations"):
        model = make(n_init=3).fit(WINE)
    assert model.n_iter_ == 29
    assert not model.converged_
    monkeypatch.undo()
    start = make(max_iter=1).fit(WINE)
    assert model.score(WINE) > start.score(WINE)


@pytest.mark.parametrize("max_iter", [40, 400])  # the first restart converges, or not
def test_interrupted_restart_leaves_the_earlier_one_and_a_warning(max_iter, monkeypatch):
    whole = make(max_iter=max_iter).fit(WINE)
    interrupt_iteration(whole.n_iter_ + 3, monkeypatch)
    message = "interrupted after 1 of n_init=3 restarts"
    with pytest.warns(ConvergenceWarning, match=message) as caught:
        model = make(n_init=3, max_iter=max_iter).fit(WINE)
    assert len(caught) == 1
    assert same(model, whole) and model.n_iter_ == whole.n_iter_
    assert model.converged_ == whole.converged_ == (max_iter == 400)


def awaited(n_ended, monkeypatch):
    """Let the user interrupt while restarts are awaited of which some have ended."""

    class Awaited:
        def __init__(self, **options):
            self._parallel = Parallel(**options)

        def __call__(self, calls):
            yield from islice(self._parallel(calls), n_ended)
            raise KeyboardInterrupt

    monkeypatch.setattr(base, "Parallel", Awaited)


@pytest.mark.filterwarnings("ignore:.*have been cancelled")  # says joblib of the third
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_interruption_while_restarts_are_awaited_keeps_those_that_ended(
    n_jobs, monkeypatch
):
    expected = make(n_init=2, max_iter=40).fit(WINE)
    awaited(2, monkeypatch)
    with pytest.warns(ConvergenceWarning, match="interrupted after 2 of n_init=3 restarts"):
        model = make(n_init=3, n_jobs=n_jobs, max_iter=40).fit(WINE)
    assert same(model, expected)


def test_interruption_before_any_restart_ended_is_the_users(monkeypatch):
    awaited(0, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        make(n_init=3).fit(WINE)


def test_interruption_in_the_first_iteration_leaves_the_start_and_an_empty_history(
    monkeypatch,
):
    names = set(make(max_iter=1).fit(WINE).history_)
    interrupt_iteration(1, monkeypatch)
    with pytest.warns(ConvergenceWarning, match="interrupted after 0 iterations"):
        model = make().fit(WINE)
    assert set(model.history_) == names
    assert all(values.shape == (0,) for values in model.history_.values())
    assert np.isfinite(model.score(WINE)) and model.n_iter_ == 0
    monkeypatch.undo()
    assert len(model.partial_fit(WINE).history_["objective"]) == 1


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FloatingPointError("the gradient is not finite"), "not finite"),
        (np.linalg.LinAlgError("Singular matrix"), "ran away in iteration 30 .Singular"),
    ],
)
def test_failed_fit_keeps_what_it_learnt_and_raises(error, message, monkeypatch):
    whole = training.wake_sleep

    def failing(*args, **kwargs):
        for iteration in whole(*args, **kwargs):
            if iteration.number == 30:
                raise error
            yield iteration

    monkeypatch.setattr(training, "wake_sleep", failing)
    model = make()
    with pytest.raises(FloatingPointError, match=message):
        model.fit(WINE)
    assert np.isfinite(model.score(WINE))
    assert not model.converged_


def test_fit_that_runs_to_an_edge_keeps_what_it_learnt_and_names_the_parameter():
    model = make(learning_rate=300.0)
    with pytest.raises(FloatingPointError, match="likelihood.noise_variance .* edge"):
        model.fit(WINE)
    assert np.isfinite(model.score(WINE)) and not model.converged_


@pytest.mark.parametrize("verbose, n_rows", [(0, 0), (1, 11), (2, 50)])
def test_verbose_prints_a_table(verbose, n_rows, capsys):
    make(verbose=verbose, max_iter=50, n_iter_no_change=50).fit(WINE)
    lines = capsys.readouterr().out.splitlines()
    numbered = [line for line in lines if line.split()[0].isdigit()]
    assert len(numbered) == n_rows
    if verbose:
        assert "gain" in lines[1]
        assert lines[-1] == "AmortisedFactorAnalysis: stopped after 50 iterations"


def test_table_has_the_last_row_and_how_each_restart_ended(capsys):
    model = make(verbose=1, max_iter=400, n_init=2).fit(WINE)
    lines = capsys.readouterr().out.splitlines()
    endings = [i for i, line in enumerate(lines) if "converged after" in line]
    assert len(endings) == 2 and endings[1] == len(lines) - 1
    lengths = [int(lines[i].split()[-2]) for i in endings]
    assert [int(lines[i - 1].split()[0]) for i in endings] == lengths
    assert model.n_iter_ in lengths
    assert [i for i, line in enumerate(lines) if "gain" in line] == [1, endings[0] + 2]


@pytest.mark.parametrize(
    ("estimator", "X"),
    [
        (make(max_iter=20), np.where(np.arange(13) == 3, 2.5, WINE)),
        (make(n_components=6, max_iter=20), WINE[:5]),
        (AmortisedNMF(2, max_iter=20), np.abs(WINE)),
    ],
)
def test_warnings_point_at_the_line_of_the_user(estimator, X):
    with pytest.warns(UserWarning) as caught:
        estimator.fit(X)
    assert len(caught) >= 2  # the last is of max_iter
    assert {warning.filename for warning in caught} == {__file__}


# Input


def test_read_only_fortran_memmap_and_frame_give_the_same(tmp_path):
    expected = make().fit(WINE)
    np.save(tmp_path / "wine.npy", WINE)
    frozen = WINE.copy()
    frozen.flags.writeable = False
    columns = [f"c{j}" for j in range(WINE.shape[1])]
    for X in (
        frozen,
        np.asfortranarray(WINE),
        np.load(tmp_path / "wine.npy", mmap_mode="r"),
        pd.DataFrame(WINE, columns=columns),
    ):
        assert same(expected, make().fit(X))


def test_float32_in_float32_out():
    X = WINE.astype(np.float32)
    model = make().fit(X)
    latents = model.transform(X)
    assert latents.dtype == np.float32
    assert model.inverse_transform(latents).dtype == np.float32
    reference = make().fit(X.astype(float)).transform(X.astype(float))
    np.testing.assert_allclose(latents, reference, atol=1e-4)


def with_entries(**entries):
    X = WINE.copy()
    X[3] = entries.get("row", X[3])
    X[:, 3] = entries.get("column", X[:, 3])
    return X


@pytest.mark.parametrize(
    "X, message",
    [
        (with_entries(row=np.nan), "Row 3 of X has no observed entry"),
        (with_entries(column=np.nan), "Column 3 of X has no observed entry"),
        (with_entries(row=np.inf), "contains infinity"),
        (WINE[:1], "minimum of 2 is required"),
    ],
)
def test_rows_that_cannot_be_fitted_are_told(X, message):
    with pytest.raises(ValueError, match=message):
        make().fit(X)


def test_constant_columns_are_told_and_get_no_loading():
    with pytest.warns(UserWarning, match=r"Column\(s\) 3 of X are constant"):
        model = make().fit(with_entries(column=2.5))
    assert abs(model.components_[:, 3]).max() < 1e-3
    assert abs(model.mean_[3] - 2.5) < 1e-2
    assert np.isfinite(model.score(with_entries(column=2.5)))


def test_more_components_than_rows_are_told():
    with pytest.warns(UserWarning, match="n_components=6 but only 5 distinct rows"):
        make(n_components=6, max_iter=20).fit(WINE[:5])


@pytest.mark.parametrize(
    "weights, message",
    [
        (-np.ones(len(WINE)), "non-negative"),
        (np.zeros(len(WINE)), "zero for every row"),
        (np.ones((len(WINE), 2)), "one axis"),
        (np.ones(3), "inconsistent numbers of samples"),
    ],
)
def test_weights_that_cannot_be_used_are_told(weights, message):
    with pytest.raises(ValueError, match=message):
        make().fit(WINE, sample_weight=weights)


def test_latents_of_the_wrong_width_are_told():
    with pytest.raises(ValueError, match="X has 3 columns, but .* has 2 components"):
        make().fit(WINE).inverse_transform(np.zeros((1, 3)))


@pytest.mark.parametrize("method", ["transform", "score", "inverse_transform", "sample"])
def test_unfitted_estimators_say_so(method):
    with pytest.raises(NotFittedError):
        getattr(make(), method)(2 if method == "sample" else WINE)


# The regression inside


def test_regressor_reaches_the_regression_and_is_left_alone():
    regressor = KernelRidge(kernel="rbf", alpha=0.5, gamma=0.2)
    model = make(regressor=regressor, max_iter=400).fit(WINE)
    assert not hasattr(regressor, "dual_coef_")
    assert not same(model, make(max_iter=400).fit(WINE))
    assert abs(model.score(WINE) - make(max_iter=400).fit(WINE).score(WINE)) < 0.1


def test_grid_search_reaches_alpha_of_the_default_regressor():
    pipeline = make_pipeline(StandardScaler(), AmortisedFactorAnalysis(random_state=0))
    name = "amortisedfactoranalysis"
    grid = {f"{name}__n_components": [1, 3], f"{name}__regressor__alpha": [0.1, 10.0]}
    search = GridSearchCV(pipeline, grid, cv=KFold(2, shuffle=True, random_state=0))
    search.fit(load_wine().data)
    assert search.best_params_[f"{name}__n_components"] == 3
    assert isinstance(search.best_estimator_[-1].regressor, KernelRidge)


def test_set_params_of_no_regressor_makes_the_default_one():
    model = clone(make()).set_params(regressor__alpha=3.0)
    assert model.regressor.alpha == 3.0
    assert model.regressor.kernel == "precomputed"


def test_regressor_that_learns():
    regressor = AdaptiveKernelRegression()
    estimator = make(regressor=regressor, max_iter=60).fit(WINE)
    assert abs(estimator.score(WINE) - make(max_iter=60).fit(WINE).score(WINE)) < 0.1
    # What was learnt lies on the estimator, and goes on; the parameter is as it was.
    learnt = estimator._state.regression.alpha
    assert learnt != 1.0 and vars(regressor) == vars(AdaptiveKernelRegression())
    again = pickle.loads(pickle.dumps(estimator))
    assert again._state.regression.alpha == learnt
    again.partial_fit(WINE)
    assert 0 < abs(np.log(again._state.regression.alpha / learnt)) < 0.5
    assert clone(estimator).set_params(regressor__n_features=1).regressor.n_features == 1
