"""
=============
Many machines
=============

:func:`~sklearn_mine.mine_score` hands its columns out through joblib, so that any of
joblib's backends will do, with workers on this machine or on others. Here it is dask.
The numbers do not depend on where they are made.
"""

# %%
# A table, and a clock
# --------------------
import time

import numpy as np

from sklearn_mine import mine_score

rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 200))
y = X[:, 0] + X[:, 1] ** 2 + rng.normal(size=2000)


def scored(where):
    """Scores and p-values, and how long they took."""
    start = time.perf_counter()
    results = mine_score(X, y, random_state=0, n_jobs=2)
    print(f"{where}: {time.perf_counter() - start:.1f} s")
    return np.array(results)


# %%
# Here, and on workers
# --------------------
# A `LocalCluster` stands in for a cluster: its two workers are processes of this
# machine. Where there is a scheduler, ``Client("scheduler:8786")`` takes its place, and
# sklearn_mine has to be installed with every worker. Only what stands inside
# ``parallel_config`` goes to the workers.
#
# Workers on the same machine import the script's file when they start. The line with
# ``__name__`` keeps them from starting workers of their own.
import logging

from distributed import Client, LocalCluster
from joblib import parallel_config

if __name__ == "__main__":
    here = scored("two threads of this process")
    # Errors alone: a busy machine warns that workers take seconds to end.
    quiet = {"dashboard_address": None, "silence_logs": logging.ERROR}
    start = time.perf_counter()
    with LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster:
        with Client(cluster), parallel_config(backend="dask"):
            print(f"starting two workers: {time.perf_counter() - start:.1f} s")
            there = scored("two workers, first call")
            scored("two workers, second call")
    print(f"largest difference of scores: {np.abs(there[0] - here[0]).max():.1g}")
    print(f"largest difference of p-values: {np.abs(there[1] - here[1]).max():.1g}")
    print("best columns:", *here[0].argsort()[::-1][:2])

# %%
# On one machine this does not pay: before the workers can begin, each has to start and
# to import torch. Workers on other machines pay where there are many columns and many
# of them go the long way, of networks that are trained by gradient.
