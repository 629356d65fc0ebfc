"""Tables larger than memory: cost and memory as rows, and workers, grow.

A memory map, and a dask array over it, of 20 columns with five factors; for each number of
rows the seconds of a fit, what its parameters are off, and how far memory grew above that
of the process before.  Then passes over the whole table in each step, by one and by two
processes of dask: seconds a step beside the same in memory.  Rows are written to a
temporary folder (160 bytes a row).

    python examples/benchmarks/bench_large.py --rows 1000000 10000000
"""

import argparse
import resource
import sys
import tempfile
import warnings
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread
from time import perf_counter

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster

from skaws import AmortisedFactorAnalysis
from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.objectives import ResidualRegression
from skaws.optimizers import Adam
from skaws.priors import Gaussian
from skaws.wake_sleep import wake_sleep

N_FEATURES, N_FACTORS, AT_ONCE = 20, 5, 200_000
N_STEPS = 30  # of passes over the whole table
N_IN_MEMORY = 1_000_000  # rows of these
#: Workers of dask give freed memory back at once, and each step would ask for it again.
KEEP_FREED = {"MALLOC_TRIM_THRESHOLD_": 2**30, "MALLOC_MMAP_THRESHOLD_": 2**30}


def truth():
    rng = np.random.default_rng(0)
    loadings = rng.standard_normal((N_FACTORS, N_FEATURES))
    return loadings, rng.uniform(0.5, 2.0, N_FEATURES)


def write(path, n_rows):
    """A table of rows, block by block."""
    loadings, variance = truth()
    table = np.lib.format.open_memmap(path, "w+", float, (n_rows, N_FEATURES))
    for start in range(0, n_rows, AT_ONCE):
        rng = np.random.default_rng([1, start])
        n = min(AT_ONCE, n_rows - start)
        noise = np.sqrt(variance) * rng.standard_normal((n, N_FEATURES))
        table[start : start + n] = rng.standard_normal((n, N_FACTORS)) @ loadings + noise
    table.flush()


def opened(path, kind):
    table = np.load(path, mmap_mode="r")
    if kind == "memory map":
        return table
    return da.map_blocks(
        read_block,
        str(path),
        chunks=(block_lengths(len(table)), (N_FEATURES,)),
        meta=np.empty((0, N_FEATURES)),
    )


def block_lengths(n_rows):
    starts = range(0, n_rows, AT_ONCE)
    return tuple(min(AT_ONCE, n_rows - start) for start in starts)


def read_block(path, block_info=None):
    """Each block opens the file by itself, on whatever machine it is computed."""
    (start, stop), _ = block_info[None]["array-location"]
    return np.array(np.load(path, mmap_mode="r")[start:stop])


def fit_once(path, kind, queue):
    """Seconds, error of the covariance and megabytes; in a process of its own."""
    warnings.simplefilter("ignore")
    X, before = opened(path, kind), private_memory()
    highest, done = [before], Event()

    def look():
        while not done.wait(0.01):
            highest.append(private_memory())

    thread = Thread(target=look)
    thread.start()
    start = perf_counter()
    model = AmortisedFactorAnalysis(N_FACTORS, random_state=0).fit(X)
    seconds = perf_counter() - start
    done.set()
    thread.join()
    loadings, variance = truth()
    exact = loadings.T @ loadings + np.diag(variance)
    error = np.linalg.norm(model.get_covariance() - exact) / np.linalg.norm(exact)
    queue.put((seconds, error, max(highest) - before, model.n_iter_))


def private_memory():
    """Megabytes that are the process's own: pages of a memory map are the system's."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["RssAnon"].split()[0]) / 1024


def in_a_process(*arguments):
    """What :func:`fit_once` finds."""
    context = get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=fit_once, args=(*arguments, queue))
    process.start()
    found = queue.get()
    process.join()
    return found


def seconds_a_step(X):
    """Of exact passes over the whole table."""
    model = LatentVariableModel(Gaussian(N_FACTORS), Linear(), GaussianNoise())
    rng = np.random.default_rng(0)
    params = model.init_params(np.asarray(X[:1000]), rng)
    how = {"objective": ResidualRegression(), "batch_size": X.shape[0]}
    loop = wake_sleep(model, X, params, Adam(), rng=rng, **how)
    next(loop)
    start = perf_counter()
    *_, last = islice(loop, N_STEPS)
    return (perf_counter() - start) / N_STEPS, last.objective


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 10_000_000])
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{n_rows}.npy" for n_rows in options.rows]
        print("Fits by mini-batches; seconds, error of the covariance, megabytes, steps")
        for path, n_rows in zip(paths, options.rows, strict=True):
            write(path, n_rows)
            for kind in ("memory map", "dask array"):
                found = in_a_process(str(path), kind)
                figures = "{:6.1f} s  {:.4f}  {:5.0f} MB  {} steps".format(*found)
                print(f"{n_rows:>10} {kind:>12}  {figures}", flush=True)
        print(f"Exact passes over {N_IN_MEMORY} rows; seconds a step, objective")
        write(paths[0], N_IN_MEMORY)
        X = np.load(paths[0])
        print("{:>30}  {:6.2f} s  {:.6f}".format("memory", *seconds_a_step(X)), flush=True)
        for n_workers, environment in ((1, None), (1, KEEP_FREED), (2, KEEP_FREED)):
            how = {"n_workers": n_workers, "threads_per_worker": 1}
            if environment is not None:
                dask.config.set({"distributed.nanny.pre-spawn-environ": environment})
            with LocalCluster(**how, dashboard_address=":0") as cluster, Client(cluster):
                blocks = opened(paths[0], "dask array").persist()
                found = seconds_a_step(blocks)
            name = f"dask, {n_workers} process(es)" + ("" if environment else ", as it is")
            print("{:>30}  {:6.2f} s  {:.6f}".format(name, *found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
