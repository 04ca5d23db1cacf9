"""What the worker processes of one machine do: sift pieces of files, judge parts of patients.

Workers are spawned, so that they begin with nothing but their arguments. One that dies takes its
part with it: the part is tried once more alone, then named.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from service.backtest.patient_record import Run
from service.backtest.scratch import write_whole
from service.backtest.sift import UNREADABLE_FILE, Sifter, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from fhir_mappings.terminology import Terminology
    from service.backtest.export import Piece
    from service.backtest.plan import Plan
    from service.backtest.sift import Sifted

_Task = TypeVar("_Task")
_FLUSH = 256 * 1024
SEPARATOR = "\x1f"
"""Between the columns of a sifted file: JSON holds no such character unescaped."""

_SEPARATOR = SEPARATOR.encode()


@dataclass(frozen=True, slots=True)
class Setting:
    """What each worker is started with. `load` reads the terminology; the plan may come later."""

    load: Callable[[], Terminology]


_terminology: list[Terminology] = []


def start(setting: Setting) -> None:
    """Begin a worker. An interrupt is the parent's to handle; without the parent it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()
    _terminology[:] = [setting.load()]
    # What lives as long as the worker is not looked at again at every collection.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _end_after(parent: int) -> None:
    """A worker whose parent was killed would wait for work for ever, with patients in memory."""
    connection.wait([parent])
    os._exit(1)


def sift_piece(task: tuple[Piece, Path, str]) -> None:
    """Sift a piece of a file in a worker; done already: nothing."""
    piece, folder, name = task
    if not (folder / f"{name}.counts").exists():
        sift_into(Sifter(_terminology[0]), piece, folder, name)


def sift_into(sifter: Sifter, piece: Piece, folder: Path, name: str) -> None:
    """Write what is read of one piece of a file, and what was counted, beside each other."""
    path = folder / f"{name}.csv"
    unfinished = folder / f"{name}.csv.part"
    with unfinished.open("wb") as file:
        held: list[bytes] = []
        size = 0
        for found in _sifted(piece, sifter):
            row = _row(found.who, found.refers, found.line)
            held.append(row)
            size += len(row)
            if size > _FLUSH:
                file.write(b"".join(held))
                held, size = [], 0
        file.write(b"".join(held))
    unfinished.replace(path)
    for kind, rows in (("aliases", sifter.aliases), ("shared", sifter.shared)):
        lines = b"".join(_row(*each) for each in rows)
        write_whole(folder / f"{name}.{kind}", lines)
    counted = msgspec.msgpack.encode((piece.file.name, sifter.counts))
    write_whole(folder / f"{name}.counts", counted)


def _sifted(piece: Piece, sifter: Sifter) -> Iterator[Sifted]:
    for line in _to_its_end(piece, sifter):
        found = sifter.sift(line)
        if found is not None:
            yield found
        elif sifter.is_full:
            yield from sifter.set_aside()
    yield from sifter.set_aside()


def _to_its_end(piece: Piece, sifter: Sifter) -> Iterator[bytes]:
    """Yield the lines of a piece; a file that breaks off is counted. Writing may still fail."""
    try:
        yield from lines_of(piece)
    except UNREADABLE_FILE:
        sifter.counts.unreadable["the file ends before its end"] += 1


def _row(*columns: str | bytes) -> bytes:
    cells = [each if isinstance(each, bytes) else _cell(each) for each in columns]
    return _SEPARATOR.join(cells) + b"\n"


def _cell(text: str) -> bytes:
    if not text.isprintable():
        text = "".join(each if each >= " " else " " for each in text)
    return text.encode("utf-8", "replace")


def run_of(plan: Plan, key: str) -> Run:
    """Return what this worker judges with."""
    return Run(plan, _terminology[0], key)


@dataclass(slots=True)
class Workers:
    """A pool of worker processes that outlives the death of one."""

    setting: Setting
    number: int
    _pool: ProcessPoolExecutor | None = None

    def each(
        self, work: Callable[[_Task], Any], tasks: Sequence[_Task]
    ) -> Iterator[tuple[_Task, bool]]:
        """Do all tasks; yield each with whether it was done. Whatever `work` raises goes on."""
        waiting = list(reversed(tasks))
        running: dict[Any, _Task] = {}
        alone: list[_Task] = []
        while waiting or running:
            pool = self._running()
            try:
                while waiting and len(running) < 2 * self.number:
                    running[pool.submit(work, waiting[-1])] = waiting[-1]
                    waiting.pop()
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                    yield running.pop(future), True
            except BrokenProcessPool:
                alone += running.values()
                running = {}
                self.stop()
        for task in alone:
            yield task, self._alone(work, task)

    def _alone(self, work: Callable[[_Task], Any], task: _Task) -> bool:
        with self._made(1) as pool:
            try:
                pool.submit(work, task).result()
            except BrokenProcessPool:
                return False
            return True

    def _running(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = self._made(self.number)
        return self._pool

    def _made(self, number: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            number,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=start,
            initargs=(self.setting,),
        )

    def stop(self) -> None:
        """End the workers and wait for them."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):
                process.terminate()
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
