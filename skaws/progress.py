"""What a fit tells while it runs."""

from time import perf_counter

__all__ = ["Rows", "Silent", "Table", "make_progress"]

WIDTH = 12
PATIENCE = 5.0  # seconds between lines of an answer that takes long


def make_progress(verbose, name, max_iter):
    """Silent for `verbose` = 0; a table of ten rows for 1; of every iteration above."""
    if not verbose:
        return Silent()
    return Table(name, every=max(1, max_iter // 10) if verbose == 1 else 1)


class Silent:
    """Say nothing."""

    def update(self, number, values):
        """Take note of an iteration."""

    def close(self, ending):
        """Take note of the end."""


class Table:
    """Print a row of numbers every so many iterations.

    Parameters
    ----------
    name : str
        Whose table it is.
    every : int
        How many iterations a row stands for.
    """

    def __init__(self, name, every):
        self.name = name
        self.every = every
        self._start = perf_counter()
        self._last = None
        self._titled = False

    def update(self, number, values):
        """Print a row if it is its turn; `values` is a dict of floats."""
        self._last = (number, values)
        if not self._titled:
            titles = ["iteration", *values, "seconds"]
            print(self.name, "".join(f"{title:>{WIDTH + 6}}" for title in titles), sep="\n")
            self._titled = True
            self._print_last()
        elif number % self.every == 0:
            self._print_last()

    def close(self, ending):
        """Print the last row and how the fit ended."""
        if self._last is not None:
            self._print_last()
        print(f"{self.name}: {ending}")
        self._titled = False

    def _print_last(self):
        number, values = self._last
        self._last = None
        numbers = [f"{value:.5g}" for value in values.values()]
        row = [str(number), *numbers, f"{perf_counter() - self._start:.2f}"]
        print("".join(f"{entry:>{WIDTH + 6}}" for entry in row))


class Rows:
    """Print how many rows have an answer, every few seconds.

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

    def update(self, number, values=None):
        """Print a line if it is time; `number` rows are done."""
        now = perf_counter()
        if now - self._last > PATIENCE:
            self._last = now
            done = f"{number} of {self.n_rows} rows"
            print(f"{self.name}: {done}, {now - self._start:.0f} s")
