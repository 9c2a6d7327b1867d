"""The same as basic, with asyncio."""
import asyncio
import uuid
from decimal import Decimal

import cala

from . import code, deposit, name_of, store, suffix


async def main() -> None:
    async with await cala.AsyncLedger.open(store=store, migrate=True) as ledger:
        alice, cash, journal, _ = await asyncio.gather(
            ledger.accounts.create(code=code("ALICE"), name="Alice"),
            ledger.accounts.create(code=code("CASH"), name="Cash", normal_balance_type="debit"),
            ledger.journals.create(code=code("MAIN"), name="Main"),
            deposit(ledger))
        print("accounts")
        names = {}
        async for account in ledger.accounts.list():
            if account["code"].endswith(suffix):
                names[account["id"]] = name_of(account["code"])
                print(f"  {names[account['id']]:5}  {account['name']:5}  {account['normal_balance_type']}")

        id = uuid.uuid4()
        params = {"journal": journal["id"], "cash": cash["id"], "account": alice["id"], "amount": Decimal("100.00"),
                  "effective": "2026-01-31"}
        async with await ledger.begin() as tx:
            posted = await tx.transactions.post(code("DEPOSIT"), params, id)
        print("posted DEPOSIT")
        for e in posted["entries"]:
            print(f"  {e['sequence']}  {names[e['account_id']]:5}  {e['direction']:6}  {e['units']} "
                  f"{e['currency']}  {e['layer']}")

        print("balances")
        for account in (alice, cash):
            balance = await ledger.balances.find(journal["id"], account["id"], "USD")
            print(f"  {names[account['id']]:5}  {balance['settled']['net']} {balance['currency']}")

        if (await ledger.transactions.post(code("DEPOSIT"), params, id))["replayed"]:
            print("posted again: replayed")
        try:
            await ledger.accounts.find(code=code("NOBODY"))
        except cala.NotFoundError as error:
            print("not found:", error.code)
    print("closed")


asyncio.run(main())
