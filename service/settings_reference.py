"""Tables of the docs that must not drift from the code: settings, and prefetch keys with scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.cds_hooks.discovery import CORE_KEYS
from service.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

    from fhir_mappings.panel import DataGroup
    from service.cds_hooks.prefetch_template import Template

_UNSAID = {"hash_key", "database_url"}


def settings_table() -> str:
    """Return the settings as a Markdown table, defaults as the code has them."""
    rows = (
        f"| `{PREFIX}{name.upper()}` | {_default(name)} | {field.description} | "
        f"{_production(field)} |\n"
        for name, field in Settings.model_fields.items()
    )
    head = "| variable | default | meaning | in production |\n| --- | --- | --- | --- |\n"
    return head + "".join(rows)


def _production(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra["production"]) if isinstance(extra, dict) else ""


def _default(name: str) -> str:
    value = Settings.model_fields[name].default
    if name in _UNSAID:
        return "development only"
    if value is None or value in ("", (), frozenset()):
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int) and value >= 2**20:
        return f"{value // 2**20} MiB"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def prefetch_table(templates: Mapping[DataGroup, Template]) -> str:
    """Return the prefetch keys as a Markdown table, with the SMART scope that fetching needs."""
    head = (
        "| key | in discovery | reads | SMART v2 scope | SMART v1 scope |\n"
        "| --- | --- | --- | --- | --- |\n"
    )
    rows = []
    for key, template in templates.items():
        kind = template.resource_type
        rights = "r" if template.is_read else "s"
        rows.append(
            f"| `{key.value}` | {'core' if key in CORE_KEYS else 'with `all`'} | {kind} | "
            f"`patient/{kind}.{rights}` | `patient/{kind}.read` |\n"
        )
    return head + "".join(rows)
