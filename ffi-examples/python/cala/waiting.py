"""Waiting in asyncio for what blocks, and for what must not be left half done."""
import asyncio
import threading


def in_thread(function, *arguments):
    """Calls function in a thread and gives the future of its result. Not in an executor's: those keep the process from
    ending."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def finish(result, error):
        if future.cancelled():
            return
        if error:
            future.set_exception(error)
        else:
            future.set_result(result)

    def work():
        result = error = None
        try:
            result = function(*arguments)
        except Exception as caught:
            error = caught
        try:
            loop.call_soon_threadsafe(finish, result, error)
        except RuntimeError:
            pass  # the loop has ended, nobody waits

    threading.Thread(target=work, name="cala", daemon=True).start()
    return future


async def settle(future, on_cancel=None):
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
