"""`heme-hooks knowledge`: the decision table, to read, check and export."""

from __future__ import annotations

import json
import sys
from difflib import get_close_matches

import click


@click.group()
def knowledge() -> None:
    """The decision table, its limits, orders, value sets and sources."""


@knowledge.command()
@click.argument("rule", required=False)
def show(rule: str | None) -> None:
    """Print one RULE, or everything, as Markdown.

    \b
    heme-hooks knowledge show index-pattern
    """
    from service.interpreter.rules import FINDINGS
    from service.knowledge.markdown import knowledge_markdown, rule_markdown

    if rule is None:
        click.echo(knowledge_markdown(), nl=False)
    elif rule in FINDINGS:
        click.echo(rule_markdown(rule), nl=False)
    else:
        near = get_close_matches(rule, FINDINGS, 3, 0.5)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise click.UsageError(f"There is no rule named {rule}.{meant}")


@knowledge.command()
def check() -> None:
    """Check that the decision table is complete and consistent.

    Exit code 1 when it is not.
    """
    from service.commands.knowledge_check import CHECKS, problems

    found = problems()
    for problem in found:
        click.echo(problem, err=True)
    if found:
        sys.exit(1)
    for each in CHECKS:
        click.echo(f"ok: {(each.__doc__ or '').strip()}")


@knowledge.command()
@click.option("--all", "everything", is_flag=True, help="A Bundle that also holds the vocabulary.")
def export(*, everything: bool) -> None:
    """Print the decision table as a FHIR R4 PlanDefinition."""
    from service.knowledge.plan_definition import export_bundle, plan_definition

    click.echo(json.dumps(export_bundle() if everything else plan_definition(), indent=2))
