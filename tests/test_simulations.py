"""Where latents live is read off simulations, and no log joint is asked beyond."""

import warnings

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.extend import Box
from autograd.scipy.special import gammaln

from skaws import AmortisedLearner
from skaws.models import FunctionModel
from skaws.simulations import joined, latent_space, simulate
from skaws.spaces import leaves, map_leaves
from skaws.supports import (
    Binary,
    Columns,
    Finite,
    Integer,
    Interval,
    OneHot,
    Positive,
    Real,
    Simplex,
    Sphere,
    Unknown,
)

from .common import with_holes

# Models of every kind of latents: a sampler, the log density of latents inside their
# support, the support, and whether latents lie inside.  Rows are a line of all columns of
# the latents, and noise.

N_ROWS, N_FEATURES, SD = 120, 4, 0.5


def side_by_side(latents):
    arrays = [leaf for _, leaf in leaves({"": latents})]
    return anp.concatenate([anp.reshape(a, (len(a), -1)) for a in arrays], axis=1)


def loadings(n_columns):
    return np.random.default_rng(0).standard_normal((n_columns, N_FEATURES))


def directions(n_samples, rng):
    z = rng.standard_normal((n_samples, 2))
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def labels(n_samples, n_labels, rng):
    return np.eye(n_labels)[rng.integers(n_labels, size=n_samples)]


def dirichlet(params, n, rng):
    shares = rng.dirichlet([2.0, 3.0, 4.0], size=n) + 1e-12
    return shares / shares.sum(axis=1, keepdims=True)


def in_a_tree(params, n, rng):
    return {
        "inner": {"wait": rng.exponential(size=(n, 1))},
        "class": labels(n, 2, rng),
        "where": directions(n, rng),
    }


def is_label(z):
    return bool(np.all(np.isin(z, (0.0, 1.0))) and np.all(z.sum(axis=1) == 1))


def is_unit(z):
    return bool(np.allclose(np.sum(z**2, axis=1), 1.0, atol=1e-6))


CASES = {
    "real": (
        lambda params, n, rng: rng.standard_normal((n, 2)),
        lambda z: -0.5 * anp.sum(z**2, axis=1) - np.log(2 * np.pi),
        Real(),
        lambda z: bool(np.isfinite(z).all()),
    ),
    "exponential": (
        lambda params, n, rng: rng.exponential(size=(n, 2)),
        lambda z: -anp.sum(z, axis=1),
        Positive(),
        lambda z: bool(np.all(z > 0)),
    ),
    "uniform": (
        lambda params, n, rng: rng.random((n, 2)),
        lambda z: 0.0 * z[:, 0],
        Interval(0.0, 1.0),
        lambda z: bool(np.all((z > 0) & (z < 1))),
    ),
    "decimal bounds": (
        lambda params, n, rng: 0.3 + 1.4 * rng.random((n, 2)),
        lambda z: 0.0 * z[:, 0] - 2 * np.log(1.4),
        Interval(0.3, 1.7),
        lambda z: bool(np.all((z > 0.3) & (z < 1.7))),
    ),
    "one-hot": (
        lambda params, n, rng: labels(n, 3, rng),
        lambda z: 0.0 * z[:, 0] - np.log(3),
        OneHot(),
        is_label,
    ),
    "many answers": (
        lambda params, n, rng: rng.integers(2, size=(n, 9)) * 1.0,
        lambda z: 0.0 * z[:, 0] - 9 * np.log(2),
        Binary(),
        lambda z: bool(np.all(np.isin(z, (0.0, 1.0)))),
    ),
    "hybrid": (
        lambda params, n, rng: np.hstack(
            [labels(n, 3, rng), rng.standard_normal((n, 1)), rng.exponential(size=(n, 1))]
        ),
        lambda z: -np.log(3) - 0.5 * z[:, 3] ** 2 - 0.5 * np.log(2 * np.pi) - z[:, 4],
        Columns([(OneHot(), 3), (Real(), 1), (Positive(), 1)]),
        lambda z: is_label(z[:, :3]) and bool(np.all(z[:, 4] > 0)),
    ),
    "dict": (
        in_a_tree,
        lambda z: -z["inner"]["wait"][:, 0] - np.log(2) - np.log(2 * np.pi),
        {"inner": {"wait": Positive()}, "class": OneHot(), "where": Sphere()},
        lambda z: (
            bool(np.all(z["inner"]["wait"] > 0))
            and is_label(z["class"])
            and is_unit(z["where"])
        ),
    ),
    "simplex": (
        dirichlet,
        lambda z: (
            anp.sum(np.array([1.0, 2.0, 3.0]) * anp.log(z), axis=1)
            + gammaln(9.0)
            - gammaln(2.0)
            - gammaln(3.0)
            - gammaln(4.0)
        ),
        Simplex(),
        lambda z: bool(np.all(z > 0) and np.allclose(z.sum(axis=1), 1.0)),
    ),
    "circle": (
        lambda params, n, rng: directions(n, rng),
        lambda z: 0.0 * z[:, 0] - np.log(2 * np.pi),
        Sphere(),
        is_unit,
    ),
    "path": (
        lambda params, n, rng: np.cumsum(rng.standard_normal((n, 4, 1)), axis=1),
        lambda z: (
            -0.5 * z[:, 0, 0] ** 2 - 0.5 * anp.sum((z[:, 1:] - z[:, :-1])[:, :, 0] ** 2, 1)
        ),
        Real(),
        lambda z: bool(np.isfinite(z).all()),
    ),
    "positive path": (
        lambda params, n, rng: rng.exponential(size=(n, 4, 1)),
        lambda z: -anp.sum(z[:, :, 0], axis=1),
        Positive(),
        lambda z: bool(np.all(z > 0)),
    ),
    "counts": (
        lambda params, n, rng: rng.geometric(0.02, (n, 1)) * 1.0,
        lambda z: np.log(0.02) + (z[:, 0] - 1) * np.log(0.98),
        Integer(1),
        lambda z: bool(np.all((z >= 1) & (z == np.round(z)))),
    ),
    "zero for some": (
        lambda params, n, rng: rng.exponential(size=(n, 1)) * (rng.random((n, 1)) < 0.6),
        lambda z: anp.where(z[:, 0] > 0, np.log(0.6) - z[:, 0], np.log(0.4)),
        Unknown(),
        lambda z: bool(np.all(z >= 0)),
    ),
}


class Outside(Exception):
    """A log joint was asked for latents that its sampler could not have made."""


def without_tape(array):
    while isinstance(array, Box):
        array = array._value
    return np.asarray(array, dtype=float)


def guarded_model(name, declared, shift=0.0):
    """A model of these latents whose log joint raises at others; `shift` makes it wrong."""
    draw, log_prior, support, inside = CASES[name]

    def locations(params, z):
        columns = side_by_side(z)
        return anp.dot(columns, loadings(columns.shape[1])) + params["mean"]

    def sample(params, n_samples, rng):
        z = draw(params, n_samples, rng)
        x = locations(params, z)
        return z, x + params["sd"] * rng.standard_normal(x.shape)

    def entries(params, x, location):
        seen = ~np.isnan(x)
        error = (np.where(seen, x, 0.0) - location) / params["sd"]
        constant = anp.log(params["sd"]) + 0.5 * np.log(2 * np.pi)
        return anp.where(seen, -0.5 * error**2 - constant, 0.0)

    def check(z):
        if not inside(map_leaves(without_tape, z)):
            raise Outside

    def log_joint(params, z, x):
        model.n_calls += 1
        z = map_leaves(lambda leaf: leaf + shift, z)
        check(z)
        return log_prior(z) + anp.sum(entries(params, x, locations(params, z)), axis=1)

    def log_likelihood(params, z, X):
        check(z)
        return np.stack(
            [np.sum(entries(params, X, row), axis=1) for row in locations(params, z)], 1
        )

    model = FunctionModel(
        sample,
        log_joint,
        lambda X, rng: {"mean": np.zeros(N_FEATURES), "sd": 1.0},
        {"sd": Positive()},
        latent_support=support if declared else None,
        allows_missing=True,
    )
    model.n_calls = 0
    model.known = log_likelihood
    return model


def table(name, seed=0):
    model, rng = guarded_model(name, True), np.random.default_rng(seed)
    X = model.sample({"mean": 1.0, "sd": SD}, N_ROWS, rng)[1]
    return with_holes(X, 0.1, rng)


METHODS_OF = {
    "one-hot": ("enumeration", "importance", "reweighted", "residual"),
    "many answers": ("importance", "reweighted", "residual"),
    "counts": ("residual",),
    "zero for some": ("residual",),
}
FITS = [
    (name, method, declared)
    for name in CASES
    for method in METHODS_OF.get(name, ("importance", "reweighted", "residual"))
    for declared in (True, False)
]


@pytest.mark.parametrize(("name", "method", "declared"), FITS)
def test_the_log_joint_is_never_asked_outside_the_support(name, method, declared):
    model, X = guarded_model(name, declared), table(name)
    if method == "importance":
        model.log_likelihood = model.known
    learner = AmortisedLearner(model, method=method, max_iter=8, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # eight iterations are no good fit
        learner.fit(X)
        assert learner.method_ == method and model.n_calls > 0
        # Answers are to ask no further either, of rows that lie far out as well.
        far = np.vstack([X[:3], 50.0 + X[:3], -50.0 + X[:3]])
        if not no_posterior(learner):
            latents = learner.transform(far)
            assert np.isfinite(latents).all() and np.isfinite(learner.score(X[:5]))
            learner.sample_posterior(far, 3, random_state=0)


def no_posterior(learner):
    return type(learner._posterior).__name__ == "FittedNoPosterior"


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("name", ["exponential", "uniform", "one-hot", "simplex"])
def test_the_guard_sees_a_log_joint_that_is_asked_outside(name, declared):
    model = guarded_model(name, declared, shift=-1.0)
    with pytest.raises(Outside):
        AmortisedLearner(model, max_iter=2, random_state=0).fit(table(name))


# Supports are read off.


@pytest.mark.parametrize("name", CASES)
def test_supports_are_read_off_as_they_are(name):
    space = latent_space(guarded_model(name, False), {"mean": 0.0, "sd": SD})
    if name == "decimal bounds":  # are only known as closely as they are come to
        for support, _ in space.latent_support.parts:
            np.testing.assert_allclose(support.bounds, (0.3, 1.7), atol=1e-3)
            assert support.is_within(CASES[name][2])
    else:
        assert space.latent_support == CASES[name][2]


@pytest.mark.parametrize("name", CASES)
def test_declared_supports_are_taken(name):
    model = guarded_model(name, True)
    space = latent_space(model, {"mean": 0.0, "sd": SD})
    assert space.latent_support == model.latent_support


def test_what_is_not_declared_of_a_dictionary_is_read_off():
    model = guarded_model("dict", True)
    model.latent_support = {"where": Sphere()}
    space = latent_space(model, {"mean": 0.0, "sd": SD})
    assert space.latent_support == CASES["dict"][2]


def test_declared_support_that_does_not_hold_simulations_is_told():
    model = guarded_model("real", True)
    model.latent_support = Positive()
    message = "latent_support of FunctionModel does not hold what sample returns: Latents"
    with pytest.raises(ValueError, match=message):
        latent_space(model, {"mean": 0.0, "sd": SD})


def test_space_is_a_matter_of_model_and_params_alone():
    model = guarded_model("uniform", False)
    spaces = [latent_space(model, {"mean": 0.0, "sd": SD}) for _ in range(2)]
    assert spaces[0].latent_support == spaces[1].latent_support


# Supports widen.


def uniform_model(declared=None):
    def sample(params, n_samples, rng):
        z = params["low"] + params["width"] * rng.random((n_samples, 1))
        return z, z + rng.standard_normal((n_samples, 1))

    return FunctionModel(sample, None, None, latent_support=declared)


def test_support_stays_while_simulations_stay_inside():
    model, rng = uniform_model(), np.random.default_rng(0)
    first = simulate(model, {"low": 0.0, "width": 1.0}, 100, rng)
    again = simulate(model, {"low": 0.2, "width": 0.1}, 100, rng, first.space)
    assert again.space is first.space
    assert first.space.latent_support == Interval(0.0, 1.0)


def test_support_widens_when_simulated_latents_leave_it():
    model, rng = uniform_model(), np.random.default_rng(0)
    space = simulate(model, {"low": 0.0, "width": 1.0}, 100, rng).space
    wider = simulate(model, {"low": 2.0, "width": 1.0}, 100, rng, space)
    assert wider.space.latent_support == Interval(0.0, 3.0)
    assert wider.space.contains(wider.latents)
    # What was there before is still there.
    back = simulate(model, {"low": 0.0, "width": 1.0}, 100, rng, wider.space)
    assert back.space is wider.space


def test_declared_support_never_widens():
    model, rng = uniform_model(Interval(0.0, 1.0)), np.random.default_rng(0)
    space = simulate(model, {"low": 0.0, "width": 1.0}, 100, rng).space
    after = simulate(model, {"low": 2.0, "width": 1.0}, 100, rng, space)
    assert after.space is space and not space.contains(after.latents)


def test_what_is_declared_of_a_dictionary_stays_while_the_rest_widens():
    def sample(params, n_samples, rng):
        read = params["low"] + rng.random((n_samples, 1))
        return {"declared": read, "read": read.copy()}, read

    declared = {"declared": Interval(0.0, 10.0)}
    model = FunctionModel(sample, None, None, latent_support=declared)
    rng = np.random.default_rng(0)
    space = simulate(model, {"low": 0.0}, 100, rng).space
    assert space.latent_support == {**declared, "read": Interval(0.0, 1.0)}
    wider = simulate(model, {"low": 1.0}, 100, rng, space).space
    assert wider.latent_support == {**declared, "read": Interval(0.0, 2.0)}


def test_latents_in_a_dictionary_widen_one_by_one():
    def sample(params, n_samples, rng):
        z = {
            "level": {"a": params["low"] + rng.random((n_samples, 1))},
            "label": labels(n_samples, 2, rng),
        }
        return z, rng.standard_normal((n_samples, 1))

    model, rng = FunctionModel(sample, None, None), np.random.default_rng(0)
    space = simulate(model, {"low": 0.0}, 100, rng).space
    wider = simulate(model, {"low": 1.0}, 100, rng, space).space
    assert wider.latent_support == {
        "level": {"a": Interval(0.0, 2.0)},
        "label": OneHot(),
    }


def test_positive_latents_of_a_gaussian_whose_mean_falls_become_real():
    # z ~ N(7, 1) is read off as positive; at the maximum it is N(-2, 1).
    def sample(params, n_samples, rng):
        z = params["mean"] + rng.standard_normal((n_samples, 1))
        return z, z + 0.3 * rng.standard_normal((n_samples, 2))

    def log_joint(params, z, x):
        error = (x - z) / 0.3
        return -0.5 * anp.sum((z - params["mean"]) ** 2, 1) - 0.5 * anp.sum(error**2, 1)

    model = FunctionModel(sample, log_joint, lambda X, rng: {"mean": 7.0})
    assert latent_space(model, {"mean": 7.0}).latent_support != Real()
    X = sample({"mean": -2.0}, 200, np.random.default_rng(0))[1]
    learner = AmortisedLearner(model, max_iter=200, learning_rate=0.2, random_state=0).fit(
        X
    )
    assert learner.latent_support_ == Real()
    assert abs(learner.params_["mean"] - X.mean()) < 0.1
    assert np.abs(learner.transform(X)[:, 0] - X.mean(axis=1)).max() < 0.5


# Supports are joined.

ROWS = np.array([[0.0, 1.0], [2.0, 3.0]])
JOINED = [
    (Real(), Real(), Real()),
    (Real(), Positive(), Real()),
    (Real(), Interval(0.0, 1.0), Real()),
    (Positive(), Positive(2.0), Positive()),
    (Positive(1.0), Interval(0.0, 3.0), Positive()),
    (Interval(0.0, 1.0), Interval(-1.0, 0.5), Interval(-1.0, 1.0)),
    (Finite(ROWS[:1]), Finite(ROWS[1:]), Finite(ROWS)),
    (Finite(ROWS), Finite(ROWS), Finite(ROWS)),
    (Binary(), Binary(), Binary()),
    (OneHot(), OneHot(), OneHot()),
    (Sphere(), Sphere(), Sphere()),
    (Simplex(), Simplex(), Simplex()),
    (Binary(), Finite(ROWS), Finite([[0, 0], [0, 1], [1, 0], [1, 1], [2, 3]])),
    (OneHot(), Finite([[0.0, 1.0]]), Finite([[0.0, 1.0], [1.0, 0.0]])),
    (Integer(0), Integer(2), Integer(0)),
    (Integer(-np.inf), Integer(2), Integer(-np.inf)),
    (Integer(0, 3), Integer(2, 5), Integer(0, 5)),
    (Binary(), Integer(0), Integer(0)),
    (Finite(ROWS), Integer(1), Integer(0)),
    (Finite(ROWS + 0.5), Integer(1), Unknown()),
    (Unknown(), Real(), Unknown()),
    (Sphere(), Real(), Unknown()),
    (Integer(0), Real(), Unknown()),
    (OneHot(), Positive(), Unknown()),
    (
        Columns([(OneHot(), 2), (Positive(), 1)]),
        Columns([(OneHot(), 2), (Real(), 1)]),
        Columns([(OneHot(), 2), (Real(), 1)]),
    ),
    (
        Columns([(OneHot(), 2), (Positive(), 1)]),
        Columns([(Positive(), 1), (Real(), 2)]),
        Unknown(),
    ),
    (Columns([(OneHot(), 2), (Positive(), 1)]), Real(), Unknown()),
    (Columns([(Positive(), 1), (Real(), 2)]), Real(), Real()),
    (
        Columns([(Positive(), 1), (Real(), 2)]),
        Columns([(Real(), 2), (Interval(), 1)]),
        Real(),
    ),
    (
        Columns([(Positive(), 1), (Real(), 2)]),
        Positive(),
        Columns([(Positive(), 1), (Real(), 1), (Real(), 1)]),
    ),
]


@pytest.mark.parametrize(("one", "other", "both"), JOINED)
def test_joined_support_is_the_narrowest_of_both(one, other, both):
    assert joined(one, other) == both
    assert joined(other, one) == both


def width_of(support):
    """Number of columns of a support that says it, else None."""
    if isinstance(support, Columns):
        return sum(n for _, n in support.parts)
    return np.shape(support.rows)[1] if isinstance(support, Finite) else None


def values_of(support, n):
    """Some rows of n values of a support."""
    rng = np.random.default_rng(0)
    if isinstance(support, Columns):
        return np.hstack([values_of(part, n) for part, n in support.parts])
    if isinstance(support, Finite):
        return np.asarray(support.rows)[rng.integers(len(support.rows), size=20)]
    if isinstance(support, (Binary, OneHot)):
        return labels(20, n, rng)
    if isinstance(support, Integer):
        return np.clip(rng.integers(0, 9, (20, n)) * 1.0, *support.bounds)
    if isinstance(support, Unknown):
        return np.maximum(rng.standard_normal((20, n)), 0.0)
    short = isinstance(support, (Sphere, Simplex))
    return support.from_real(rng.standard_normal((20, n - short)))


@pytest.mark.parametrize(("one", "other", "both"), JOINED)
def test_joined_support_holds_values_of_both(one, other, both):
    n = width_of(one) or width_of(other) or 3
    for own in (one, other):
        values = values_of(own, n)
        assert own.contains(values)
        if width_of(own) in (None, n):
            assert both.contains(values)


# Rows look like real ones.


def test_holes_are_those_of_real_rows_in_their_shares():
    model, rng = guarded_model("real", True), np.random.default_rng(0)
    X = np.zeros((100, N_FEATURES))
    X[:30, 0] = X[:30, 1] = X[70:, 3] = np.nan
    params = {"mean": 0.0, "sd": SD}
    holes = np.isnan(simulate(model, params, 20_000, rng, like=X).observations)
    assert not holes[:, 2].any()
    np.testing.assert_array_equal(holes[:, 0], holes[:, 1])  # they come together
    np.testing.assert_allclose(holes.mean(axis=0), [0.3, 0.3, 0.0, 0.3], atol=0.02)
    assert not np.isnan(simulate(model, params, 9, rng).observations).any()


def test_holes_do_not_change_what_is_simulated():
    model, X = guarded_model("real", True), np.zeros((10, N_FEATURES))
    params = {"mean": 0.0, "sd": SD}
    plain = simulate(model, params, 9, np.random.default_rng(0))
    like = simulate(model, params, 9, np.random.default_rng(0), like=X)
    np.testing.assert_array_equal(plain.observations, like.observations)


@pytest.mark.parametrize(
    ("observations", "error", "message"),
    [
        (np.zeros(5), ValueError, r"sample of FunctionModel .* expected \(5, n_features\)"),
        (np.zeros((4, 2)), ValueError, r"shape \(4, 2\), expected \(5, n_features\)"),
        (np.full((5, 1), np.inf), FloatingPointError, "sample of FunctionModel .* finite"),
        (np.full((5, 1), np.nan), FloatingPointError, "sample of FunctionModel .* finite"),
    ],
)
def test_observations_that_cannot_be_used_are_told(observations, error, message):
    def sample(params, n_samples, rng):
        return np.zeros((n_samples, 1)), observations

    model = FunctionModel(sample, None, None, latent_support=Real())
    space = latent_space(guarded_model("real", True), {"mean": 0.0, "sd": SD})
    with pytest.raises(error, match=message):
        simulate(model, {}, 5, np.random.default_rng(0), space)


def test_whole_numbers_and_truth_values_come_as_floats():
    def sample(params, n_samples, rng):
        z = {"n": rng.poisson(3.0, (n_samples, 1)), "on": rng.random((n_samples, 1)) < 0.5}
        return z, rng.poisson(3.0, (n_samples, 2))

    model = FunctionModel(sample, None, None)
    found = simulate(model, {}, 5, np.random.default_rng(0))
    arrays = [*(leaf for _, leaf in leaves(found.latents)), found.observations]
    assert all(array.dtype == float for array in arrays)
