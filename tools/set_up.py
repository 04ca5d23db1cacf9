"""Makes .venv with the extras named on the command line: python3 tools/set_up.py demo test lint

Standard library only, and written for old interpreters too, so that a Python that is too old is
told so in one sentence. Does nothing when the environment already fits (see `_fingerprint`).
"""

import hashlib
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, ".venv")
STAMP = os.path.join(FOLDER, ".installed")
OLDEST = (3, 11)
TELL_EVERY = 3.0
"""Seconds between two lines of progress."""


def stop(sentence):
    """End with one sentence and exit code 2."""
    sys.stderr.write("heme-hooks: " + sentence + "\n")
    sys.exit(2)


def check_python():
    """Refuse an interpreter that is too old or cannot make environments."""
    version = ".".join(str(part) for part in sys.version_info[:2])
    if sys.version_info < OLDEST:
        stop(
            "Python 3.11 or newer is needed and %s is %s; name another one with "
            "make PYTHON=/path/to/python3.11." % (sys.executable, version)
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop(
            "this Python has no venv or ensurepip module; on Debian and Ubuntu run: "
            "apt-get install python%s-venv" % version
        )


def _fingerprint():
    """What an environment must have been made from: pyproject, constraints and interpreter."""
    digest = hashlib.sha256(sys.version.encode() + ROOT.encode())
    for name in ("pyproject.toml", "constraints.txt"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def _installed():
    try:
        with open(STAMP) as file:
            fingerprint, extras = file.read().split("\n")[:2]
    except (OSError, ValueError):
        return set()
    return set(extras.split(",")) if fingerprint == _fingerprint() else set()


def python_of_venv():
    """The interpreter inside .venv."""
    return os.path.join(FOLDER, "Scripts" if os.name == "nt" else "bin", "python")


def _run(command, sentence):
    if subprocess.call(command, cwd=ROOT) != 0:
        stop(sentence)


def _install(command, sentence):
    """Run pip, telling how far it is; what it said is shown only when it fails."""
    began = time.time()
    told = began
    packages, said = 0, []
    pip = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True
    )
    for line in pip.stdout:
        said.append(line)
        packages += line.startswith("Collecting ")
        if line.startswith("Installing collected"):
            _tell("unpacking %d packages" % packages)
        elif time.time() - told > TELL_EVERY:
            told = time.time()
            _tell("%d packages so far" % packages if packages else "asking PyPI")
    if pip.wait() != 0:
        sys.stderr.write("".join(said[-20:]))
        stop(sentence)
    _tell("done in %d seconds" % (time.time() - began))


def _tell(what):
    print("  " + what)
    sys.stdout.flush()


def _usable():
    """Whether .venv has a working interpreter."""
    try:
        return subprocess.call([python_of_venv(), "-c", ""], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def main(extras):
    """Make or update .venv; quick when nothing changed."""
    check_python()
    installed = _installed()
    if installed.issuperset(extras):
        return
    wanted = ",".join(sorted(installed.union(extras)))
    print("Setting up .venv (once; needs PyPI, a minute or two) ...")
    sys.stdout.flush()
    if not _usable():
        _tell("making the environment")
        _run(
            [sys.executable, "-m", "venv", "--clear", FOLDER],
            "the environment could not be made in %s; the lines above say why." % FOLDER,
        )
    pip = [python_of_venv(), "-m", "pip", "--disable-pip-version-check", "install"]
    _install(
        pip + ["--constraint", "constraints.txt", "--editable", ".[%s]" % wanted],
        "the packages could not be installed; the lines above say why (PyPI must be reachable).",
    )
    with open(STAMP, "w") as file:
        file.write("%s\n%s\n" % (_fingerprint(), wanted))


if __name__ == "__main__":
    main(sys.argv[1:])
