"""Fetches the browser libraries that are kept in the tree: python3 tools/vendor.py

Each comes from npm at the version below, unchanged, with its licence beside it; `vendored.json`
notes where every file came from and its SHA-256, which a test compares. Needs npm.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join("service", "static", "vendor")
TESTS = os.path.join("tests", "browser", "vendor")
WANTED = [
    (PAGE, "marked", "18.2.1", ["lib/marked.esm.js", "LICENSE"]),
    (PAGE, "dompurify", "3.4.18", ["dist/purify.es.mjs", "LICENSE"]),
    (TESTS, "axe-core", "4.14.1", ["axe.min.js", "LICENSE", "LICENSE-3RD-PARTY.txt"]),
]


def fetch(package, version, folder):
    """Download one package of npm; return its open archive."""
    name = "%s@%s" % (package, version)
    command = [shutil.which("npm"), "pack", "--silent", name]
    packed = subprocess.check_output(command, cwd=folder, text=True)
    return tarfile.open(os.path.join(folder, packed.strip().splitlines()[-1]))


def keep(archive, wanted, place):
    """Write the wanted files flat into `place`; return their names and sums."""
    os.makedirs(os.path.join(ROOT, place), exist_ok=True)
    sums = {}
    for path in wanted:
        content = archive.extractfile("package/" + path).read()
        name = os.path.basename(path)
        with open(os.path.join(ROOT, place, name), "wb") as file:
            file.write(content)
        sums[name] = hashlib.sha256(content).hexdigest()
    return sums


def main():
    """Fetch everything again."""
    notes = {}
    for base, package, version, wanted in WANTED:
        with tempfile.TemporaryDirectory() as folder, fetch(package, version, folder) as archive:
            sums = keep(archive, wanted, os.path.join(base, package))
        notes.setdefault(base, {})[package] = {"version": version, "sha256": sums}
    for base, packages in notes.items():
        with open(os.path.join(ROOT, base, "vendored.json"), "w") as file:
            json.dump(packages, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
