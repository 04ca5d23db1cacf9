"""Several requests at the same time under one deadline."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from service.fhir_client.failures import Failure, FailureKind, FetchFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from service.fhir_client.deadline import Deadline

Key = TypeVar("Key", bound="Hashable")
Pages = tuple[bytes, ...]


def run_side_by_side(
    tasks: Mapping[Key, Callable[[], Pages]],
    deadline: Deadline,
    workers: int,
    hurried: Mapping[Key, Deadline] | None = None,
) -> dict[Key, Pages | Failure]:
    """Run the tasks, at most `workers` at a time; answer for each at the deadline at the latest.

    `hurried` names tasks with an earlier deadline: once the others are done, nobody waits longer
    for them. A task that raises FetchFailed, or that is not done by then, gives a Failure. Sockets
    still waiting at the deadline are cut, so that no thread outlives the call for long.
    """
    if not tasks:
        return {}
    executor = ThreadPoolExecutor(min(workers, len(tasks)), thread_name_prefix="fhir")
    try:
        # A context of its own for each task: the request id must reach its log lines.
        futures = {
            key: executor.submit(copy_context().run, _attempt, task) for key, task in tasks.items()
        }
        early = {key: own for key, own in (hurried or {}).items() if key in futures}
        others = [future for key, future in futures.items() if key not in early]
        late = wait(others, timeout=deadline.remaining).not_done
        if late:
            deadline.cut()
        for key, own in early.items():
            if over := wait([futures[key]], timeout=own.remaining).not_done:
                own.cut()
                late |= over
        # One that ends because its socket was just cut says anything but the true reason.
        return {
            key: Failure(FailureKind.DEADLINE) if future in late else future.result()
            for key, future in futures.items()
        }
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _attempt(task: Callable[[], Pages]) -> Pages | Failure:
    """A future that held the exception would be held by its traceback, and with it every byte read.

    Nothing but the collector of cycles would free them.
    """
    try:
        return task()
    except FetchFailed as failed:
        return failed.failure
