"""Lists, fetched page after page."""
from collections.abc import AsyncIterator, Iterator
from typing import Any


class Listing:
    """A list, to be iterated: each page is fetched when it is needed, and every iteration asks anew. See also page."""

    def __init__(self, place, operation, request):
        self._place = place
        self._operation = operation
        self._request = request

    def page(self, **page: Any) -> Any:
        """One page, {"items": [...], "has_next_page": bool, "end_cursor": str}: first (1 to 1000, default 100), after
        (an end_cursor), order. end_cursor is absent from an empty page."""
        return self._place.call(self._operation, {**self._request, **page})

    def __iter__(self) -> Iterator[dict[str, Any]]:
        page = self.page()
        yield from page["items"]
        while page["has_next_page"]:
            page = self.page(after=page["end_cursor"])
            yield from page["items"]


class AsyncListing(Listing):
    """As Listing, to be iterated with `async for`; page is to be awaited."""

    __iter__ = None  # type: ignore[assignment]

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        page = await self.page()
        for item in page["items"]:
            yield item
        while page["has_next_page"]:
            page = await self.page(after=page["end_cursor"])
            for item in page["items"]:
                yield item
