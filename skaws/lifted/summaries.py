"""Summaries of series: what they are like, whatever the order of chance events."""

import numpy as np

__all__ = ["SeriesSummaries"]

SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
ROUGHNESS = (0.1, 0.25, 0.5, 0.75, 0.9)
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
SKEWED = 0.5
LONG = 200  # times a block stands for where series are longer
N_LAGS = 20
N_BLOCKS = 40
TRACED = (60, 500)  # lengths up to and from which the course itself is summarised
CROSS_LAGS = (0, 1, 2, 4)
N_FIRST = 8  # values summarised otherwise, for what a series starts from
N_BINS = 5
ORDER = 3
SMALL = 1e-9


class SeriesSummaries:
    """Numbers that say what a series is like, chosen once by looking at real series.

    Quantiles of values, of steps and of second differences; autocorrelations; how often
    levels are crossed; a cubic autoregression; the next value by the present one; means of
    blocks of short and very long series, the first values of others; cross-correlations
    and a vector autoregression of several channels.  Positive, skewed channels are taken in
    logarithms.  Missing entries are missing in all series alike, and bridged by straight
    lines.

    Parameters
    ----------
    series : array of shape (n, n_times, n_channels)
        Real series of one length and one pattern of missing entries (NaN).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> summaries = SeriesSummaries(rng.standard_normal((1, 100, 1)))
    >>> found = summaries(rng.standard_normal((5, 100, 1)))
    >>> found.shape[0], bool(np.isfinite(found).all())
    (5, True)
    """

    def __init__(self, series):
        self._missing = np.isnan(series).all(axis=0)
        self._n_times, self.n_channels = series.shape[1:]
        self._offsets = [offset_of_logarithm(channel) for channel in series.T]
        self._block = max(1, self._n_times // LONG)
        n_blocks = self._n_times // self._block
        lags = np.round(np.geomspace(1, max(2, n_blocks // 3), N_LAGS)).astype(int)
        self._lags = [lag for lag in np.unique(lags) if lag < n_blocks - 2]
        self._traced = self._n_times <= TRACED[0] or self._n_times >= TRACED[1]
        rows, _ = self._courses(series)
        self._levels = [np.quantile(channel, LEVELS) for channel in rows.T]

    def _courses(self, series):
        """Transformed series in blocks, and as they are."""
        filled = bridged(np.where(self._missing, np.nan, series), self._missing)
        channels = [
            channel if offset is None else np.log(np.maximum(channel + offset, SMALL))
            for channel, offset in zip(
                np.moveaxis(filled, 2, 0), self._offsets, strict=True
            )
        ]
        courses = np.stack(channels, axis=2)
        n_blocks = self._n_times // self._block
        whole = courses[:, : n_blocks * self._block]
        shape = len(series), n_blocks, self._block, self.n_channels
        return whole.reshape(shape).mean(axis=2), courses

    def __call__(self, series):
        """Summaries of series (n, n_times, n_channels): (n, n_summaries)."""
        blocks, courses = self._courses(series)
        found = []
        with np.errstate(all="ignore"):  # failed simulations are not finite
            for c in range(self.n_channels):
                found += self._of_channel(blocks[..., c], courses[..., c], c)
            if self.n_channels > 1:
                found += [cross_correlations(blocks), vector_autoregression(blocks)]
        return np.concatenate(found, axis=1)

    def _of_channel(self, y, fine, c):
        steps, bends = np.diff(y, axis=1), np.abs(np.diff(fine, 2, axis=1))
        found = [
            quantiles(y, SHARES),
            quantiles(steps, SHARES),
            np.log(quantiles(bends, ROUGHNESS) + SMALL),
            autocorrelations(y, self._lags),
            np.mean(y, axis=1, keepdims=True),
            *(np.log(v.std(axis=1, keepdims=True) + SMALL) for v in (y, steps)),
            autoregression(y),
            next_by_present(y),
        ]
        if self._offsets[c] is not None:
            plain = np.exp(np.minimum(y, 300.0))
            found += [
                autocorrelations(plain, self._lags),
                np.log(np.mean(plain, axis=1, keepdims=True) + SMALL),
                np.log(np.std(plain, axis=1, keepdims=True) + SMALL),
            ]
        for level in self._levels[c]:
            found.append(crossings(y, level, self._traced))
        if self._traced:
            width = max(1, y.shape[1] // N_BLOCKS)
            whole = y[:, : y.shape[1] // width * width]
            found.append(whole.reshape(len(y), -1, width).mean(axis=2))
        else:
            found.append(fine[:, :N_FIRST])
        return found


def offset_of_logarithm(channel):
    """What to add before logarithms of a channel; None where it stays as it is."""
    values = channel[~np.isnan(channel)]
    sd = values.std()
    if values.min() < 0 or sd == 0:
        return None
    skew = np.mean(((values - values.mean()) / sd) ** 3)
    counts = np.all(values == np.round(values))
    if skew <= SKEWED or (values.min() == 0 and not counts):
        return None
    return 1.0 if values.min() == 0 else 0.0


def bridged(series, missing):
    """Series whose missing entries lie on straight lines between their neighbours."""
    if not missing.any():
        return series
    series, times = series.copy(), np.arange(series.shape[1])
    for c in np.flatnonzero(missing.any(axis=0)):
        seen = np.flatnonzero(~missing[:, c])
        holes = times[missing[:, c]]
        right = np.clip(np.searchsorted(seen, holes), 1, max(len(seen) - 1, 1))
        a, b = seen[right - 1], seen[np.minimum(right, len(seen) - 1)]
        share = np.clip((holes - a) / np.maximum(b - a, 1), 0, 1)
        series[:, holes, c] = series[:, a, c] * (1 - share) + series[:, b, c] * share
    return series


def quantiles(values, shares):
    """Quantiles of each row."""
    return np.quantile(values, shares, axis=1).T


def autocorrelations(y, lags):
    """At some lags."""
    away, n = y - y.mean(axis=1, keepdims=True), y.shape[1]
    variance = np.mean(away**2, axis=1) + SMALL
    columns = [np.sum(away[:, : n - lag] * away[:, lag:], axis=1) / n for lag in lags]
    return (
        np.stack(columns, axis=1) / variance[:, None] if columns else np.empty((len(y), 0))
    )


def crossings(y, level, traced):
    """Root of the number of times that a level is crossed, share above, first time."""
    up = (y[:, 1:] > level) & (y[:, :-1] <= level)
    columns = [np.sqrt(up.sum(axis=1)), np.mean(y > level, axis=1)]
    if traced:
        first = np.where(up.any(axis=1), up.argmax(axis=1), y.shape[1]) / y.shape[1]
        columns.append(first)
    return np.stack(columns, axis=1)


def autoregression(y):
    """Coefficients of a cubic autoregression of each row, and the log residual sd."""
    z = (y - y.mean(axis=1, keepdims=True)) / (y.std(axis=1, keepdims=True) + SMALL)
    z, n = np.clip(z, -5, 5), y.shape[1]
    if n <= 2 * ORDER:
        return np.empty((len(y), 0))
    now, past = z[:, ORDER:], [z[:, ORDER - lag : n - lag] for lag in range(1, ORDER + 1)]
    features = np.stack([np.ones_like(now), *past, past[0] ** 2, past[0] ** 3], axis=2)
    return least_squares(features, now[..., None], 1e-3 * n)


def vector_autoregression(y):
    """Coefficients of a first-order vector autoregression, and log residual sds."""
    features = np.concatenate([np.ones((*y[:, 1:].shape[:2], 1)), y[:, :-1]], axis=2)
    return least_squares(features, y[:, 1:], 1e-6 * y.shape[1])


def least_squares(features, targets, ridge):
    """Coefficients of each row's own ridge regression, and log residual sds."""
    transposed = features.swapaxes(1, 2)
    gram = transposed @ features + ridge * np.eye(features.shape[2])
    bad = ~np.isfinite(gram).all(axis=(1, 2))
    gram[bad] = np.eye(features.shape[2])
    coefficients = np.linalg.solve(gram, transposed @ targets)
    residuals = targets - features @ coefficients
    log_sds = np.log(residuals.std(axis=1) + 1e-6)
    return np.hstack([coefficients.reshape(len(features), -1), log_sds])


def next_by_present(y):
    """Mean and log standard deviation of the next value, by the rank of the present one."""
    order = np.argsort(y[:, :-1], axis=1)
    after = np.take_along_axis(y[:, 1:], order, axis=1)
    width = after.shape[1] // N_BINS
    if width < 2:
        return np.empty((len(y), 0))
    bins = after[:, : N_BINS * width].reshape(len(y), N_BINS, width)
    return np.hstack([bins.mean(axis=2), np.log(bins.std(axis=2) + 1e-6)])


def cross_correlations(y):
    """Of each pair of channels, at a few lags."""
    z = (y - y.mean(axis=1, keepdims=True)) / (y.std(axis=1, keepdims=True) + SMALL)
    n, found = y.shape[1], []
    for lag in (lag for lag in CROSS_LAGS if lag < n - 2):
        products = z[:, : n - lag].swapaxes(1, 2) @ z[:, lag:] / (n - lag)
        off = ~np.eye(y.shape[2], dtype=bool)
        found.append(products[:, off])
    return np.concatenate(found, axis=1)
