"""What must hold for every case, and what a broken law is called."""

import pickle
import re
import warnings

import numpy as np
from scipy.stats import norm
from sklearn.base import clone

from .cases import case_of

__all__ = ["DOCUMENTED", "check", "faults_of"]

#: The errors that a fit may end with: type, and words that say what was wrong.
DOCUMENTED = [
    (ValueError, r"while a minimum of 2 is required"),
    (ValueError, r"has fewer linearly independent columns"),
    (ValueError, r"has no observed entry"),
    (ValueError, r"needs (entries|locations|finite|positive|non-negative)"),
    (FloatingPointError, r"not finite|edge of its support|ran away|underflowed"),
]
BELOW = re.compile(
    "independent columns|far from simulated|still rises|came to max_iter|collapsed|Heywood"
    "|fewer distinct|distinct rows|constant|decimals"
)
ANSWERS = ("transform", "score_samples")


def faults_of(seed):
    """Names of the laws that the case of that number breaks, with what came; most none."""
    case = case_of(seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what is checked is recorded
            return case.words, list(check(case))
    except Exception as error:
        return case.words, [f"exception in a check: {error!r}"]


def is_documented(error):
    """Whether an exception is one that the docs name."""
    return any(
        isinstance(error, kind) and re.search(words, str(error))
        for kind, words in DOCUMENTED
    )


def fitted(case, estimator=None):
    """A fit, and what it said."""
    estimator = clone(case.estimator) if estimator is None else estimator
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(case.table, sample_weight=case.weights)
    return estimator, caught


def check(case):
    """Yield a line for each law that does not hold."""
    before = pickle.dumps((case.table, case.weights))
    try:
        model, said = fitted(case)
    except Exception as error:
        if not is_documented(error):
            yield f"undocumented exception: {type(error).__name__}: {str(error)[:200]}"
        return
    if pickle.dumps((case.table, case.weights)) != before:
        yield "the input was modified"
    yield from bare_warnings(said, "fit")
    rows = case.rows.astype(np.float32) if is_single(case.table) else case.rows
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answers = {name: getattr(model, name)(rows) for name in ANSWERS}
        new = model.sample(5, random_state=0)
    yield from bare_warnings(caught, "answers")
    yield from not_finite(model, answers, new)
    yield from impure(model, rows, answers)
    yield from silently_low(case, answers["score_samples"], said)
    if case.seed % 4 == 0:
        yield from unlike_itself(case, model, rows, answers)


def is_single(table):
    return getattr(table, "dtype", None) == np.float32


def bare_warnings(caught, where):
    """Numerical warnings that name nobody."""
    for one in caught:
        if issubclass(one.category, RuntimeWarning):
            yield f"bare warning in {where}: {str(one.message)[:120]}"


def not_finite(model, answers, new):
    """Answers to the rows of the fit, and what was learnt."""
    for name, found in answers.items():
        if not np.isfinite(found).all():
            yield f"{name} is not finite for {np.sum(~np.isfinite(found))} entries"
    if not np.isfinite(new).all():
        yield "sample is not finite"
    for name, value in vars(model).items():
        numbers = isinstance(value, np.ndarray) and value.dtype.kind == "f"
        if name.endswith("_") and numbers and not np.isfinite(value).all():
            yield f"{name} is not finite"


def impure(model, rows, answers):
    """Answers that depend on the other rows, or on where these are cut.

    They may differ by as much as their last digits do with the last digits of the rows.
    """
    n = len(rows)
    digits = np.random.default_rng(0).integers(0, 2, rows.shape)
    near = rows * (1 - 2 * np.finfo(rows.dtype).eps * digits).astype(rows.dtype)
    for name, found in answers.items():
        answer = getattr(model, name)
        size = np.abs(found.reshape(n, -1)).max(axis=1).reshape(n, *[1] * (found.ndim - 1))
        # Answers of zero have rounding errors of rows about one, 1e-15, whoever computes.
        size = np.maximum(size, 1e-6)
        tolerance = 1e-4 if found.dtype == np.float32 else 1e-7
        tolerance = max(tolerance, 10 * np.max(np.abs(answer(near) - found) / size))
        for i in {0, n // 2, n - 1}:
            gap = np.max(np.abs(answer(rows[i : i + 1])[0] - found[i]) / size[i])
            if not gap < tolerance:
                yield f"{name} of row {i} alone differs by {gap:.2g}"
        cut = (
            np.concatenate([answer(rows[: n // 3 + 1]), answer(rows[n // 3 + 1 :])])
            if (n > n // 3 + 1)
            else found
        )
        if not np.max(np.abs(cut - found) / size) < tolerance:
            yield f"{name} depends on where the table is cut"


def silently_low(case, scores, said):
    """A fit below independent Gaussian columns that says nothing."""
    X = case.rows
    if not hasattr(case.estimator, "noise_floor") and "AmortisedICA" not in case.words:
        return  # other families have baselines of their own (checks/test_fit.py)
    weights = np.ones(len(X)) if case.weights is None else case.weights
    seen = ~np.isnan(X)
    total = np.maximum(np.sum(weights[:, None] * seen, axis=0), 1e-300)
    filled = np.where(seen, X, 0.0)
    mean = np.sum(weights[:, None] * filled, axis=0) / total
    errors = np.where(seen, X - mean, 0.0)
    variance = np.sum(weights[:, None] * errors**2, axis=0) / total
    varies = variance > 1e-20 * np.maximum(mean**2, 1e-300)
    if not varies.all():
        return
    if "isotropic" in case.words or ("AmortisedICA" in case.words):
        variance = np.full(len(variance), variance.mean())
    log_density = np.where(seen, norm.logpdf(X, mean, np.sqrt(variance)), 0.0).sum(axis=1)
    gap = np.average(log_density - scores, weights=weights)
    warned = any(BELOW.search(str(one.message)) for one in said)
    if gap > 0.5 + 2 * X.shape[1] / len(X) and not warned:
        yield f"{gap:.3g} nats a row below independent columns, silently"


def unlike_itself(case, model, rows, answers):
    """Other bits from the same seed; a pickle that answers otherwise."""
    again, _ = fitted(case)
    loaded = pickle.loads(pickle.dumps(model))
    for name, found in answers.items():
        if not np.array_equal(getattr(again, name)(rows), found):
            yield f"{name} has other bits in a second fit"
        if not np.array_equal(getattr(loaded, name)(rows), found):
            yield f"{name} has other bits after pickling"
