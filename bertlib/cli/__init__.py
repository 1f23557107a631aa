"""The commands of `python -m bertlib`, one a file: each describes its options and runs."""

import argparse
import sys
from collections.abc import Sequence


def run_command(parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> int:
    """Run one command; what a person can mend is said in one line, without a traceback.

    Returns:
        0; 1 if a check or lesson failed; 2 if the input was wrong.
    """
    for stream in (sys.stdout, sys.stderr):  # Windows' code pages lack ✓ and ×, which is no reason to die
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
