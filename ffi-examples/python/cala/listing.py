"""Lists, fetched page after page."""
from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .documents import Page, PageRequest

T = TypeVar("T")


class _Listing(Generic[T]):
    def __init__(self, place: Any, operation: str, request: dict[str, Any]):
        self._place = place
        self._operation = operation
        self._request = request


class Listing(_Listing[T]):
    """A list, to be iterated: each page is fetched when it is needed, and every iteration asks anew. See also page."""

    def page(self, **page: Unpack[PageRequest]) -> Page[T]:
        """One page, {"items": [...], "has_next_page": bool, "end_cursor": str}: first (1 to 1000, default 100), after
        (an end_cursor), order. end_cursor is absent from an empty page."""
        return cast("Page[T]", self._place.call(self._operation, {**self._request, **page}))

    def __iter__(self) -> Iterator[T]:
        page = self.page()
        yield from page["items"]
        while page["has_next_page"]:
            page = self.page(after=page.get("end_cursor"))
            yield from page["items"]


class AsyncListing(_Listing[T]):
    """As Listing, to be iterated with `async for`; page is to be awaited."""

    async def page(self, **page: Unpack[PageRequest]) -> Page[T]:
        """As Listing.page."""
        return cast("Page[T]", await self._place.call(self._operation, {**self._request, **page}))

    async def __aiter__(self) -> AsyncIterator[T]:
        page = await self.page()
        for item in page["items"]:
            yield item
        while page["has_next_page"]:
            page = await self.page(after=page.get("end_cursor"))
            for item in page["items"]:
                yield item
