"""What a fit tells while it runs."""

from math import ceil
from time import perf_counter

__all__ = ["Rows", "Silent", "Table", "make_progress"]

#: Figures that are printed, with titles that leave room for all in 80 columns.
TITLES = {
    "objective": "objective",
    "gain": "gain",
    "gradient_norm": "gradient",
    "regression_error": "error",
    "input_distance": "distance",
    "step": "step",
    "distance": "distance",
}
FIRST, WIDTH = 9, 10  # columns of the number, and of each figure
PATIENCE = 5.0  # seconds between lines of an answer that takes long


def make_progress(verbose, name, max_iter, number=1, n_starts=1):
    """Silent for `verbose` = 0; a table of ten rows for 1; of every iteration above.

    The table is that of start `number` of `n_starts`.
    """
    if not verbose:
        return Silent()
    name = name if n_starts == 1 else f"{name}, start {number} of {n_starts}"
    every = max(1, max_iter // 10) if verbose == 1 else 1
    return Table(name, every, max_iter)


class Silent:
    """Say nothing."""

    def update(self, number, values=None, reached=None):
        """Take note of an iteration, or of rows."""

    def close(self, ending):
        """Take note of the end."""


class Table:
    """Print a row of numbers every so many iterations, with the seconds that are left.

    Parameters
    ----------
    name : str
        Whose table it is.
    every : int
        How many iterations a row stands for.
    max_iter : int
        Of how many there are at most; seconds left are for these.
    """

    def __init__(self, name, every, max_iter):
        self.name = name
        self.every = every
        self.max_iter = max_iter
        self._start = self._first = self._last = None

    def update(self, number, values, reached=None):
        """Print a row if it is its turn; `values` is a dict of floats."""
        self._last = (number, values)
        if self._start is None:
            self._first = number - 1  # of a fit that goes on
            self._start = perf_counter()
            shown = [TITLES[name] for name in values if name in TITLES]
            titles = [*shown, "seconds", "left"]
            print(self.name, row_of("iteration", titles), sep="\n")
            self._print_last()
        elif number % self.every == 0:
            self._print_last()

    def close(self, ending):
        """Print the last row and how the fit ended."""
        if self._last is not None:
            self._print_last()
        print(f"{self.name}: {ending}")
        self._start = None

    def _print_last(self):
        number, values = self._last
        self._last = None
        seconds = perf_counter() - self._start
        done = number - self._first
        left = seconds / done * max(0, self.max_iter - number)
        numbers = [short(values[name]) for name in values if name in TITLES]
        times = [f"{seconds:.1f}", "" if done < 2 else f"< {ceil(left)}"]
        print(row_of(number, [*numbers, *times]))


def short(value):
    """A number that leaves a space before it."""
    full = f"{value:.5g}"
    return full if len(full) < WIDTH else f"{value:.3g}"


def row_of(first, entries):
    """Entries under their titles."""
    row = f"{first:>{FIRST}}" + "".join(f"{entry:>{WIDTH}}" for entry in entries)
    return row.rstrip()


class Rows:
    """Print how many rows have an answer, and seconds left, every few seconds.

    Parameters
    ----------
    name : str
        Whose answers.
    n_rows : int
        How many rows there are.
    """

    def __init__(self, name, n_rows):
        self.name = name
        self.n_rows = n_rows
        self._start = self._last = perf_counter()

    def update(self, number):
        """Print a line if it is time; `number` rows are done."""
        now = perf_counter()
        if now - self._last > PATIENCE:
            self._last = now
            seconds = now - self._start
            left = seconds / number * (self.n_rows - number)
            done = f"{number} of {self.n_rows} rows"
            print(f"{self.name}: {done}, {seconds:.0f} s, {left:.0f} s left")
