"""`heme-hooks`: the command line. Each command is imported when it is called, not before."""

from __future__ import annotations

import sys
from importlib import import_module
from io import TextIOWrapper

import click

COMMANDS = {
    "serve": "service.commands.serve:serve",
    "try": "service.commands.try_hook:try_hook",
    "samples": "service.commands.samples:samples",
    "backtest": "service.commands.backtest:backtest",
    "mapping": "service.commands.mapping:mapping",
    "knowledge": "service.commands.knowledge:knowledge",
    "feedback": "service.commands.feedback:feedback",
    "storage": "service.commands.storage:storage",
    "openapi": "service.commands.openapi:openapi",
    "replay": "service.commands.replay:replay",
    "doctor": "service.commands.doctor:doctor",
    "token": "service.commands.token:token",
}
"""Command name to its place, as `module:attribute`."""


class LazyGroup(click.Group):
    """A click group whose commands are named in a table and loaded on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, None for a name that is not in the table."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, attribute = place.split(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="heme-hooks", prog_name="heme-hooks")
def main() -> None:
    """heme-hooks: pancytopenia, iron and B12 for CDS Hooks. Decision support, not a diagnosis."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows a question mark, not a traceback.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
