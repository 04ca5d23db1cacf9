"""`heme-hooks openapi`: the OpenAPI document on standard output."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--public-url", metavar="URL", default="", help="Address to name as the server.")
def openapi(public_url: str) -> None:
    """Print the OpenAPI 3.1 document of this service."""
    from service.cds_hooks.discovery import load_catalogue
    from service.routes.openapi_document import openapi_document

    click.echo(json.dumps(openapi_document(load_catalogue(), public_url), indent=2))
