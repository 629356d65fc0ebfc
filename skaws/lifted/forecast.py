"""How series go on, by simulated ones whose last values are alike."""

import numpy as np
from sklearn.kernel_ridge import KernelRidge

from ..regression import KernelRegression

__all__ = ["predicted"]

LEVELS = (0.05, 0.95)
WINDOW = 10  # last values that count


def predicted(drawn, series, n_ahead):
    """Mean, 5% and 95% quantiles of what follows series, from simulated ones."""
    n_times, n_channels = series.shape[1:]
    window = min(WINDOW, n_times)
    past = slice(n_times - window, n_times)
    filled = np.where(np.isnan(series), np.nanmean(series, axis=1, keepdims=True), series)
    positive = drawn.min(axis=(0, 1)) >= 0
    spare = np.where(positive, 1e-3 * drawn.std(axis=(0, 1)) + 1e-12, 1.0)

    def flat(rows):
        scaled = np.where(positive, np.log(np.maximum(rows, 0) + spare), rows)
        return scaled.reshape(len(rows), -1)

    futures = flat(drawn[:, n_times:])
    regression = KernelRegression(KernelRidge(alpha=1.0, kernel="precomputed"))
    regression.fit(flat(drawn[:, past]))
    centre, inputs = futures.mean(axis=0), flat(filled[:, past])
    solved = regression.solve(np.hstack([futures - centre, np.eye(len(futures))]))
    dual, inverse = solved[:, : futures.shape[1]], solved[:, futures.shape[1] :]
    residuals = dual / np.diag(inverse)[:, None]  # each left out
    mean = centre + regression.kernel(inputs) @ dual
    weights = np.maximum(regression.weights(inputs), 0.0)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    shape, found = (n_ahead, n_channels), []
    for own, one in zip(weights, mean, strict=True):
        rows = (one + residuals).reshape(len(residuals), *shape)
        rows = np.where(positive, np.maximum(np.exp(rows) - spare, 0.0), rows)
        rows = np.clip(rows, drawn.min(axis=(0, 1)), drawn.max(axis=(0, 1)))
        found.append([np.tensordot(own, rows, 1), *weighted_quantiles(rows, own)])
    return [np.array(part) for part in zip(*found, strict=True)]


def weighted_quantiles(rows, weights):
    """5% and 95% quantiles over the first axis."""
    order = np.argsort(rows, axis=0)
    sums = np.cumsum(weights[order], axis=0)
    for level in LEVELS:
        place = np.minimum(np.sum(sums < level, axis=0), len(rows) - 1)[None]
        yield np.take_along_axis(rows, np.take_along_axis(order, place, 0), 0)[0]
