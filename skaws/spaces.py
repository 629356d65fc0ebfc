"""Spaces: named, nested arrays for people, flat real vectors for computation.

The only border between the two, for parameters and for latents.  A *leaf* of a nested
dictionary is an array of natural values; a vector holds the real coordinates of all leaves,
one after the other in the dictionary's order.  Latents are leaves with a common first axis,
one row a sample, and may be a single array.
"""

from itertools import count

import autograd.numpy as anp
import numpy as np
from autograd.extend import SparseObject, defvjp, primitive, vspace

from .supports import (
    Columns,
    Fixed,
    Real,
    Support,
    Unknown,
    codes_of,
    combined,
    read_support,
)

__all__ = [
    "LATENTS",
    "Space",
    "columns_of",
    "latents_of",
    "leaves",
    "map_leaves",
    "read_space",
    "rows_of",
    "shift",
    "stack",
]

#: Path of latents that are a single array.
LATENTS = ("latents",)


def leaves(tree, path=()):
    """Yield ``(path, leaf)`` for every leaf of a nested dictionary."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def look_up(tree, path, default=None):
    """Entry of a nested dictionary at `path`, or `default` where there is none."""
    for key in path:
        if not isinstance(tree, dict) or key not in tree:
            return default
        tree = tree[key]
    return tree


def from_leaves(pairs):
    """Nested dictionary with the given ``(path, leaf)`` pairs."""
    tree = {}
    for path, leaf in pairs:
        branch = tree
        for key in path[:-1]:
            branch = branch.setdefault(key, {})
        branch[path[-1]] = leaf
    return tree


def map_leaves(function, *trees):
    """Tree (or array) of `function` of the leaves of trees of one structure."""
    if isinstance(trees[0], dict):
        return {key: map_leaves(function, *(t[key] for t in trees)) for key in trees[0]}
    return function(*trees)


def rows_of(latents, index):
    """Some rows of latents, an array or a dictionary of arrays."""
    return map_leaves(lambda array: array[index], latents)


def stack(blocks):
    """Blocks of latents, one after another, along the first axis."""
    if len(blocks) == 1:
        return blocks[0]
    return map_leaves(lambda *arrays: np.concatenate(arrays), *blocks)


def merged_axes(leaf):
    """Draws of all rows, one after another: the first two axes as one."""
    return leaf.reshape(leaf.shape[0] * leaf.shape[1], *leaf.shape[2:])


def first_shape(latents):
    """Shape of the first leaf."""
    while isinstance(latents, dict):
        latents = next(iter(latents.values()))
    return latents.shape


def columns_of(latents):
    """Latents as one table, shape (n, n_columns): arrays side by side, axes merged."""
    arrays = [array for _, array in leaves(as_tree(latents))]
    if len(arrays) == 1 and arrays[0].ndim == 2:
        return arrays[0]
    return np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)


def latents_of(columns, space):
    """Latents of a space from one table, the inverse of :func:`columns_of`."""
    shapes = space.shapes
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    parts = np.split(columns, np.cumsum(sizes)[:-1], axis=1)
    found = [
        (path, part.reshape(len(columns), *shape))
        for (path, shape), part in zip(shapes.items(), parts, strict=True)
    ]
    return found[0][1] if list(shapes) == [LATENTS] else from_leaves(found)


def as_tree(value):
    return value if isinstance(value, dict) else {LATENTS[0]: value}


def shift(params, step, constraints):
    """Move every leaf of `params` by `step` in its real coordinates.

    Parameters
    ----------
    params : nested dict of arrays
        Natural values.
    step : nested dict of arrays
        Displacements along the same paths, of the shape of real coordinates; may be on
        autograd's tape.
    constraints : nested dict of Support
        Supports along the same paths; ``Real()`` where there is none.

    Returns
    -------
    params : nested dict of arrays
    """
    return from_leaves(
        (path, look_up(constraints, path, Real()).move(value, look_up(step, path)))
        for path, value in leaves(params)
    )


class Group:
    """Neighbouring columns of a leaf that share one support."""

    def __init__(self, path, value, support, columns=slice(None)):
        self.path = path
        self.support = support
        self.columns = columns
        self.value = value
        self.real_shape = support.real_shape(np.shape(value))
        self.size = int(np.prod(self.real_shape))
        # Values of each code, or None.
        shape = np.shape(value)
        own = support.alphabets(shape[-1]) if shape else None
        self.alphabets = None if own is None else own * int(np.prod(shape[:-1]))

    @property
    def has_coordinates(self):
        """Whether values are described by real coordinates, by codes, or are fixed."""
        return has_real_coordinates(self.support) or self.alphabets is not None


def has_real_coordinates(support):
    """Whether a support has real coordinates, if only none as fixed values have."""
    return isinstance(support, Fixed) or hasattr(support, "from_real")


class Space:
    """The border between named arrays and flat vectors of real coordinates.

    Parameters
    ----------
    template : nested dict of arrays, or array
        Any valid value; fixes paths, shapes and order, and holds what is
        :class:`skaws.supports.Fixed`. An array may stand alone where there is a first axis
        of samples.
    supports : nested dict of Support, or Support, default=None
        Supports along the same paths; ``Real()`` where there is none.
    batched : bool, default=False
        Whether leaves have a first axis of samples, as latents do: vectors are then
        matrices, (n, size). A leaf of shape (n,) is one column.

    Attributes
    ----------
    size : int
        Number of real coordinates.
    alphabets : list of arrays of shape (n_values, n_group)
        Values of each of the `codes` of latents that take finite numbers of values.

    Raises
    ------
    TypeError
        If the template is no dict, a leaf no array of real numbers, a support no Support,
        or one that a parameter "cannot be learnt" or latents cannot live in.
    ValueError
        If a leaf "must be above 0", say, by its support and is not, if supports name what
        "is not" there, if latents have different numbers of samples, or, in ``flatten``, if
        "params lack" a leaf or latents have "no real coordinates".

    Examples
    --------
    Parameters:

    >>> from skaws.supports import Binary, Positive
    >>> space = Space({"noise": np.ones(2), "mean": 0.5}, {"noise": Positive()})
    >>> space.flatten({"noise": np.ones(2), "mean": 0.5}).tolist()
    [0.0, 0.0, 0.5]
    >>> space.name(1)
    'noise[1]'

    Latents, ten samples:

    >>> latents = {"present": np.ones((10, 1)), "level": np.zeros((10, 2))}
    >>> space = Space(latents, {"present": Binary()}, batched=True)
    >>> space.flatten(latents).shape, space.codes(latents).shape
    ((10, 2), (10, 1))
    """

    def __init__(self, template, supports=None, batched=False):
        self.batched = batched
        self._is_tree = isinstance(template, dict)
        self._template = as_tree(template)
        check_types(template, supports, batched)
        if batched:
            check_rows(self._template)
        self.supports = as_tree(supports) if supports is not None else {}
        check_names(self._template, self.supports, batched)
        self._groups = list(self._make_groups())
        # One sample is enough from here on.
        self._template = map_leaves(lambda a: a[:1] if batched else a, self._template)
        self.size = sum(group.size for group in self._groups)
        self._finite = [group for group in self._groups if group.alphabets is not None]
        self.alphabets = [one for group in self._finite for one in group.alphabets]
        self._lacking = [group for group in self._groups if not group.has_coordinates]
        # Looked up once: the loop asks for them in each iteration.
        own = leaves(self._template)
        self._supports = [(path, look_up(self.supports, path, Real())) for path, _ in own]
        # Tables of real numbers are their own coordinates.
        self._is_flat = (
            not self._is_tree
            and np.ndim(template) == 2
            and isinstance(self.latent_support, Real)
        )

    def _make_groups(self):
        for path, value in leaves(self._template):
            support = look_up(self.supports, path, Real())
            value = self._as_columns(as_numbers(value, path, self.batched))
            check_value(value, support, path, self.batched)
            one = value[0].copy() if self.batched else value
            if not isinstance(support, Columns):
                yield Group(path, one, support)
                continue
            edges = np.cumsum([0, *(n for _, n in support.parts)])
            for (part, _), low, high in zip(support.parts, edges, edges[1:], strict=False):
                yield Group(path, one[..., low:high], part, slice(low, high))

    def _as_columns(self, value):
        """Latents of shape (n,) as a single column; other values as they are."""
        return value[:, None] if self.batched and np.ndim(value) == 1 else value

    @property
    def is_finite(self):
        """Whether there are no real coordinates, only codes."""
        return bool(self.alphabets) and len(self._finite) == len(self._groups)

    @property
    def has_coordinates(self):
        """Whether every latent is described by real coordinates and codes."""
        return not self._lacking

    @property
    def latent_support(self):
        """Support of latents that are an array, or dictionary of those of several."""
        return from_leaves(self._supports) if self._is_tree else self._supports[0][1]

    @property
    def finite_groups(self):
        """Support of each group of finite columns, and the places of its codes."""
        edges = np.cumsum([0, *(len(group.alphabets) for group in self._finite)])
        return [
            (group.support, slice(low, high))
            for group, low, high in zip(self._finite, edges, edges[1:], strict=False)
        ]

    def replaced(self, support, other):
        """The space with `other` in the place of one of its supports."""

        def instead(own):
            if isinstance(own, Columns):
                return Columns([(instead(part), n) for part, n in own.parts])
            return other if own is support else own

        supports = from_leaves((path, instead(own)) for path, own in self._supports)
        if self._is_tree:
            return Space(self._template, supports, self.batched)
        return Space(self._template[LATENTS[0]], supports[LATENTS[0]], self.batched)

    @property
    def shapes(self):
        """Shape of a sample of each leaf, by path."""
        return {
            path: np.shape(value)[1:] if self.batched else np.shape(value)
            for path, value in leaves(self._template)
        }

    def contains(self, value):
        """Whether every leaf lies in its support."""
        return self.outside(value) is None

    def outside(self, value):
        """Name of a leaf that lies outside its support; None if there is none."""
        return self._first(value, lambda support, own: not support.contains(own))

    def at_edge(self, value):
        """Name of a leaf that is outside its support, or at its edge; else None."""
        return self._first(value, lambda support, own: support.at_edge(own))

    def _first(self, value, holds):
        value = as_tree(value)
        for path in self.shapes:
            support = look_up(self.supports, path, Real())
            own = np.asarray(look_up(value, path), dtype=float)
            if holds(support, self._as_columns(own)):
                return ".".join(path)
        return None

    def flatten(self, value):
        """Real coordinates, shape (size,); (n, size) of samples."""
        if self._is_flat:
            return np.asarray(value, dtype=float)
        tree = as_tree(value)
        self._check_coordinates()
        parts = [g.support.to_real(self._part(tree, g)) for g in self._groups]
        return self._joined(parts, self._n_samples(tree))

    def _check_coordinates(self):
        for group in self._lacking:
            raise ValueError(
                f"{title(group.path, self.batched)} ({group.support}) have no "
                "real coordinates. Choose a posterior that needs none, or declare a "
                "support that has some."
            )

    def _part(self, tree, group):
        value = look_up(tree, group.path)
        if value is None:
            raise ValueError(
                f"{'latents' if self.batched else 'params'} lack {'.'.join(group.path)}; "
                "give a value for every leaf of the space."
            )
        value = self._as_columns(np.asarray(value, dtype=float))
        return value if group.columns == slice(None) else value[..., group.columns]

    def _n_samples(self, tree):
        return len(next(leaves(tree))[1]) if self.batched else None

    def _joined(self, parts, n_samples):
        if not self.batched:
            return np.concatenate([np.ravel(part) for part in parts] or [np.zeros(0)])
        return np.concatenate([part.reshape(n_samples, -1) for part in parts], axis=1)

    def unflatten(self, vector, codes=None):
        """Natural values at real coordinates, and at `codes` for finite supports."""
        if self._is_flat:
            return vector
        self._check_coordinates()
        return self._natural(self._split(vector), codes, len(vector))

    def _split(self, vector):
        """Real coordinates of each group."""
        start, parts = 0, []
        for group in self._groups:
            shape = (len(vector), *group.real_shape) if self.batched else group.real_shape
            parts.append(part_of(vector, start, start + group.size, shape))
            start += group.size
        return parts

    def _natural(self, parts, codes, n_samples):
        values, place = {}, count()
        for group, part in zip(self._groups, parts, strict=True):
            if isinstance(group.support, Fixed):
                value = group.value
            elif group.alphabets is None:
                value = group.support.from_real(part)
            else:
                rows = [alphabet[codes[:, next(place)]] for alphabet in group.alphabets]
                value = np.hstack(rows).reshape(n_samples, *np.shape(group.value))
            values.setdefault(group.path, []).append(value)
        tree = from_leaves((path, self._leaf(path, own)) for path, own in values.items())
        return tree if self._is_tree else tree[LATENTS[0]]

    def _leaf(self, path, parts):
        """Natural value of a leaf from those of its groups of columns."""
        value = parts[0] if len(parts) == 1 else anp.concatenate(parts, axis=-1)
        alone = self.batched and np.ndim(look_up(self._template, path)) == 1
        return value[:, 0] if alone else value

    def codes(self, latents):
        """Number of the value that each finite group of columns has, (n, n_codes)."""
        tree, columns = as_tree(latents), []
        for group in self._finite:
            part = self._part(tree, group).reshape(self._n_samples(tree), -1)
            edges = np.cumsum([alphabet.shape[1] for alphabet in group.alphabets])[:-1]
            pieces = np.split(part, edges, axis=1)
            pairs = zip(pieces, group.alphabets, strict=True)
            columns += [codes_of(piece, alphabet) for piece, alphabet in pairs]
        n_samples = self._n_samples(tree)
        return np.stack(columns, axis=1) if columns else np.zeros((n_samples, 0), int)

    def values(self, limit=4096):
        """All latents of a finite space, or None if there are more than `limit`."""
        if not self.is_finite:
            return None
        sizes = [np.arange(len(alphabet))[:, None] for alphabet in self.alphabets]
        codes = combined(sizes, limit)
        return None if codes is None else self.unflatten(np.zeros((len(codes), 0)), codes)

    def log_det_jacobian(self, vector):
        """Logarithm of the volume of latents to that of real coordinates, (n,)."""
        total = anp.zeros(len(vector))
        if self._is_flat:
            return total
        for group, part in zip(self._groups, self._split(vector), strict=True):
            if group.size:
                own = group.support.log_det_jacobian(part)
                total = total + anp.sum(anp.reshape(own, (len(vector), -1)), axis=1)
        return total

    def around(self, latents):
        """The space with coordinates about each row of `latents`."""
        tree = as_tree(latents)
        supports = from_leaves(
            (path, look_up(self.supports, path, Real()).around(value))
            for path, value in leaves(tree)
        )
        return Space(latents, supports if self._is_tree else supports[LATENTS[0]], True)

    def split(self, vector):
        """The vector cut into a nested dict of real coordinates, for ``shift``."""
        pairs = zip(self._groups, self._split(vector), strict=True)
        return from_leaves((group.path, part) for group, part in pairs)

    def name(self, index):
        """Name of one coordinate of the vector, ``"decoder.mean[3]"``."""
        for group in self._groups:
            if index < group.size:
                place = np.unravel_index(index, group.real_shape)
                shown = f"[{', '.join(map(str, place))}]" if group.real_shape else ""
                return ".".join(group.path) + shown
            index -= group.size
        raise IndexError(f"coordinate is {index + 1} beyond the size {self.size}")


@primitive
def part_of(vector, start, stop, shape):
    """Slice of the last axis, reshaped.

    One node on autograd's tape: the derivative of a slice of its own is added up entry by
    entry, which took a twentieth of an iteration.
    """
    return np.reshape(vector[..., start:stop], shape)


@primitive
def put_back(g, start, stop, space):
    """The derivative of a slice, as what is added to that of the whole."""

    def add_to(whole):
        whole[..., start:stop] += np.reshape(g, (*whole.shape[:-1], stop - start))
        return whole

    return SparseObject(space, add_to)


defvjp(
    part_of,
    lambda _, vector, start, stop, shape: (
        lambda g: put_back(g, start, stop, vspace(vector))
    ),
    argnums=(0,),
)
defvjp(
    put_back,
    lambda _, g, start, stop, space: lambda h: part_of(h, start, stop, np.shape(g)),
    argnums=(0,),
)


def check_types(template, supports, batched):
    """Raise TypeError if params are no dict, or a support is none."""
    if not batched and not isinstance(template, dict):
        raise TypeError(
            f"params must be a dict of arrays, which may be nested; got {template!r}. Let "
            "init_params return one."
        )
    for path, support in leaves(as_tree(supports) if supports is not None else {}):
        if not isinstance(support, Support):
            raise TypeError(
                f"The support of {'.'.join(path)} must be a Support, such as Positive() of "
                f"skaws.supports; got {support!r}."
            )
        if batched and isinstance(support, Fixed):
            raise TypeError(
                f"Latents cannot be Fixed(), as {'.'.join(path)} is declared: that is for "
                "params. Give the values that they take."
            )
        if not batched and not has_real_coordinates(support):
            raise TypeError(
                f"Parameter {'.'.join(path)} cannot be learnt in {support!r}, which has no "
                "real coordinates. Use another support, such as Positive(), or Fixed()."
            )


def check_names(template, supports, batched):
    """Raise ValueError if there is a support of what is not there."""
    known = {path for path, _ in leaves(template)}
    unknown = [path for path, _ in leaves(supports) if path not in known]
    if not unknown:
        return
    name, names = ".".join(unknown[0]), sorted(".".join(path) for path in known)
    if not batched:
        raise ValueError(
            f"constraints name {name}, which is not a parameter; the parameters are "
            f"{names}."
        )
    if unknown[0] == LATENTS:
        raise ValueError(
            "latent_support must be a dict along the paths of the latents, which are "
            f"{names}; got {supports[name]}."
        )
    raise ValueError(
        f"latent_support names {name}, which is not one of the latents; these are {names}."
    )


def check_rows(template):
    """Raise ValueError if arrays of latents have different numbers of samples."""
    shapes = {".".join(path): np.shape(value) for path, value in leaves(template)}
    if len({shape[:1] for shape in shapes.values()}) > 1 or () in shapes.values():
        raise ValueError(
            f"Latents must have one first axis, a row a sample; got shapes {shapes}. Let "
            "sample return arrays of n_samples rows."
        )


def check_value(value, support, path, batched):
    """Raise ValueError if a leaf does not lie in its support."""
    if support.contains(value):
        return
    found = (
        f"values from {np.min(value):.3g} to {np.max(value):.3g}" if value.size else "none"
    )
    advice = (
        "Let sample return others, or change latent_support."
        if batched
        else "Return valid values from init_params or change its constraint."
    )
    raise ValueError(
        f"{title(path, batched)} must be {support.description}; got {found}. {advice}"
    )


def as_numbers(value, path, batched):
    """Float array of a leaf; raise TypeError if it holds anything but real numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        advice = (
            "Let sample return codes of what is no number."
            if batched
            else "What is not learnt belongs into the functions, not into params."
        )
        raise TypeError(
            f"{title(path, batched)} must be a number or an array of numbers; got "
            f"{value!r}. {advice}"
        )
    return array.astype(float)


def title(path, batched):
    """What an error calls a leaf."""
    if path == LATENTS:
        return "Latents"
    return f"{'Latents' if batched else 'Parameter'} {'.'.join(path)}"


def read_space(latents, declared=None):
    """The space of simulated latents: of declared supports, or of the narrowest ones.

    Parameters
    ----------
    latents : array or nested dict of arrays
        Simulations, thousands of them where supports are to be read.
    declared : Support or nested dict of Support, default=None
        Supports that are known; others are read off (:func:`skaws.supports.read_support`).

    Returns
    -------
    space : Space

    Raises
    ------
    ValueError
        If simulated latents are not in the support that was declared for them.

    Examples
    --------
    >>> read_space(np.random.default_rng(0).exponential(size=(1000, 1))).latent_support
    Positive()
    """
    tree = as_tree(latents)
    known = {} if declared is None else as_tree(declared)
    supports = {}
    for path, value in leaves(tree):
        support = look_up(known, path)
        value = as_numbers(value, path, batched=True)
        check_value(value, Unknown(), path, batched=True)
        supports[path] = read_support(value) if support is None else support
    supports = from_leaves(supports.items())
    return Space(
        latents, supports if isinstance(latents, dict) else supports[LATENTS[0]], True
    )
