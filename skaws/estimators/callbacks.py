"""scikit-learn's callbacks, in versions that have them (1.9 and later)."""

from functools import partial

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # none can be set

    class CallbackSupportMixin:
        """Has no ``set_callbacks``."""

    def with_callbacks(method):
        """The method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "context_of", "watched", "with_callbacks"]


def context_of(estimator, X, n_starts):
    """Context of a whole fit of `n_starts`, or None where there are no callbacks.

    Starts may run side by side, so that each has a number.
    """
    if not getattr(estimator, "_skl_callbacks", ()):
        return None
    context = estimator._init_callback_context(
        max_subtasks=n_starts, sequential_subtasks=False
    )
    context.call_on_fit_task_begin(estimator=estimator, X=X)
    return context


def watched(progress, estimator, context, number, max_iter, attributes=None):
    """`progress`, or what tells it and the callbacks of `estimator` of start `number`.

    Parameters
    ----------
    progress : Silent or Table
        What is told anyway.
    estimator : estimator
        Who fits.
    context : CallbackContext or None
        Of the whole fit.
    number : int
        Of the start.
    max_iter : int
        Largest number of its iterations.
    attributes : callable, default=None
        ``attributes(reached)``: those of an estimator that had stopped there.
    """
    if context is None:
        return progress
    start = context.subcontext("start", task_id=number, max_subtasks=max_iter)
    return Watched(progress, estimator, start, attributes)


class Watched:
    """Tells callbacks of each iteration, each a task of scikit-learn's.

    A callback that asks for the end is obeyed as a user who interrupts: nothing learnt is
    lost.
    """

    def __init__(self, progress, estimator, context, attributes):
        self.progress = progress
        self.estimator = estimator
        self.context = context
        self.attributes = attributes
        context.call_on_fit_task_begin(estimator=estimator)

    def update(self, number, values, reached=None):
        """Tell of iteration `number`, after which the fit had `reached` this."""
        self.progress.update(number, values, reached)
        task = self.context.subcontext("iteration")
        task.call_on_fit_task_begin(estimator=self.estimator)
        stop = task.call_on_fit_task_end(
            estimator=self.estimator,
            metadata=values,
            reconstruction_attributes=self.attributes and partial(self.attributes, reached),
        )
        if stop:
            raise KeyboardInterrupt

    def close(self, ending):
        """Tell that the start has ended."""
        self.progress.close(ending)
        self.context.call_on_fit_task_end(estimator=self.estimator)
