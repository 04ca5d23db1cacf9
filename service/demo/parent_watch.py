"""Run a command that must not outlive the process that started it.

`python -m service.demo.parent_watch COMMAND...`

The starter keeps our standard input open. When that closes, for whatever reason, or when we are
told to end, the command is ended too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main(command: list[str]) -> int:
    """Run the command to its end and return its exit code."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  our own arguments

    def watch() -> None:
        while os.read(0, 1024):
            pass
        child.terminate()

    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    threading.Thread(target=watch, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
