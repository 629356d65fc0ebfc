"""Pairs of latents and observations drawn from a model, and where its latents live.

The only place where a model's sampler is called for learning: simulated rows get the holes
and the given columns of real rows, and simulated latents say what supports were read off.
"""

from typing import NamedTuple

import numpy as np

from .spaces import (
    LATENTS,
    Space,
    as_tree,
    from_leaves,
    leaves,
    look_up,
    map_leaves,
    read_space,
    stack,
)
from .supports import (
    Binary,
    Columns,
    Counts,
    Finite,
    Integer,
    Interval,
    Positive,
    Real,
    Unknown,
    side_by_side,
)

__all__ = ["Simulations", "latent_space", "simulate"]

MOST_VALUES = 4096  # that are summed over, where one product gives all log joints
MOST_PAIRED = 256  # and where each pair is a row of its own
N_READ = 10_000  # simulations that supports are read off
N_DECLARED = 100  # simulations that show the form of latents of declared supports


class Simulations(NamedTuple):
    """What the sleep phase leaves.

    Attributes
    ----------
    latents : array of shape (n, ...) or nested dict of arrays
        Draws from the model.
    observations : array of shape (n, n_features)
        What they gave, with the missing entries (NaN) of real rows; given columns last.
    space : Space
        Of the latents.
    posterior : FittedPosterior or None
        Fitted on these pairs.
    """

    latents: object
    observations: np.ndarray
    space: Space
    posterior: object = None


def simulate(model, params, n_samples, rng, space=None, like=None):
    """Draw pairs that look like real rows.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict of arrays
        What to draw from.
    n_samples : int
        Number of pairs.
    rng : numpy.random.Generator
        Source of randomness.
    space : Space, default=None
        Of the latents, as an earlier call returned it; None finds it. If simulated latents
        have left supports that were read off, these are widened.
    like : array of shape (m, n_features), default=None
        Real rows, from which the missing entries and the given columns of simulated ones
        are drawn.

    Returns
    -------
    simulations : Simulations

    Raises
    ------
    ValueError, FloatingPointError
        If simulated observations "are not finite", or not of shape (n_samples,
        n_features).

    Examples
    --------
    >>> from skaws.models import FunctionModel
    >>> def sample(params, n_samples, rng):
    ...     z = rng.exponential(size=(n_samples, 1))
    ...     return z, z + rng.standard_normal((n_samples, 1))
    >>> model = FunctionModel(sample, None, None)
    >>> simulate(model, {}, 5, np.random.default_rng(0)).space.latent_support
    Positive()
    """
    if space is None:
        space = latent_space(model, params, like)
    latents, observations = draw(model, params, n_samples, rng, like)
    if not space.contains(latents):
        space = widened(space, latents, model, params, like)
    return Simulations(latents, observations, space)


def draw(model, params, n_samples, rng, like=None):
    """Latents and observations, with holes and given columns of rows drawn from `like`."""
    holes = False
    if model.n_given and like is None:
        raise ValueError(
            f"{type(model).__name__} has {model.n_given} given columns, which simulated "
            "rows are to share with real ones. Pass real rows, like=X, or the space of the "
            "latents, latent_space(model, params, like=X)."
        )
    if like is not None and (model.n_given or np.isnan(like).any()):
        some = np.asarray(like[rng.integers(len(like), size=n_samples)])
        holes = np.isnan(some)
        given = some[:, like.shape[1] - model.n_given :]
    if model.n_given:
        latents, observations = model.sample(params, n_samples, rng, given)
    else:
        latents, observations = model.sample(params, n_samples, rng)
    check_observations(model, observations, n_samples)
    if np.any(holes):
        observations = np.where(holes, np.nan, observations)
    return map_leaves(as_floats, latents), as_floats(observations)


def as_floats(array):
    """Simulated labels and counts may come as integers or booleans."""
    return np.asarray(array, dtype=float)


def check_observations(model, observations, n_samples):
    """Raise if simulated observations have the wrong shape or are not finite."""
    name = f"sample of {type(model).__name__}"
    if np.ndim(observations) != 2 or len(observations) != n_samples:
        raise ValueError(
            f"{name} returned observations of shape {np.shape(observations)}, expected "
            f"({n_samples}, n_features): one row a sample, two axes."
        )
    if not np.isfinite(observations).all():
        raise FloatingPointError(
            f"{name} returned observations that are not finite. Lower learning_rate, "
            "or constrain the parameters that can make it overflow."
        )


def latent_space(model, params, like=None):
    """The space of a model's latents: supports it declares, or else the narrowest ones.

    Parameters
    ----------
    model, params, like
        As in :func:`simulate`.

    Returns
    -------
    space : Space

    Raises
    ------
    ValueError
        If simulated latents lie outside a declared support.

    Examples
    --------
    >>> from skaws.models import FunctionModel
    >>> def sample(params, n_samples, rng):
    ...     z = rng.integers(2, size=(n_samples, 1)) * 1.0
    ...     return z, z + rng.standard_normal((n_samples, 1))
    >>> latent_space(FunctionModel(sample, None, None), {}).latent_support
    Binary()
    """
    rng, declared = np.random.default_rng(0), model.latent_support
    latents, _ = draw(model, params, N_DECLARED, rng, like)
    if isinstance(latents, dict):
        known = dict(leaves(declared if isinstance(declared, dict) else {}))
        paths = [path for path, _ in leaves(latents)]
        if declared is not None and not isinstance(declared, dict):
            known = dict.fromkeys(paths, declared)  # one support for all
            declared = from_leaves(known.items())
        complete = known.keys() >= set(paths)
    else:
        complete = declared is not None
    if not complete:
        latents, _ = draw(model, params, N_READ, rng, like)
    try:
        space = read_space(latents, declared)
        return space if declared is None else with_counts(space, declared, model, latents)
    except ValueError as error:
        raise ValueError(
            f"latent_support of {type(model).__name__} does not hold what sample returns: "
            f"{error}"
        ) from None


def most_values(model):
    """How many values latents may take that are summed over."""
    return MOST_VALUES if hasattr(model, "log_joint_matrix") else MOST_PAIRED


def with_counts(space, declared, model, latents):
    """The space whose declared whole numbers without end are counts to be summed over.

    They stay what they are where too many combinations of them were drawn already.
    """
    tree, supports = as_tree(latents), dict(leaves(as_tree(declared)))
    if not any(is_endless(own) for own in supports.values()):
        return space
    before = leaves(as_tree(space.latent_support))
    new = from_leaves(
        (path, counted(own, look_up(tree, path)) if path in supports else own)
        for path, own in before
    )
    alone = not isinstance(latents, dict)
    found = Space(latents, new[LATENTS[0]] if alone else new, batched=True)
    return space if found.values(most_values(model) // 2) is None else found


def has_counts(support):
    """Whether values are counts, or some columns are."""
    parts = support.parts if isinstance(support, Columns) else [(support, 1)]
    return any(isinstance(own, Counts) for own, _ in parts)


def is_endless(support):
    """Whether values are whole numbers without end, or some columns are."""
    if isinstance(support, Columns):
        return any(is_endless(own) for own, _ in support.parts)
    return isinstance(support, Integer) and not np.all(np.isfinite(support.bounds))


def counted(support, drawn):
    """Counts as far as they were drawn, in place of whole numbers without end."""
    if isinstance(support, Columns):
        edges = np.cumsum([0, *(n for _, n in support.parts)])
        pairs = zip(support.parts, edges, edges[1:], strict=False)
        return Columns([(counted(own, drawn[..., a:b]), n) for (own, n), a, b in pairs])
    if not is_endless(support):
        return support
    low, high = support.bounds
    least = low if np.isfinite(low) else np.min(drawn)
    most = high if np.isfinite(high) else max(np.max(drawn), least + 1)
    return Counts(int(least), int(most), not np.isfinite(low))


def widened(space, latents, model, params, like):
    """The space of supports that hold those of before, and what the model draws now.

    Those that were declared stay as they are.
    """
    before = dict(leaves(as_tree(space.latent_support)))
    open_paths = set(before) - declared_paths(model, before)
    if not open_paths:
        return space
    drawn, _ = draw(model, params, N_READ, np.random.default_rng(0), like)
    both = stack([latents, drawn])
    now = dict(leaves(as_tree(read_space(both).latent_support)))

    def wider(path, own):
        seen = now[path]
        if has_counts(own):  # which go on, however many have been seen
            seen = counted(seen, look_up(as_tree(both), path))
        return joined(own, seen)

    supports = from_leaves(
        (path, wider(path, own) if path in open_paths else own)
        for path, own in before.items()
    )
    supports = supports if isinstance(latents, dict) else supports[LATENTS[0]]
    return Space(both, supports, batched=True)


def declared_paths(model, paths):
    """Those of the paths of latents whose support the model declares."""
    declared = model.latent_support
    if isinstance(declared, dict):
        return {path for path, own in leaves(declared) if not is_endless(own)}
    return set() if declared is None or is_endless(declared) else set(paths)


def joined(one, other):
    """The narrowest support that holds two others of the same columns."""
    if one == other:
        return one
    if isinstance(one, Columns) or isinstance(other, Columns):
        return joined_columns(one, other)
    if isinstance(one, Counts) or isinstance(other, Counts):
        return joined_counts(one, other)
    rows = joined_rows(one, other)
    if rows is not None:
        return Finite(rows)
    low, high = np.transpose([one.bounds, other.bounds])
    low, high = float(low.min()), float(high.max())
    if is_whole(one) and is_whole(other):
        low = int(low) if np.isfinite(low) else low
        return Integer(low, int(high) if np.isfinite(high) else None)
    if not is_continuous(one) or not is_continuous(other):
        return Unknown()
    if np.isfinite(high):
        return Interval(low, high)
    return Positive(low) if np.isfinite(low) else Real()


def joined_counts(one, other):
    """Counts, joined with other whole numbers."""
    if not (is_whole(one) and is_whole(other)):
        return Unknown()
    low, high = np.transpose([edges_of(one), edges_of(other)])
    below = any(getattr(own, "open_below", False) for own in (one, other))
    return Counts(int(low.min()), int(high.max()), below)


def edges_of(support):
    """Least and largest of whole numbers."""
    return (
        (support.rows.min(), support.rows.max())
        if isinstance(support, Finite)
        else support.bounds
    )


def joined_columns(one, other):
    """Supports of columns joined group by group, where the groups are the same."""
    width = next(
        sum(n for _, n in own.parts) for own in (one, other) if isinstance(own, Columns)
    )
    groups = [groups_of(support, width) for support in (one, other)]
    if [n for _, n in groups[0]] != [n for _, n in groups[1]]:
        return Unknown()
    pairs = zip(*groups, strict=True)
    return side_by_side([(joined(a, b), n) for (a, n), (b, _) in pairs])


def groups_of(support, width):
    """Supports of whole rows with their widths, and of single columns."""
    parts = support.parts if isinstance(support, Columns) else [(support, width)]
    split = ([(own, n)] if own.of_rows else [(own, 1)] * n for own, n in parts)
    return [group for groups in split for group in groups]


def joined_rows(one, other):
    """All rows of two finite supports, at least one of them a table; else None."""
    widths = {np.shape(own.rows)[1] for own in (one, other) if isinstance(own, Finite)}
    if len(widths) != 1:
        return None
    (width,) = widths
    tables = [own.values(width) for own in (one, other)]
    if any(table is None for table in tables):
        return None
    return np.unique(np.concatenate(tables), axis=0)


def is_whole(support):
    """Whether values are whole numbers, entry by entry."""
    if isinstance(support, Finite):
        return np.array_equal(support.rows, np.round(support.rows))
    return isinstance(support, (Binary, Integer))


def is_continuous(support):
    """Whether entries are the real numbers between two bounds."""
    return isinstance(support, (Real, Positive, Interval))
