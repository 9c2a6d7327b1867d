"""What the program makes of the ledger's events in tables of its own: Projection, made by Ledger.projection."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .documents import Event, EventPage, EventType, Id
from .errors import ConflictError, NotFoundError
from .retry import _pause, lost_a_race

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import TypedDict

    from .ledger import Ledger
else:
    from typing import TypedDict

C = TypeVar("C")
_ATTEMPTS = 10


class ProjectionFilter(TypedDict, total=False):
    """Which events a projection is made of, and what comes with them."""

    types: Sequence[EventType]
    journal_id: Id
    entries: bool
    balances: bool


class Projection(Generic[C]):
    """Applies events to tables of the program's, a page in one transaction together with its place: each exactly once,
    whatever is killed when, and however many processes do it. The place is that of a named listener.
    See docs/projection.md."""

    def __init__(self, ledger: Ledger, name: str, apply: Callable[[C, Event], object],
                 clear: Callable[[C], object] | None,
                 transaction: Callable[[Callable[[C], Any]],
                                       Any] | None, page_size: int, filters: ProjectionFilter) -> None:
        self._ledger = ledger
        self._own = transaction is None
        self.name = name
        self._apply = apply
        self._clear = clear
        self._transaction = transaction or self._begin
        self._request = {**filters, "limit": page_size}

    def catch_up(self) -> int:
        """Applies what is new, page after page. Gives how many events that were."""
        applied = 0
        self._run(self._kept)  # by itself: a transaction that begins a listener sees no events yet
        while True:
            page: EventPage = self._run(self._step)
            applied += len(page["items"])
            if not page["has_next_page"]:
                return applied

    def rebuild(self) -> int:
        """Empties the tables by clear and forgets the place, in one transaction, and applies all events anew. Gives how
        many events that were. NotFoundError event.pruned where the first ones are no longer there:
        nothing is emptied then."""
        if self._clear is None:
            raise ValueError("a projection that is rebuilt needs clear")
        self._run(self._kept)  # who catches up meanwhile and the one who rebuilds meet at the kept place
        self._run(self._restart)
        return self.catch_up()

    def _begin(self, work: Callable[[Any], Any]) -> Any:
        with self._ledger.begin() as tx:
            return work(tx)

    def _place(self, connection: Any) -> Any:
        return connection if self._own else self._ledger.within(connection)

    def _run(self, work: Callable[[C], Any]) -> Any:
        """Runs a transaction, again where another was faster."""
        for attempt in range(1, _ATTEMPTS + 1):
            done: list[Any] = []  # the program's function need not return what the work gives
            try:
                self._transaction(lambda connection: done.append(work(connection)))
                return done[0]
            except Exception as error:
                moved = isinstance(error, (ConflictError, NotFoundError)) and error.code in ("listener.changed",
                    "listener.not_found")
                if attempt == _ATTEMPTS or not (moved or lost_a_race(error)):
                    raise
            time.sleep(_pause(attempt))

    def _kept(self, connection: C) -> int:
        kept: int = self._place(connection).listeners.place(name=self.name, from_="start")["place"]
        return kept

    def _step(self, connection: C) -> EventPage:
        where = self._place(connection)
        kept = self._kept(connection)
        page: EventPage = where.events.list(after=kept, **self._request)
        for event in page["items"]:
            self._apply(connection, event)
        if page["place"] > kept:
            where.listeners.ack(self.name, page["place"], kept)
        return page

    def _restart(self, connection: C) -> None:
        where = self._place(connection)
        try:
            where.listeners.remove(self.name)  # first: whoever has written and not committed keeps a place too
        except NotFoundError:
            pass  # another has just removed it
        if self._clear is not None:
            self._clear(connection)
        self._kept(connection)
