"""CPU and calls a second, beside other applications on the same bytes: `make bench`.

All run with the same number of workers; rounds are interleaved, so that a busy machine slows all
of them. What counts is the ratio to a bare Flask application that parses the body and answers a
constant card. Linux only: the figures come from /proc.

    python -m bench [--quick] [--write docs/performance.md]
    python -m bench backtest    what a backtest costs
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from bench import backtest_costs, hot_calls, report, scale
from bench.applications import HEALTHCHAIN, Contender, started
from bench.figures import Figure, Memory
from bench.healthchain_environment import VERSION
from bench.measuring import FULL, QUICK, Effort, measure
from bench.servers import THREADS, WORKERS
from bench.targets import targets

if TYPE_CHECKING:
    from collections.abc import Sequence

PROFILED_CALLS = 200


def run(effort: Effort, *, scaled: bool) -> list[str]:
    """Measure, and return the report as lines of Markdown."""
    figures, contenders, memory = _side_by_side(effort)
    names = report.present_names(contenders)
    first_answers = {each.name: each.server.started for each in contenders}
    wanted = targets(figures, memory, first_answers)
    lines = [_machine(effort), "", "### Targets", "", *report.target_table(wanted)]
    lines += ["", "### CPU of a call", "", _what_cpu_is(contenders), ""]
    lines += report.cost_table(figures, names)
    lines += ["", "### Calls a second", "", *report.rate_table(figures, names)]
    lines += ["", "### Store, token, reasons", "", *report.switch_table(figures)]
    lines += ["", "### Start and memory", "", *report.server_table(contenders, memory)]
    if scaled:
        lines += ["", "### Workers and database", "", *scale.report()]
    for size, normal in hot_calls.HOT:
        patient = "normal" if normal else "index pattern"
        lines += ["", f"### Profile: {size:,} Observations, {patient}", ""]
        lines += report.profile_table(hot_calls.profile(size, PROFILED_CALLS, normal=normal))
    return lines


def _side_by_side(
    effort: Effort,
) -> tuple[list[Figure], list[Contender], dict[str, Memory]]:
    figures: list[Figure] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        contenders = started(stack, folder)
        session = stack.enter_context(requests.Session())
        session.trust_env = False
        idle = {contender.name: contender.server.memory() for contender in contenders}
        for size in effort.sizes:
            for normal in (False, True):
                figure = measure(session, contenders, size, effort, folder, normal=normal)
                figures.append(figure)
                print(*report.cost_table([figure], list(figure.spent)), sep="\n", flush=True)
        memory = {
            contender.name: Memory(idle[contender.name], contender.server.memory())
            for contender in contenders
        }
    return figures, contenders, memory


def _machine(effort: Effort) -> str:
    memory = int(Path("/proc/meminfo").read_text(encoding="ascii").split()[1]) / 1024**2
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB of memory; gunicorn gthread, {WORKERS} workers, "
        f"{THREADS} threads (HealthChain {VERSION}: uvicorn, {WORKERS} workers). Medians of "
        f"{effort.rounds} interleaved rounds ± half the distance between the quartiles; calls a "
        f"second of {effort.windows} rounds of {effort.window:g} s."
    )


def _what_cpu_is(contenders: Sequence[Contender]) -> str:
    text = (
        "Milliseconds of the server's processes, calls one after the other, and the ratio to the "
        "bare application."
    )
    if all(contender.name != HEALTHCHAIN for contender in contenders):
        text += " HealthChain is left out: its environment could not be made."
    return text


def main() -> None:
    """Measure, print, and write where asked."""
    if sys.argv[1:2] == ["backtest"]:
        backtest_costs.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="bench", description="What a hook call costs.")
    parser.add_argument("--quick", action="store_true", help="12 and 1,000 Observations only")
    parser.add_argument("--rounds", type=int, help="rounds of each body")
    parser.add_argument("--scale", action=argparse.BooleanOptionalAction, help="1, 2, 4 workers")
    parser.add_argument("--write", type=Path, help="document to put the tables into")
    options = parser.parse_args()
    effort = QUICK if options.quick else FULL
    if options.rounds:
        effort = dataclasses.replace(effort, rounds=options.rounds)
    begun = time.monotonic()
    scaled = not options.quick if options.scale is None else options.scale
    lines = run(effort, scaled=scaled)
    print("", *lines, sep="\n")
    print(f"\nbench: {time.monotonic() - begun:.0f} s", flush=True)
    if options.write:
        report.write(options.write, lines)


if __name__ == "__main__":
    main()
