"""Post first, reconcile: the program posts, then writes its own row.
What a crash leaves in between is found and mended."""
import json
from collections.abc import Collection, Iterator, Sequence

import cala

from . import code, entry, name_of, params, store, suffix

payments = f"payments{suffix.replace('-', '_')}"


def placeholder(number: int) -> str:
    """That of the store's SQL."""
    return "?" if store.startswith("sqlite") else f"${number}"


with cala.Ledger.open(store=store, migrate=True) as ledger:
    journal = ledger.journals.create(code=code("MAIN"), name="Main")["id"]
    alice, cash = (ledger.accounts.create(code=code(name), name=name.title())["id"] for name in ("ALICE", "CASH"))
    ledger.tx_templates.create(
        code=code("PAYMENT"), params=params(external_id="string", amount="decimal"),
        transaction={"journal_id": f"uuid('{journal}')", "effective": "date()", "external_id": "params.external_id"},
        entries=[entry(f"uuid('{cash}')", "SETTLED", "DEBIT", "params.amount"),
                 entry(f"uuid('{alice}')", "SETTLED", "CREDIT", "params.amount")])

    def sql(text: str, *values: str) -> Sequence[Sequence[str | None]]:
        with ledger.begin() as tx:
            return tx.exec(text, values)["rows"]

    def posting(external_id: str, amount: str) -> cala.Posting:
        return {"tx_template_code": code("PAYMENT"), "params": {"external_id": external_id, "amount": amount}}

    def insert(external_id: str, amount: str) -> None:
        sql(f"insert into {payments} (external_id, amount) values ({placeholder(1)}, {placeholder(2)})", external_id,
            amount)

    def rows(after: str | None) -> Iterator[cala.Expected]:
        """What the program expects, page by page, behind one."""
        while page := sql(f"select external_id, amount from {payments} where external_id > {placeholder(1)}"
                          " order by external_id limit 2", after or ""):
            for external_id, amount in page:
                after = str(external_id)
                yield {"external_id": after, "amounts": {"USD": str(amount)}, "row": str(amount)}

    def known(external_ids: Sequence[str]) -> Collection[str]:
        """Those of which the program has a row."""
        places = ", ".join(placeholder(number) for number in range(1, len(external_ids) + 1))
        return {str(row[0]) for row in sql(f"select external_id from {payments} where external_id in ({places})",
                                           *external_ids)}

    def replay(expected: cala.Expected) -> cala.Posting:
        return posting(expected["external_id"], str(expected.get("row")))

    def show(page: cala.Reconciled) -> None:
        found = [f"missing {name_of(one['external_id'])}" for one in page["missing"]]
        found += [f"differing {name_of(one['expected']['external_id'])} in {', '.join(one['fields'])}"
                  for one in page["differing"]]
        found += [f"extra {name_of(one.get('external_id', ''))}" for one in page["extra"]]
        found += [f"posted {name_of(one['transaction'].get('external_id', ''))}" for one in page["replayed"]]
        print(f"  {page['checked']}: {'; '.join(found) or 'as expected'}")

    sql(f"create table {payments} (external_id text primary key, amount text)")
    for number in range(1, 8):
        insert(code(f"pay{number}"), f"{number}.00")
    for number in (1, 3, 4, 5, 6, 7, 8):
        ledger.transactions.post(**posting(code(f"pay{number}"), "50.00" if number == 5 else f"{number}.00"))

    print("the first page:")
    first = next(iter(ledger.reconcile(rows, known=known, journal_id=journal, page_size=3)))
    show(first)
    kept = json.dumps(first["place"])
    print("and on from there, in another process:")
    for page in ledger.reconcile(rows, known=known, place=json.loads(kept), journal_id=journal, page_size=3):
        show(page)
        for transaction in page["extra"]:
            insert(transaction.get("external_id", ""), "8.00")
    print("once more, and what is missing is posted:")
    for page in ledger.reconcile(rows, known=known, replay=replay, journal_id=journal):
        show(page)
    print("and now:")
    for page in ledger.reconcile(rows, known=known, journal_id=journal):
        show(page)
