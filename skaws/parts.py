"""What priors, decoders and likelihoods share: checks in words, and several in a row."""

from .supports import Support

__all__ = ["check_part", "check_support", "numbered", "with_params"]


def check_part(part, base, example, must):
    """Raise TypeError, in words, unless `part` can be that part of a model.

    Parameters
    ----------
    part : object
        What a model is to be composed of.
    base : type
        Class that it must derive from.
    example : str
        Code of a part to give instead.
    must : tuple of str
        Methods that it must have.

    Raises
    ------
    TypeError
        If it is a class, is not derived from `base`, or "lacks the method" of that name.

    Examples
    --------
    >>> from skaws.priors import Prior
    >>> check_part("gaussian", Prior, "Gaussian(2)", ("sample",))
    Traceback (most recent call last):
    ...
    TypeError: The prior of a model must be a Prior; got 'gaussian'. Give one of
    skaws.priors, such as Gaussian(2), or derive a class of your own from
    skaws.priors.Prior.
    """
    kind, home = base.__name__, base.__module__.rpartition(".")[0]
    if isinstance(part, type):
        raise TypeError(
            f"The {kind.lower()} of a model must be a {kind}; got the class "
            f"{part.__name__}. Write {part.__name__}(...), with its settings."
        )
    if not isinstance(part, base):
        module = type(part).__module__
        origin = "" if module == "builtins" else f" of {module}"
        raise TypeError(
            f"The {kind.lower()} of a model must be a {kind}; got {part!r}{origin}. Give "
            f"one of {home}, such as {example}, or derive a class of your own from "
            f"{home}.{kind}."
        )
    for name in must:
        if not callable(getattr(part, name, None)):
            raise TypeError(
                f"{type(part).__name__} lacks the method {name}, which every {kind} must "
                f"have. Write it as {home}.{kind} describes it."
            )


def check_support(support, name):
    """Raise TypeError unless `support`, which an error calls `name`, is a Support.

    Parameters
    ----------
    support : object
        What a part declares.
    name : str
        Where it declares it, such as "Gamma.support".

    Raises
    ------
    TypeError
        If it is a class, a string, or anything else that is no Support.

    Examples
    --------
    >>> check_support("nonnegative", "Waiting.support")
    Traceback (most recent call last):
    ...
    TypeError: Waiting.support must be a Support of skaws.supports; got 'nonnegative'.
    Write Real(), Positive(), Interval(0.0, 1.0), Sphere(), Simplex(), OneHot(), Binary() or
    Integer().
    """
    if isinstance(support, Support):
        return
    if isinstance(support, type) and issubclass(support, Support):
        advice = f"{support.__name__}(), with brackets"
    else:
        advice = (
            "Real(), Positive(), Interval(0.0, 1.0), Sphere(), Simplex(), OneHot(), "
            "Binary() or Integer()"
        )
    raise TypeError(
        f"{name} must be a Support of skaws.supports; got {support!r}. Write {advice}."
    )


def numbered(dicts):
    """Those dictionaries that are not empty, under their numbers ``"0"``, ``"1"``, ...

    Parameters
    ----------
    dicts : iterable of dict
        Params or constraints, one a part.

    Returns
    -------
    tree : dict of dict

    Examples
    --------
    >>> numbered([{"dof": 4.0}, {}, {"shape": 1.0}])
    {'0': {'dof': 4.0}, '2': {'shape': 1.0}}
    """
    return {str(i): entries for i, entries in enumerate(dicts) if entries}


def with_params(parts, params):
    """Each part with its sub-dict of `params`, empty where it has none.

    Parameters
    ----------
    parts : list
        Priors or decoders in a row.
    params : dict of dict
        As :func:`numbered` makes it.

    Returns
    -------
    pairs : list of (part, dict)

    Examples
    --------
    >>> with_params(["first", "second"], {"1": {"dof": 4.0}})
    [('first', {}), ('second', {'dof': 4.0})]
    """
    return [(part, params.get(str(i), {})) for i, part in enumerate(parts)]
