"""Look at one case, ``python -m tests.fuzz 1234``, or at many: ``--fits 1000``."""

import argparse
import sys
from collections import Counter

from joblib import Parallel, delayed

from .laws import faults_of


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int)
    parser.add_argument("--fits", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(argv)
    seeds = [*options.seeds, *range(options.first, options.first + options.fits)]
    found = Parallel(n_jobs=options.jobs, return_as="generator")(
        delayed(faults_of)(seed) for seed in seeds
    )
    kinds, n_faulty = Counter(), 0
    for words, faults in found:
        if faults or options.seeds:
            print(words, *(f"    {fault}" for fault in faults), sep="\n", flush=True)
        n_faulty += bool(faults)
        kinds.update({fault.split(":")[0].split(" of ")[0] for fault in faults})
    print(f"{len(seeds)} fits, {n_faulty} with a fault")
    for kind, times in kinds.most_common():
        print(f"{times:6d}  {kind}")
    return n_faulty > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
