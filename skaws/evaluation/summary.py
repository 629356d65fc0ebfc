"""A small table of what was learnt, for people and for programs."""

from html import escape

import numpy as np

__all__ = ["Summary", "feature_names"]

N_SHOWN = 30  # rows of the text


class Summary:
    """Table of a fitted estimator: ``print`` it, or take its ``to_frame()``.

    Parameters
    ----------
    title : str
        Whose table it is.
    columns : dict of str to sequence
        Entries of each column, one for each row; the first names the rows.
    notes : list of str
        What else there is to say, one line each.

    Examples
    --------
    >>> columns = {"component": [0, 1], "share": [0.7, 0.2], "largest": ["a, b", "c"]}
    >>> table = Summary("Toy", columns, ["converged after 10 iterations"])
    >>> print(table)
    Toy
    component  share  largest
            0    0.7  a, b
            1    0.2  c
    converged after 10 iterations
    >>> table.to_frame().shape
    (2, 2)
    """

    def __init__(self, title, columns, notes=()):
        self.title = title
        self.columns = columns
        self.notes = list(notes)

    def to_frame(self):
        """The table as a ``pandas.DataFrame``, indexed by its first column.

        Returns
        -------
        frame : pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "to_frame needs pandas. Install it with: pip install pandas"
            ) from error
        return pd.DataFrame(self.columns).set_index(next(iter(self.columns)))

    def __repr__(self):
        return str(self)

    def _repr_html_(self):
        """The table as notebooks show it."""
        rows = zip(*self.columns.values(), strict=True)
        body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
        table = f"<table><thead><tr>{cells('th', self.columns)}</tr></thead>{body}</table>"
        notes = "<br>".join(map(escape, self.notes))
        return f"<p><b>{escape(self.title)}</b></p>{table}<p>{notes}</p>"

    def __str__(self):
        blocks = [aligned(title, own) for title, own in self.columns.items()]
        lines = ["  ".join(row).rstrip() for row in zip(*blocks, strict=True)]
        if len(next(iter(self.columns.values()))) > N_SHOWN:
            lines.append("...")
        return "\n".join([self.title, *lines, *self.notes])


def cells(tag, entries):
    """Cells of one row in HTML."""
    texts = (e if isinstance(e, str) else number(e) for e in entries)
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)


def aligned(title, entries):
    """Title and entries of a column at one width, words left and numbers right."""
    entries = list(entries)[:N_SHOWN]
    words = any(isinstance(entry, str) for entry in entries)
    texts = [title, *(entry if words else number(entry) for entry in entries)]
    width = max(map(len, texts))
    return [text.ljust(width) if words else text.rjust(width) for text in texts]


def number(value):
    """Four digits of a number; whole ones as they are."""
    return str(value) if isinstance(value, (int, np.integer)) else f"{value:.4g}"


def feature_names(estimator):
    """Names of the columns that an estimator was fitted to."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        return [f"x{j}" for j in range(estimator.n_features_in_)]
    return list(map(str, names))
