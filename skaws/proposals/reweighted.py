"""Wide Student's t under noise with outliers."""

from .student import student_draws

__all__ = ["ReweightedProposal"]


class ReweightedProposal:
    """Student's t about an estimate that outliers do not move; see StudentProposal.

    Parameters
    ----------
    twin : ReweightedGaussian
        The model with Gaussian latents.
    n_draws : int
        Draws for each row, an even number.
    """

    def __init__(self, twin, n_draws):
        self._twin = twin
        self._n_draws = n_draws

    def __call__(self, X):
        return student_draws(*self._twin.posterior(X), self._n_draws)
