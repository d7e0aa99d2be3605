"""One latent bit over many columns: the error of ten draws.

One latent of each side is copied over half of its 50 columns, the others are noise; the
two latents share one bit.

    python benchmarks/latent.py --rows 1000 10000
"""

import argparse
import time

import numpy as np
import torch
from joblib import Parallel, delayed

from sklearn_mine import MINE

N_COLUMNS = 50


def draw(n, seed):
    rng = np.random.default_rng(seed)
    rho = np.sqrt(0.75)  # -log2(1 - rho^2) / 2 = 1
    x = rng.normal(size=n)
    y = rho * x + np.sqrt(1.0 - rho**2) * rng.normal(size=n)
    half = N_COLUMNS // 2
    return tuple(
        np.column_stack([np.tile(z[:, None], half), rng.normal(size=(n, half))])
        for z in (x, y)
    )


def fit(n, seed):
    torch.set_num_threads(1)
    mine = MINE(random_state=0, units="bits").fit(*draw(n, seed))
    return mine.mutual_info_, mine.held_out_bound_


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    args = parser.parse_args()
    print(
        f"{'rows':>7}{'mean':>8}{'RMSE':>8}{'of the bound':>14}{'s a fit':>9}  (bits)"
    )
    for n in args.rows:
        start = time.perf_counter()
        fits = Parallel(args.jobs)(delayed(fit)(n, s) for s in range(args.draws))
        seconds = (time.perf_counter() - start) * args.jobs / args.draws
        estimates, bounds = np.array(fits).T
        error, of_bound = (np.sqrt(((v - 1) ** 2).mean()) for v in (estimates, bounds))
        print(
            f"{n:>7}{estimates.mean():8.3f}{error:8.3f}{of_bound:14.3f}{seconds:9.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
