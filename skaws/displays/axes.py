"""Where pictures are drawn."""

__all__ = ["axes_or_new", "grid_of_axes", "new_figure"]


def new_figure(size):
    """A figure of pyplot; ImportError, in words, where there is no matplotlib."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib. Install it with: pip install matplotlib"
        ) from error
    return plt.figure(figsize=size, layout="constrained")


def axes_or_new(ax, size):
    """The axes, or those of a new figure."""
    return new_figure(size).subplots() if ax is None else ax


def grid_of_axes(figure, n_axes, n_columns, size):
    """So many axes in rows of `n_columns`, each of a `size`, on `figure` or a new one."""
    n_columns = min(n_axes, n_columns)
    n_rows = -(-n_axes // n_columns)
    if figure is None:
        figure = new_figure((size[0] * n_columns, size[1] * n_rows))
    grid = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for axis in grid[n_axes:]:
        axis.set_axis_off()
    return figure, list(grid[:n_axes])
