"""
==============
A million rows
==============

A table of a million rows need not be in memory: :func:`~sklearn_mine.mine_score` reads
a memory-mapped array a few columns at a time. With so many rows it can measure very
little information, and this example shows how little. For data that come in pieces
there is :meth:`MINE.partial_fit <sklearn_mine.MINE.partial_fit>`.
"""

# %%
# A table on disk
# ---------------
# Each column is ``a h(y)`` plus normal noise, where y is normal and h(y) has variance
# 1: y itself, or its square, centred and scaled. It tells ln(1 + a²) / 2 nats (of the
# squares a hundredth less where `a` is largest). Eight columns are noise alone. Rows
# are written in pieces, so that the table is never in memory as a whole.
import tempfile
from pathlib import Path

import numpy as np

n_rows, piece = 1_000_000, 100_000
a = np.repeat(np.geomspace(0.3, 0.003, 6), 2)
truth = np.r_[0.5 * np.log1p(a**2), np.zeros(8)]
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "table.npy"
table = np.lib.format.open_memmap(path, "w+", np.float32, (n_rows, 20))
rng = np.random.default_rng(0)
y = rng.normal(size=n_rows).astype(np.float32)
for start in range(0, n_rows, piece):
    rows = slice(start, start + piece)
    table[rows] = rng.normal(size=(piece, 20))
    table[rows, 0:12:2] += a[0::2] * y[rows, None]
    table[rows, 1:12:2] += a[1::2] * (y[rows, None] ** 2 - 1.0) / np.sqrt(2.0)
table.flush()

# %%
# Score it
# --------
# What is counted of memory is what Python and numpy asked for while it ran; pages of
# the file that the system keeps at hand are not in it.
import time
import tracemalloc

from sklearn_mine import mine_score

table = np.load(path, mmap_mode="r")
tracemalloc.start()
start = time.perf_counter()
nats, p_values, errors = mine_score(table, y, random_state=0, return_std=True)
seconds, (_, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
tracemalloc.stop()
print(f"{table.shape[0]:,} x {table.shape[1]} in {seconds:.0f} s")
print(f"table {table.nbytes / 2**20:.0f} MiB, beside it {peak / 2**20:.0f} MiB")
print("     truth      nats  std error  p-value")
for j in (*range(12), 12, 13):
    print(f"{truth[j]:10.6f}{nats[j]:10.6f}{errors[j]:11.6f}{p_values[j]:9.0e}")

# %%
# Columns are told from noise down to about a hundred-thousandth of a nat. That is far
# less than anybody needs. With a million rows nearly every real column has a small
# p-value, and the question is how much it tells, not whether.
#
# At this size standard errors are so small that other errors show. The square that
# tells most comes out several of them too low: what critics miss is not in a standard
# error.
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
for first, marker, label in ((0, "o", "a y + noise"), (1, "s", "a y² + noise")):
    tells = np.arange(first, 12, 2)
    ax.errorbar(
        truth[tells], nats[tells], 2 * errors[tells], fmt=marker, ms=5, label=label
    )
ax.axhspan(0, np.abs(nats[12:]).max(), color="#b8c4cc", label="columns of noise")
ax.plot(truth[:12], truth[:12], color="#333333", linewidth=0.8, zorder=0)
ax.set(xscale="log", xlabel="true information, nats", ylabel="score, nats")
ax.set_yscale("symlog", linthresh=1e-6)
ax.set_ylim(-2e-6, 0.1)
_ = ax.legend(frameon=False)

# %%
# In pieces
# ---------
# Data that are nowhere in one place, or grow, are given piece by piece, and no piece is
# kept. Each is scored by the critics of all earlier ones before it teaches them.
from sklearn_mine import MINE

mine = MINE(random_state=0)
for start in range(0, n_rows, piece):
    mine.partial_fit(table[start : start + piece, :1], y[start : start + piece])
print(f"first column: {mine.mutual_info_:.4f} +- {mine.std_error_:.4f} nats")
del table
folder.cleanup()
