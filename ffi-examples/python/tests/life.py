"""What tests/test_life_cycle.py runs in processes of their own: python -m tests.life <name> <folder>."""
import asyncio
import gc
import logging
import os
import pathlib
import sqlite3
import subprocess
import sys
import threading
import time

import cala

from .support import DEPOSIT, Books

folder = sys.argv[2]
file = f"sqlite:{folder}/ledger.db"


def posting_thread(books, account, outcomes):
    def work():
        try:
            while True:
                books.ledger.transactions.post("DEPOSIT", books.params(account, "1"))
                outcomes.append(None)
        except cala.Error as error:
            outcomes.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


async def async_books():
    ledger = await cala.AsyncLedger.open(store=file)
    account = (await ledger.accounts.create(code="A", name="a"))["id"]
    journal = (await ledger.journals.create(name="main"))["id"]
    await ledger.tx_templates.create(**DEPOSIT)
    return ledger, {"journal": journal, "cash": account, "account": account, "amount": "1"}


def exit_with_work_in_flight():
    books = Books(cala.Ledger.open(store=file))
    outcomes = []
    for _ in range(4):
        posting_thread(books, books.account(), outcomes)

    async def leave():
        ledger, params = await async_books_elsewhere()
        tx = await ledger.begin()
        waiting = asyncio.ensure_future(ledger.begin())
        posts = [asyncio.ensure_future(ledger.transactions.post("DEPOSIT", params)) for _ in range(100)]
        await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED, timeout=0.01)
        return tx, waiting

    global kept
    loop = asyncio.new_event_loop()
    kept = loop, loop.run_until_complete(leave())


async def async_books_elsewhere():
    global file
    file = f"sqlite:{folder}/other.db"
    return await async_books()


def exit_without_close():
    books = Books(cala.Ledger.open(store=file))
    books.ledger.transactions.post("DEPOSIT", books.params(books.account()))
    global kept
    kept = books, books.ledger.begin()


def close_while_busy():
    books = Books(cala.Ledger.open(store=file))
    account, outcomes = books.account(), []
    threads = [posting_thread(books, account, outcomes) for _ in range(4)]
    while len(outcomes) < 20:
        pass
    books.ledger.close()
    for thread in threads:
        thread.join()
    errors = [outcome for outcome in outcomes if outcome]
    assert len(errors) == 4 and all(isinstance(error, (cala.ClosedError, cala.CancelledError))
                                    for error in errors), errors
    with cala.Ledger.open(store=file) as ledger:
        assert books.net(account, ledger) == str(len(outcomes) - 4), (books.net(account, ledger), len(outcomes))


def collection_under_stress():
    gc.set_threshold(1)
    for _ in range(5):
        books = Books(cala.Ledger.open(store="sqlite::memory:"))
        params, iterator = books.params(books.account()), iter(books.ledger.accounts.list(first=1))
        next(iterator)
        books.ledger.begin().transactions.post("DEPOSIT", params)

        async def drop():
            ledger = await cala.AsyncLedger.open(store="sqlite::memory:")
            await asyncio.gather(*(ledger.accounts.create(code=f"A{n}", name="a") for n in range(20)))
            await ledger.begin()

        asyncio.run(drop())
        gc.collect()


def finalizer_after_close():
    books = Books(cala.Ledger.open(store="sqlite::memory:"))
    iterator = iter(books.ledger.accounts.list(first=1))
    next(iterator)
    tx = books.ledger.begin()
    books.ledger.close()
    del tx, iterator, books
    gc.collect()


def fork_with_an_open_ledger():
    books = Books(cala.Ledger.open(store=file))
    account, outcomes = books.account(), []
    threads = [posting_thread(books, account, outcomes) for _ in range(2)]
    for _ in range(3):
        child = os.fork()
        if child == 0:
            uses = [books.ledger.info, books.ledger.begin, lambda: books.ledger.within(object())]
            for use in uses:
                try:
                    use()
                except cala.ForkedError:
                    continue
                os._exit(1)
            books.ledger.close()
            with cala.Ledger.open(store=file) as ledger:
                ledger.transactions.post("DEPOSIT", books.params(books.cash))
            sys.exit(0)  # with everything that runs at the end
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    books.ledger.transactions.post("DEPOSIT", books.params(account))
    books.ledger.close()
    for thread in threads:
        thread.join()


def fork_with_an_open_async_ledger():
    loop = asyncio.new_event_loop()
    ledger, params = loop.run_until_complete(async_books())

    async def post(ledger):
        await asyncio.gather(*(ledger.transactions.post("DEPOSIT", params) for _ in range(20)))

    async def anew():
        async with await cala.AsyncLedger.open(store=file) as another:
            await post(another)

    child = os.fork()
    if child == 0:
        try:
            asyncio.run(post(ledger))
        except cala.ForkedError:
            asyncio.run(anew())
            asyncio.run(ledger.close())
            os._exit(0)  # not through asyncio's own end, which takes the parent's event loop along
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    loop.run_until_complete(post(ledger))
    loop.run_until_complete(ledger.close())
    loop.close()


def threads_share_a_ledger():
    books = Books(cala.Ledger.open(store=file))
    account = books.account()

    def work():
        for _ in range(20):
            books.ledger.transactions.post("DEPOSIT", books.params(account, "1"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert books.net(account) == "160"
    books.ledger.close()


def a_throwing_handler():
    class Thrower(logging.Handler):
        def emit(self, _):
            raise ZeroDivisionError

    logging.getLogger("cala").addHandler(Thrower())
    logging.getLogger("cala").setLevel(logging.DEBUG)

    async def main():
        ledger, params = await async_books()
        thrown = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: thrown.append(context["exception"]))
        posts = [asyncio.ensure_future(ledger.transactions.post("DEPOSIT", params)) for _ in range(20)]
        for post in posts:
            post.add_done_callback(lambda _: 1 / 0)
        await asyncio.gather(*posts)
        await asyncio.sleep(0)
        assert len(thrown) == 20, thrown
        tx = await ledger.begin()
        await ledger.close()
        try:
            async with tx:  # its rollback fails and says so to the logger
                raise KeyError
        except (KeyError, ZeroDivisionError):
            pass

    asyncio.run(main())


class Hearer(logging.Handler):
    """Does something at each record of the library's, its lock held as always; hears nothing else."""

    def __init__(self, then):
        super().__init__()
        self.then = then
        logging.getLogger("cala").addHandler(self)  # of the package's own there are only debug records
        logging.getLogger("cala").setLevel(logging.WARNING)

    def emit(self, record):
        if record.msg == "collect" or hasattr(record, "cala"):
            self.then(record)


def logging_ledger():
    ledger = cala.Ledger.open("sqlite::memory:", log={"slow_ms": 0})
    ledger.circle = ledger  # only the collector ends it
    return ledger


def let_the_readers_end():
    while any(thread.name == "cala-log" for thread in threading.enumerate()):
        time.sleep(0.001)


def collection_in_a_logger():
    kept, told = [logging_ledger()], []

    def collect(record):
        if record.msg == "collect":
            kept.pop().info()  # its reader wants to tell of this, and waits for this handler
            gc.collect()
        else:
            told.append(record.cala["event"])

    Hearer(collect)
    logging.getLogger("cala").warning("collect")
    let_the_readers_end()
    assert told == ["operation.slow"], told


def collection_by_the_reader():
    kept, dropped, readers = [logging_ledger()], threading.Event(), []

    def collect(_):
        dropped.wait()
        gc.collect()
        readers.append(threading.current_thread().name)

    Hearer(collect)
    kept.pop().info()
    dropped.set()
    let_the_readers_end()
    assert readers == ["cala-log"], readers


def close_by_the_reader():
    ledger = logging_ledger()
    Hearer(lambda _: ledger.close())
    ledger.info()
    let_the_readers_end()
    ledger.close()


def exit_tells_the_log():
    def tell(record):
        while threading.main_thread().is_alive():
            time.sleep(0.001)
        print(record.cala["event"], flush=True)

    Hearer(tell)
    global kept
    kept = logging_ledger()
    kept.info()


def collection_of_a_place_in_use():
    """What works in a ledger keeps it open."""
    connection = sqlite3.connect(f"{folder}/ledger.db", isolation_level=None)
    books = Books(cala.Ledger.open(store=file))
    params = books.params(books.account())
    connection.execute("BEGIN")
    place = books.ledger.within(connection)
    del books
    gc.collect()
    place.transactions.post("DEPOSIT", params)
    connection.execute("COMMIT")
    connection.close()


def library_missing():
    os.environ["CALA_LIBRARY"] = f"{folder}/nowhere.so"
    try:
        cala.Ledger.open()
    except cala.UnavailableError as error:
        assert error.code == "library.missing" and "nowhere.so" in str(error) and "CALA_LIBRARY" in str(error), error
    else:
        raise AssertionError("it was found")


def another_library():
    file = f"{folder}/libcala.so.1"
    subprocess.run([pathlib.Path(__file__).parents[2] / "stub_library", file, "0x20003"], check=True)
    os.environ["CALA_LIBRARY"] = file
    for use in (cala.Ledger.open, lambda: cala.lost_a_race(sqlite3.OperationalError("database is locked"))):
        try:
            use()
        except cala.UnsupportedError as error:
            assert error.code == "library.version" and "has 2.3" in str(error), error
        else:
            raise AssertionError("it was taken")


def older_library():
    file = f"{folder}/libcala.so.1"
    subprocess.run([pathlib.Path(__file__).parents[2] / "stub_library", file, "0x10000", "cala_lost_race"], check=True)
    os.environ["CALA_LIBRARY"] = file
    try:
        cala.Ledger.open()
    except cala.UnsupportedError as error:
        said = str(error)
        assert error.code == "library.version" and "0.0.0 is too old" in said and "cala_lost_race" in said, error
    else:
        raise AssertionError("it was taken")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
