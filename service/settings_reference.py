"""Tables of the docs that must not drift from the code: settings, and prefetch keys with scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.cds_hooks.discovery import CORE_KEYS
from service.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_mappings.panel import DataGroup
    from service.cds_hooks.prefetch_template import Template

MEANINGS: dict[str, tuple[str, str]] = {
    "environment": ("`production` refuses to start until the settings are safe", ""),
    "fhir_servers": (
        "JSON list of FHIR base URLs that calls may name, for clients that are not in the file",
        "needed unless there is a clients file; https",
    ),
    "cors_origins": (
        "JSON list of origins of browser clients, for clients that are not in the file",
        "https, never `*`",
    ),
    "client_authentication": (
        "`proxy`: a reverse proxy lets only known CDS Clients through",
        "`proxy`, or a clients file",
    ),
    "prefetch_keys": ("`all`: discovery lists every prefetch template", ""),
    "order_intent": ("intent of drafted ServiceRequests: `proposal` or `order`", ""),
    "suggestions": (
        "`grouped`: one suggestion for each decision, at most four; `single`: one for each order, "
        "for EHRs that take one action in a suggestion",
        "",
    ),
    "findings_off": ("JSON list of findings that are switched off", ""),
    "site_mappings": ("ConceptMaps for local codes, units and orderables (mappings.md)", ""),
    "public_url": (
        "the address that clients call: token audience, links on cards",
        "needed; https",
    ),
    "explanations": (
        "whether clients that are not in the file may ask for the evidence; on in development",
        "off; switched per client in the clients file",
    ),
    "call_deadline": ("seconds that one call may spend on fetching", ""),
    "codes_per_search": ("codes in one search", ""),
    "parallel_searches": ("searches of one call at the same time", ""),
    "threads": ("threads of a worker; `heme-hooks serve --threads` sets it", "4 or more"),
    "drain_seconds": (
        "seconds for which an instance that is told to stop is not ready and still takes calls: "
        "for a load balancer that asks `/health/ready`, twice its interval",
        "",
    ),
    "max_request_bytes": ("limit on the body of a call; the proxy has its own", ""),
    "max_entries": ("limit on the entries prefetched with a call", ""),
    "max_search_bytes": ("limit on one search, all pages", ""),
    "max_call_bytes": ("limit on all searches of one call", ""),
    "max_pages": ("limit on the pages of one search", ""),
    "fhir_ca_file": ("certificate authorities of the FHIR servers (PEM)", ""),
    "clients_file": (
        "TOML file of CDS Clients; once it names one, every call needs a token",
        "needed",
    ),
    "database_url": ("SQLAlchemy URL of the store; empty for none", "needed"),
    "audit_log": ("audit: `stdout`, `stderr`, a file, or empty for none", "`stdout` by default"),
    "hash_key": (
        "secret key of the hashes that stand for patients and users in store and audit",
        "needed; 32 characters or more",
    ),
    "quiet_repeats": (
        "do not show a card again without news, for clients that are not in the file",
        "",
    ),
    "repeat_days": ("days after which a card that was held back is shown again", ""),
    "critical_rest_hours": (
        "hours for which a critical card is not shown again to the user who answered it, unless "
        "worse",
        "",
    ),
    "known_rest_days": (
        "days for which one user's `already-known` or `work-up-in-progress` counts for all users",
        "",
    ),
    "shadow": (
        "judge, store and report, but show no card, for clients that are not in the file",
        "",
    ),
    "metrics": ("whether `/metrics` is served", ""),
    "report_readers": (
        "JSON list of who may read `/feedback/report`: `name:SHA-256 of a token`",
        "without it no report page",
    ),
    "sandbox": ("whether `/sandbox` is served; on in development", "never"),
    "evidence_app": (
        "the evidence app as the EHR registered it, for clients that are not in the file (JSON)",
        "",
    ),
}
"""What each setting means, and what production asks of it."""

_UNSAID = {"hash_key", "database_url"}


def settings_table() -> str:
    """Return the settings as a Markdown table, defaults as the code has them."""
    rows = (
        f"| `{PREFIX}{name.upper()}` | {_default(name)} | {MEANINGS[name][0]} | "
        f"{MEANINGS[name][1]} |\n"
        for name in Settings.model_fields
    )
    head = "| variable | default | meaning | in production |\n| --- | --- | --- | --- |\n"
    return head + "".join(rows)


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
