import cala


def entry(account: str, direction: str) -> cala.TemplateEntry:
    return {"entry_type": f"'DEPOSIT_{direction}'", "account_id": account, "direction": direction,
            "layer": "SETTLED", "units": "params.amount", "currency": "'USD'"}


with cala.Ledger.open(store="sqlite::memory:") as ledger:
    alice = ledger.accounts.create(code="ALICE", name="Alice")
    cash = ledger.accounts.create(code="CASH", name="Cash", normal_balance_type="debit")
    journal = ledger.journals.create(name="Main")
    ledger.tx_templates.create(
        code="DEPOSIT",
        params=[{"name": "account", "type": "uuid"}, {"name": "amount", "type": "decimal"}],
        transaction={"journal_id": f"uuid('{journal['id']}')", "effective": "date()"},
        entries=[entry(f"uuid('{cash['id']}')", "DEBIT"), entry("params.account", "CREDIT")])

    ledger.post("DEPOSIT", {"account": alice["id"], "amount": "100.00"})
    balance = ledger.balances.find(journal["id"], alice["id"], "USD")
    print("Alice has", balance["settled"]["net"], balance["currency"])
