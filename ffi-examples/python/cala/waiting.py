"""Waiting in asyncio for what blocks, and for what must not be left half done."""
from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> asyncio.Future[T]:
    """Calls function in a thread and gives the future of its result.
    Not in an executor's: those keep the process from ending."""
    return _in_thread(lambda: function(*arguments, **keywords), None)


async def make(function: Callable[[], T], unwanted: Callable[[T], object],
               done: Callable[[], object] | None = None) -> T:
    """What function makes in a thread; done is called when it has. When the task is cancelled or the loop ends
    meanwhile, nobody takes it: then a thread gives it to unwanted."""
    making = _in_thread(function, unwanted)

    def leave(made: asyncio.Future[T]) -> None:
        if not made.cancelled() and made.exception() is None:
            in_thread(unwanted, made.result())

    if done is not None:
        making.add_done_callback(lambda _: done())
    try:
        return await asyncio.shield(making)
    except asyncio.CancelledError:
        making.add_done_callback(leave)
        raise


def _in_thread(function: Callable[[], T], unwanted: Callable[[T], object] | None) -> asyncio.Future[T]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def finish(result: T | None, error: Exception | None) -> None:
        if future.cancelled():
            return
        if error:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result: T | None = None
        error: Exception | None = None
        try:
            result = function()
        except Exception as caught:
            error = caught
        try:
            loop.call_soon_threadsafe(finish, result, error)
        except RuntimeError:  # the loop has ended, nobody waits
            if unwanted is not None and error is None:
                unwanted(result)  # type: ignore[arg-type]

    threading.Thread(target=work, name="cala", daemon=True).start()
    return future


async def settle(future: asyncio.Future[T], on_cancel: Callable[[], object] | None = None) -> T:
    """Waits for future also when the task is cancelled meanwhile: what it works on is in use until then."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if on_cancel:
            on_cancel()
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError:
                pass
        if not future.cancelled():
            future.exception()
        raise
