"""The pages of one search (FHIR R4, http.html#paging): followed as written, on one base URL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin

from service.fhir_client.failures import FailureKind, FetchFailed

if TYPE_CHECKING:
    from service.base_urls import BaseUrl


def next_page_url(base: BaseUrl, page_url: str, link: str) -> str:
    """Resolve a next link against the page that contains it.

    Servers write it absolute, relative or with a query only (`?_getpages=...`); it is opaque and
    never parsed. Raises FetchFailed when it leaves the base URL: the request would carry the call's
    token there.
    """
    try:
        url = urldefrag(urljoin(page_url, link)).url
    except ValueError:
        raise FetchFailed(FailureKind.OTHER_ORIGIN) from None
    if not base.covers(_plain(url)):
        raise FetchFailed(FailureKind.OTHER_ORIGIN)
    return url


def _plain(url: str) -> str:
    """The URL without its query, which may hold characters that a base URL may not."""
    return url.partition("?")[0]


class PageTrail:
    """The pages seen so far. Raises FetchFailed for a circle, and for more pages than allowed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: set[str] = set()

    def step(self, url: str) -> None:
        """Count one more page."""
        if url in self._seen:
            raise FetchFailed(FailureKind.PAGE_LOOP)
        if len(self._seen) >= self._most:
            raise FetchFailed(FailureKind.TOO_MANY_PAGES)
        self._seen.add(url)
