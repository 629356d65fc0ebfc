"""No regression, but a running mean of what draws show of the information."""

from .mean import MeanRegression

__all__ = ["RunningInformation"]

LEAST_SHARE = 0.1  # of the latest


class RunningInformation(MeanRegression):
    """Keeps the information of :class:`skaws.objectives.WeightedDraws`; predicts nothing.

    It is a running mean over batches.  Where a batch shows more, its own counts: no step is
    then longer than the batch's rows ask for.

    Attributes
    ----------
    information_ : object
        With ``averaged(fresh, share)`` and ``at_least(fresh)``, after the first update.

    Examples
    --------
    >>> class Number(float):
    ...     def averaged(self, fresh, share):
    ...         return Number(self + share * (fresh - self))
    ...
    ...     def at_least(self, fresh):
    ...         return max(self, fresh)
    >>> regression = RunningInformation()
    >>> for value in (3.0, 1.0):
    ...     regression.update(Number(value))
    >>> regression.information_
    2.0
    """

    def update(self, fresh):
        """Take in the information that a batch shows."""
        self._n_updates = getattr(self, "_n_updates", 0) + 1
        share = max(1 / self._n_updates, LEAST_SHARE)
        first = self._n_updates == 1
        self._mean = fresh if first else self._mean.averaged(fresh, share)
        self.information_ = self._mean.at_least(fresh)
