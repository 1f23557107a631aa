"""Keep some of this machine's cores busy, to see how the course runs beside other programs.

Each of N processes multiplies 512 x 512 float32 matrices on one thread until it is stopped (Ctrl-C, or a kill of the
process that was started here, which takes the others along).

    python tools/busy.py 2
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time


def compute(parent: int) -> None:
    """Multiply until the process that started this one is gone."""
    # One thread, by every name that a matrix library reads; so it has to be said before numpy is imported.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    import numpy as np

    matrix = np.random.default_rng(0).standard_normal((512, 512), dtype=np.float32)
    while os.getppid() == parent:
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            matrix @ matrix


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=int, metavar="N", help="how many, each of one thread")
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.programs < 1:
        parser.error(f"N is {options.programs}: give at least 1")
    if options.parent is not None:
        compute(options.parent)
        return 0
    command = [sys.executable, __file__, "1", "--parent", str(os.getpid())]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    children = []
    try:
        children += [subprocess.Popen(command) for _ in range(options.programs)]
        for child in children:
            child.wait()
    except KeyboardInterrupt:
        pass
    finally:
        for child in children:
            child.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
