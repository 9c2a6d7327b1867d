"""What type checkers must find out by themselves, and what they must refuse. mypy and pyright read this file;
test_typing runs them. It is never run."""
from __future__ import annotations

import decimal
import pathlib
import sqlite3
import uuid
from typing import Any, assert_type

import asyncpg
import psycopg
import sqlalchemy
import sqlalchemy.ext.asyncio
import sqlalchemy.orm

import cala


def waits(ledger: cala.Ledger) -> None:
    account = ledger.accounts.create(code="A", name="A", normal_balance_type="debit", metadata={"k": [1]})
    assert_type(account, cala.Account)
    assert_type(account["normal_balance_type"], "cala.documents.Direction")
    assert_type(ledger.accounts.find_many([account["id"], uuid.uuid4()]), list[cala.Account])
    for found in ledger.accounts.list(code_prefix="A", order="desc"):
        assert_type(found, cala.Account)
    page = ledger.entries.list(account_id=account["id"]).page(first=10, after=None)
    assert_type(page["items"], list[cala.Entry])
    ledger.accounts.update(account["id"], description=None)
    posted = ledger.post("T", {"amount": decimal.Decimal("1.00")}, uuid.uuid4())
    assert_type(posted, cala.Posted)
    assert_type(posted["entries"][0]["units"], str)
    posting: cala.Posting = {"tx_template_code": "T", "params": {"amount": "1"}}
    assert_type(ledger.transactions.post(**posting), cala.Posted)
    assert_type(ledger.transactions.post_many([posting]), list[cala.Posted])
    assert_type(ledger.balances.at("j", "a", "USD", version=1)["available"]["pending"], str)
    assert_type(ledger.cel_evaluate("1", as_="decimal"), cala.CelValue)
    assert_type(next(ledger.listen(from_="start", types=["transaction_created"])), cala.documents.Event)
    projection = ledger.projection("p", lambda tx, event: tx.exec("select 1"), types=["account_created"])
    assert_type(projection.catch_up(), int)
    recovered = ledger.recover(lambda prepared: "commit" if prepared["age_ms"] else None)
    assert_type(recovered["left"], list[cala.PreparedTransaction])
    assert_type(cala.retrying(lambda: ledger.info()["accounts"]), int)
    with ledger.begin(savepoint=True) as tx:
        assert_type(tx.exec("select ?", ["1", None])["rows"][0][0], str | None)
        tx.lock_accounts([{"journal_id": "j", "account_id": uuid.uuid4(), "currency": "USD"}])
        assert_type(tx.post("T"), cala.Posted)


cala.Ledger.open(store="sqlite::memory:", commit={"group_max": 1})


async def awaits(ledger: cala.AsyncLedger) -> None:
    assert_type(await ledger.accounts.create(code="A", name="A"), cala.Account)
    async for balance in ledger.balances.history("j", "a", "USD"):
        assert_type(balance, cala.Balance)
    assert_type((await ledger.journals.list().page())["has_next_page"], bool)

    async def decided(prepared: cala.PreparedTransaction) -> cala.documents.PreparedOutcome | None:
        return None

    assert_type((await ledger.recover(decided))["failed"], list[cala.NotFinished])
    async with await ledger.begin() as tx:
        assert_type(await tx.post("T"), cala.Posted)


async def within(ledger: cala.Ledger, pool: asyncpg.Pool, engine: sqlalchemy.ext.asyncio.AsyncEngine) -> None:
    assert_type(ledger.within(sqlite3.connect("f")).post("T"), cala.Posted)
    assert_type(ledger.within(psycopg.connect(""), adopt=True).post("T"), cala.Posted)
    assert_type(ledger.within(sqlalchemy.create_engine("").connect()).post("T"), cala.Posted)
    assert_type(ledger.within(sqlalchemy.orm.Session()).post("T"), cala.Posted)
    assert_type(await ledger.within(await psycopg.AsyncConnection.connect("")).post("T"), cala.Posted)
    posted: cala.Posted = await ledger.within(await asyncpg.connect("")).post("T")  # asyncpg has no types for mypy
    async with pool.acquire() as acquired:
        posted = await ledger.within(acquired).post("T")
    print(posted)
    async with engine.connect() as connection, sqlalchemy.ext.asyncio.AsyncSession() as session:
        assert_type(await ledger.within(connection).post("T"), cala.Posted)
        assert_type(await ledger.within(session).post("T"), cala.Posted)


def fails(error: cala.Error) -> None:
    assert_type(error.tx_state, "cala.errors.TxState")
    assert_type(error.details, dict[str, Any])
    assert_type(error.posting_index, int | None)


def documents(ledger: cala.Ledger) -> None:
    change: cala.documents.AccountUpdateRequest = {"id": uuid.uuid4(), "code": "B", "external_id": None}
    at: cala.documents.BalanceAtRequest = {"journal_id": "j", "account_id": "a", "currency": "USD", "version": 1}
    found: cala.documents.BalanceFindManyResult = ledger.call("balance_find_many", {"keys": [at, change]})
    assert_type(found["balances"][0]["normal_balance_type"], cala.documents.Direction)
    cel: cala.documents.CelEvaluateRequest = {"expr": "1", "as": "decimal"}
    code: cala.documents.TransactionPostCode = "account.locked"
    known: cala.Code = code
    print(known, cel)


def opens() -> None:
    cala.Ledger(pathlib.Path("ledger.db"), clock={"manual": "2026-01-01T00:00:00Z"}, pool={"max": 1})
    cala.Ledger.open(store="sqlite::memory:", migrate=True)


def is_refused(ledger: cala.Ledger) -> None:
    """Without its comment each of these is an error; with a comment that is not needed it is one, too."""
    cala.Ledger("sqlite::memory:", migrat=True)  # type: ignore[call-arg]
    ledger.accounts.create(code="A")  # type: ignore[call-arg]
    ledger.accounts.create(code="A", name=1)  # type: ignore[arg-type]
    ledger.accounts.create(code="A", name="A", normal_balance_type="up")  # type: ignore[arg-type]
    ledger.accounts.find(cod="A")  # type: ignore[call-arg]
    ledger.transactions.post(1)  # type: ignore[arg-type]
    ledger.balances.find("j", "a")  # type: ignore[call-arg]
    ledger.cel_evaluate("1", as_="float")  # type: ignore[arg-type]
    ledger.listen(types=["transaction_made"])  # type: ignore[list-item]
    ledger.projection("p", lambda tx, event: None, types=["transaction_made"])  # type: ignore[list-item]
    change: cala.documents.AccountUpdateRequest = {"code": "B"}  # type: ignore[typeddict-item]
    code: cala.documents.TransactionPostCode = "account.exists"  # type: ignore[assignment]
    print(change, code)
    ledger.post("T").missing  # type: ignore[attr-defined]
