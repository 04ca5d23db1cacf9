"""`make` on a machine that lacks something: one sentence, before anything is written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def _set_up(folder: Path, *, environment: dict[str, str] | None = None) -> str:
    """Run the set-up of a copy; returns its standard error."""
    done = subprocess.run(
        [sys.executable, str(folder / "tools" / "set_up.py"), "demo"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode == 2
    assert not (folder / ".venv").exists()
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the set-up script and what it reads."""
    (tmp_path / "tools").mkdir()
    for name in ("tools/set_up.py", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    return tmp_path


def test_a_python_that_is_too_old_is_told_which_one_is_needed(copy: Path) -> None:
    script = copy / "tools" / "set_up.py"
    script.write_text(script.read_text("utf-8").replace("OLDEST = (3, 11)", "OLDEST = (4, 0)"))
    assert "Python 3.11 or newer is needed" in _set_up(copy)


def test_a_missing_venv_module_names_the_package_that_has_it(copy: Path) -> None:
    absent = copy / "absent"
    absent.mkdir()
    (absent / "ensurepip.py").write_text("raise ImportError")
    said = _set_up(copy, environment={"PYTHONPATH": str(absent)})
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"apt-get install python{version}-venv" in said


def test_the_script_itself_is_readable_by_old_interpreters() -> None:
    """What is too old must get as far as the sentence that says so."""
    source = (ROOT / "tools" / "set_up.py").read_text("utf-8")
    compile(source, "set_up.py", "exec", dont_inherit=True)
    assert 'f"' not in source
    assert "->" not in source
    assert "from __future__" not in source


def test_locks_name_only_the_public_index() -> None:
    text = (ROOT / "uv.lock").read_text("utf-8") + (ROOT / "constraints.txt").read_text("utf-8")
    urls = [word.strip("\"',") for word in text.split() if "://" in word]
    hosts = {url.split("/")[2] for url in urls}
    assert hosts == {"pypi.org", "files.pythonhosted.org"}
