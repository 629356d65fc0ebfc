"""What estimators ask of the rows of X, and which rows stand for all of them."""

import warnings

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array, check_consistent_length

from ..batches import dense_rows, is_lazy, row_slices
from ..models.linear_mixing import column_scales
from ..moments import column_moments

__all__ = [
    "check_observed",
    "check_sample_weight",
    "first_rows",
    "in_blocks",
    "merged_rows",
    "representative_rows",
    "streamed_moments",
    "warn_of_constant_columns",
    "warn_of_decimals",
    "warn_of_few_rows",
    "with_missing",
]

N_REPRESENTATIVE = 5000
N_AT_ONCE = 10_000
N_ENTRIES_AT_ONCE = 200_000
N_FIRST = 100  # rows
N_SEEN = 10  # entries of a column, from which to start
FLAT = 0.25  # of a column's variance
DECIDES = 0.5  # share of a variance
N_FOR_LEVERAGE = 50  # rows


def representative_rows(X, sample_weight=None, n_most=N_REPRESENTATIVE):
    """At most `n_most` rows that stand for all, evenly spaced in their weights.

    Float64, NaN where missing.  Rows come in the order of X, as often as their share
    of the weights asks; integer weights on a small table give just the table with its
    rows repeated.  Where a column of a dense table is hardly seen in them, or hardly
    varies, some make room for rows that show it.
    """
    n_samples = X.shape[0]
    if sample_weight is None:
        n_wanted = min(n_samples, n_most)
        if n_wanted == n_samples:
            return dense_rows(X)
        index = ((np.arange(n_wanted) + 0.5) * (n_samples / n_wanted)).astype(int)
    else:
        cumulative = np.cumsum(sample_weight, dtype=float)
        n_used = np.count_nonzero(sample_weight)
        n_wanted = min(max(n_used, round(cumulative[-1])), n_most)
        positions = (np.arange(n_wanted) + 0.5) * (cumulative[-1] / n_wanted)
        index = np.searchsorted(cumulative, positions)
    rows = dense_rows(X, index)
    if not issparse(X):
        rare = rows_of_rare_columns(X, sample_weight, rows)
        places = np.arange(len(rare)) * len(rows) // max(len(rare), 1)
        rows[places] = dense_rows(X, rare)
    return rows


def rows_of_rare_columns(X, sample_weight, rows):
    """Numbers of rows of X with entries that `rows` lack, at most half as many as these.

    Entries of columns that are observed less than ten times in them, though more often in
    X, and those that lie off the mean of columns whose variance in them is too small.
    """
    used = slice(None) if sample_weight is None else np.flatnonzero(sample_weight)
    times, mean, variance = streamed_moments(X, sample_weight)
    own_times = np.sum(~np.isnan(rows), axis=0)
    own_variance = variances_of(rows)
    unseen = own_times < np.minimum(times, N_SEEN)
    flat = ~unseen & (own_variance < FLAT * variance)
    found = []
    for j in np.flatnonzero(unseen | flat):
        column = np.asarray(X[used, j], dtype=float)
        if unseen[j]:
            places = np.flatnonzero(~np.isnan(column))
            wanted = min(N_SEEN, len(places))
        else:
            places = np.flatnonzero((column - mean[j]) ** 2 > variance[j])
            wanted = max(1, round(len(places) * len(rows) / len(column)))
        some = np.linspace(0, len(places) - 1, min(wanted, len(places))).astype(int)
        found.append(places[some])
    if not found:
        return np.zeros(0, dtype=int)
    rare = np.unique(np.concatenate(found))
    most = len(rows) // 2
    rare = rare[np.linspace(0, len(rare) - 1, min(len(rare), most)).astype(int)]
    return rare if sample_weight is None else used[rare]


def variances_of(rows):
    """Variance of each column over its observed entries, zero where there are none."""
    seen = ~np.isnan(rows)
    times = np.maximum(seen.sum(axis=0), 1)
    mean = np.sum(rows, axis=0, where=seen) / times
    return np.sum((rows - mean) ** 2, axis=0, where=seen) / times


def streamed_moments(X, sample_weight):
    """How often each column of X is observed, its mean and variance, batch by batch."""
    n_features = X.shape[1]
    times, weight, first, second = np.zeros((4, n_features))
    centre = None
    for batch in row_slices(X, max(1, N_ENTRIES_AT_ONCE // n_features)):
        rows = dense_rows(X, batch)
        if centre is None:  # that of the first rows: less is lost to rounding
            observed = ~np.isnan(rows)
            counts = np.maximum(observed.sum(axis=0), 1)
            centre = np.sum(rows, axis=0, where=observed) / counts
        weights = np.ones(len(rows)) if sample_weight is None else sample_weight[batch]
        centred = rows - centre
        seen = ~np.isnan(centred)
        if seen.all():
            times += np.count_nonzero(weights)
            weight += np.sum(weights)
        else:
            centred[~seen] = 0.0
            times += (weights > 0).astype(float) @ seen
            weight += weights @ seen
        first += weights @ centred
        centred *= centred
        second += weights @ centred
    weight = np.maximum(weight, np.finfo(float).tiny)
    return times, centre + first / weight, second / weight - (first / weight) ** 2


def check_sample_weight(sample_weight, X):
    """Float64 weights, one a row, or None; raise ValueError if they cannot be used."""
    if sample_weight is None:
        return None
    sample_weight = check_array(
        np.asarray(sample_weight) if is_lazy(sample_weight) else sample_weight,
        ensure_2d=False,
        dtype=float,
        input_name="sample_weight",
    )
    if sample_weight.ndim != 1:
        raise ValueError(
            "sample_weight must have one axis, one weight a row of X; got shape "
            f"{sample_weight.shape}."
        )
    check_consistent_length(X, sample_weight)
    if (sample_weight < 0).any():
        raise ValueError(
            "sample_weight must be non-negative; got values from "
            f"{sample_weight.min():.3g} to {sample_weight.max():.3g}."
        )
    if not sample_weight.any():
        raise ValueError(
            "sample_weight is zero for every row; at least one row needs a positive weight."
        )
    return sample_weight


def merged_rows(X, sample_weight):
    """Distinct rows of X in a fixed order, and the sum of the weights of each.

    What is learnt from a small table then depends neither on the order of its rows nor
    on whether a row is repeated or weighs more, to the last bit.
    """
    sample_weight = np.ones(X.shape[0]) if sample_weight is None else sample_weight
    used = np.flatnonzero(sample_weight)
    # Lightest first: sums of the weights of equal rows then round alike in any order.
    used = used[np.argsort(sample_weight[used], kind="stable")]
    rows = X[used].toarray() if issparse(X) else np.asarray(X[used])
    weights = sample_weight[used]
    missing = np.isnan(rows)  # NaN differs from itself: compare what can be compared
    keys = np.hstack([missing, np.where(missing, 0.0, rows)])
    _, first, place = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return rows[first], np.bincount(place.ravel(), weights=weights)


def with_missing(X):
    """X with NaN for what its container calls missing.

    What is masked in a masked array is missing, and so is ``pd.NA`` in a column of objects.
    """
    if isinstance(X, np.ma.MaskedArray):
        return np.ma.asarray(X, dtype=float).filled(np.nan)
    if hasattr(X, "isna") and hasattr(X, "columns"):  # a DataFrame; others know how
        return X.mask(X.isna(), np.nan) if "object" in map(str, X.dtypes) else X
    return X


def first_rows(X):
    """A few rows of one of dask's tables, in memory: with its type, names and width."""
    if hasattr(X, "head"):  # of a data frame, whose first blocks may be empty
        few = X.partitions[0].compute()[:N_FIRST]
        return few if len(few) else X.head(N_FIRST, npartitions=-1)
    if np.isnan(X.shape[0]):
        X.compute_chunk_sizes()  # of X itself
    return X[:N_FIRST].compute()


def in_blocks(X, name):
    """One of dask's tables as its array of float64, in blocks of whole rows.

    NaN where missing.  Lengths of blocks are found by computing them once, where they are
    not known.  Raise TypeError if blocks are sparse.
    """
    if hasattr(X, "head"):
        width = len(X.columns)
        return X.map_partitions(as_floats, meta=np.empty((0, width))).compute_chunk_sizes()
    if hasattr(X._meta, "tocsr") or hasattr(X._meta, "todense"):
        raise TypeError(
            f"{name} takes blocks of dask that are dense; these are "
            f"{type(X._meta).__name__}. Pass X.map_blocks(lambda block: block.toarray(), "
            "dtype=float), which makes them dense one at a time."
        )
    if isinstance(X._meta, np.ma.MaskedArray):
        X = X.map_blocks(with_missing, meta=np.empty((0, X.shape[1])))
    return X.astype(float).rechunk({1: -1})


def as_floats(frame):
    """Entries of a data frame, NaN where missing."""
    return frame.to_numpy(dtype=float, na_value=np.nan)


def check_observed(X, name, columns=True, sample_weight=None):
    """Raise ValueError if an entry of X is infinite, or a row has no observed entry.

    Columns too, where asked for, in rows that have weight. Sparse tables cannot have any
    missing.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(np.sum(X.data if issparse(X) else X)):
            return
    check_not_infinite(X, name)
    if issparse(X) and np.isnan(X.data).any():
        raise ValueError(
            f"X is a sparse matrix with NaN, but {name} takes what a sparse matrix does "
            "not store as zeros: missing entries can be marked in dense tables only. Pass "
            "X.toarray(), with NaN wherever nothing was observed."
        )
    if issparse(X):
        return
    column_observed = np.zeros(X.shape[1], dtype=bool)
    for batch in row_slices(X, N_AT_ONCE):
        observed = ~np.isnan(np.asarray(X[batch]))
        used = slice(None) if sample_weight is None else sample_weight[batch] > 0
        column_observed |= observed[used].any(axis=0)
        empty = np.flatnonzero(~observed.any(axis=1))
        if len(empty):
            raise ValueError(
                f"Row {batch.start + empty[0]} of X has no observed entry (all NaN); "
                f"{name} needs at least one a row. Drop such rows."
            )
    if columns and not column_observed.all():
        where = "" if sample_weight is None else ", where rows have weight"
        raise ValueError(
            f"Column {np.flatnonzero(~column_observed)[0]} of X has no observed entry "
            f"(all NaN{where}); {name} needs at least one a column. Drop such columns."
        )


def check_not_infinite(X, name):
    """Raise ValueError if an entry of X is infinite; scikit-learn may be told not to."""
    for batch in row_slices(X, N_AT_ONCE):
        rows = dense_rows(X, batch)
        if np.isinf(rows).any():
            row, column = np.argwhere(np.isinf(rows))[0]
            raise ValueError(
                f"{name} needs finite entries; X has infinity in row {batch.start + row}, "
                f"column {column}. Leave such entries out (NaN)."
            )


def warn_of_few_rows(n_rows, n_components, name):
    """Warn if there are more components than rows to learn them from."""
    if n_components is not None and n_components > n_rows:
        warnings.warn(
            f"{name} has n_components={n_components} but only {n_rows} distinct rows to "
            "learn them from. Lower n_components.",
            UserWarning,
            stacklevel=6,
        )


def warn_of_constant_columns(X, rows, name):
    """Warn if a column of X never varies; `rows` are some rows of X."""
    suspects = np.flatnonzero(column_moments(rows)[1] == 0)
    constant = [j for j in suspects if np.nanmax(X[:, j]) == np.nanmin(X[:, j])]
    if constant:
        warnings.warn(
            f"Column(s) {', '.join(map(str, constant))} of X are constant: they say "
            f"nothing of the latents, and {name} gives them no loading. Drop them, with "
            "sklearn.feature_selection.VarianceThreshold for example.",
            UserWarning,
            stacklevel=6,
        )


def warn_of_decimals(rows):
    """Warn if observed entries of `rows` are no whole numbers."""
    if np.any(rows != np.floor(rows), where=~np.isnan(rows)):
        warnings.warn(
            f"X has decimals (mean {np.nanmean(rows):.3g}), but a count likelihood takes "
            "entries for numbers of events, whose noise is the root of their mean: small "
            "shares and scaled values are then mostly noise, parts are lost, and scores "
            "mean little. Pass the counts themselves, or likelihood='gaussian'.",
            UserWarning,
            stacklevel=6,
        )


def warn_of_deciding_row(rows, name):
    """Warn if one row makes most of the variance along some direction."""
    if len(rows) < N_FOR_LEVERAGE:
        return
    away = np.nan_to_num((rows - column_moments(rows)[0]) / column_scales(rows), nan=0.0)
    variances, axes = np.linalg.eigh(away.T @ away)
    used = variances > 1e-10 * variances[-1]
    shares = np.sum((away @ (axes[:, used] / np.sqrt(variances[used]))) ** 2, axis=1)
    largest = int(np.argmax(shares))
    if shares[largest] > DECIDES:
        entry = int(np.argmax(np.abs(away[largest])))
        warnings.warn(
            f"One row of X makes {shares[largest]:.0%} of the variance along its direction "
            f"(its largest entry is {rows[largest, entry]:.3g}, in column {entry}): what "
            f"{name} finds there rests on it. If it is a glitch, set it to NaN or "
            "leave it out; if a source has a heavy tail, see that noise_variance_ is "
            "plausible.",
            UserWarning,
            stacklevel=6,
        )
