"""A stop that loses no call: readiness turns red, time passes, the port closes, calls end.

A listening socket that is closed resets every connection of which the handshake has just ended and
which nobody has accepted yet. A proxy takes such a connection for made, and must not send the call
again: its token is good for one. So new handshakes are ignored for a moment before the port closes;
the proxy repeats its own after a second, is refused then, and goes to the next instance.
"""

from __future__ import annotations

import ctypes
import mmap
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTLE = 0.01
"""Seconds for handshakes that have begun: several times the way through a data center."""

_SO_ATTACH_FILTER = 26
_TCP_FLAGS, _SYN_ACK, _SYN = 13, 0x12, 0x02
_ONLY_LATER_PACKETS = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, _TCP_FLAGS),  # load the byte of the flags
        (0x54, 0, 0, _SYN_ACK),  # keep SYN and ACK
        (0x15, 0, 1, _SYN),  # the first packet of a handshake?
        (0x06, 0, 0, 0),  # dropped
        (0x06, 0, 0, 0xFFFFFFFF),  # taken
    )
)
"""A classic BPF program: linux/filter.h, `man 7 socket`, SO_ATTACH_FILTER."""

_stopping = mmap.mmap(-1, 1)
"""Shared by the master and the workers that are forked from it."""


def is_stopping() -> bool:
    """Whether this instance has been told to stop."""
    return _stopping[0] != 0


def ignore_new_handshakes(listeners: Iterable[socket.socket]) -> None:
    """Let a listening TCP socket answer no new handshake; those that have begun go on.

    For Linux; elsewhere nothing is changed. It holds for every process that shares the socket.
    """
    program = ctypes.create_string_buffer(_ONLY_LATER_PACKETS)
    length = len(_ONLY_LATER_PACKETS) // struct.calcsize("HBBI")
    described = struct.pack("HP", length, ctypes.addressof(program))
    for listener in listeners:
        if listener.family in {socket.AF_INET, socket.AF_INET6}:
            try:
                listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
            except OSError:
                return


def stop_in_order(server: Any, drain: float) -> None:  # noqa: ANN401  gunicorn's own
    """Make a graceful stop of gunicorn's master begin with `drain` seconds of red readiness."""
    stop = server.stop

    def ordered(graceful: bool = True) -> None:  # noqa: FBT001, FBT002  gunicorn's own
        if graceful and not _is_shared(server):
            _stopping[0] = 1
            time.sleep(drain)
            ignore_new_handshakes(listener.sock for listener in server.LISTENERS)
            time.sleep(SETTLE)
        stop(graceful)

    server.stop = ordered


def _is_shared(server: Any) -> bool:  # noqa: ANN401  gunicorn's own
    """Whether the port stays open in another process: systemd, or a master started by USR2."""
    return bool(server.systemd or server.reexec_pid or server.master_pid)
