"""Moves the books of Medici 5 to libcala: medici.py [dump [store]].

The dump is a folder with what mongoexport writes of two collections: medici_journals.json, medici_transactions.json.
A book becomes a journal, an account path an account, each of its beginnings an account set, a Medici journal a
transaction. Voided journals come with those that void them. In the end every balance is compared with the dump's sums.
"""
import datetime
import json
import pathlib
import sys
from collections import defaultdict
from decimal import Decimal

import cala
from importing import Importer, new_id

DUMP = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "dump")
STORE = sys.argv[2] if len(sys.argv) > 2 else "sqlite::memory:"
CURRENCY = "USD"  # Medici has none
PLACES = Decimal("0.00000001")  # Medici's precision: amounts are JavaScript numbers


def read(collection):
    """The documents, without MongoDB's wrapping of types."""
    def plain(document):
        keys = list(document)
        if keys == ["$oid"]:
            return document["$oid"]
        if keys == ["$date"]:
            return document["$date"]
        if len(keys) == 1 and keys[0].startswith("$number"):
            return Decimal(document[keys[0]])
        return document

    with open(DUMP / f"{collection}.json", encoding="utf-8") as lines:
        return [json.loads(line, object_hook=plain, parse_float=Decimal) for line in lines if line.strip()]


def shown(value):
    """For metadata: what JSON has."""
    return json.loads(json.dumps(value, default=str))


def day_of(instant):
    return datetime.datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(datetime.timezone.utc).date()


def beginnings_of(lines):
    """The paths that have others below them: (book, path). An account may have the same path as a set."""
    return {(line["book"], tuple(line["account_path"][:depth]))
            for line in lines for depth in range(1, len(line["account_path"]))}


def set_up(ledger, lines):
    """Journals, sets and accounts; before the first posting, since a set takes no member that has entries."""
    for book in sorted({line["book"] for line in lines}):
        ledger.journals.ensure(id=new_id(book), code=book, name=book)
    beginnings = beginnings_of(lines)
    for book, path in sorted({(line["book"], tuple(line["account_path"])) for line in lines}):
        above = None
        for depth in range(1, len(path) + 1):
            if (book, path[:depth]) in beginnings:
                above = ensure_set(ledger, book, path[:depth], above)
        id = new_id(book, "account", *path)
        with ledger.begin() as tx:
            made = tx.accounts.ensure(id=id, code=f"{book}:{':'.join(path)}", name=path[-1])
            if made["created"] and above:
                tx.account_sets.add_members([{"account_set_id": above, "account_id": id}])


def ensure_set(ledger, book, path, above):
    id = new_id(book, "set", *path)
    if ledger.account_sets.find_many([id]):
        return id
    with ledger.begin() as tx:
        tx.account_sets.create(id=id, journal_id=new_id(book), name=":".join(path))
        if above:
            tx.account_sets.add_members([{"account_set_id": above, "member_account_set_id": id}])
    return id


def post(ledger, journals, lines):
    lines_of = defaultdict(list)
    for line in lines:
        lines_of[line["_journal"]].append(line)
    importer = Importer(ledger)
    for journal in sorted(journals, key=lambda journal: (journal["datetime"], journal["_id"])):
        entries = []
        for line in lines_of[journal["_id"]]:
            side = "CREDIT" if line.get("credit") else "DEBIT"
            units = Decimal(line.get(side.lower()) or 0).quantize(PLACES).normalize()
            entries.append((new_id(line["book"], "account", *line["account_path"]), side, f"{units:f}",
                            CURRENCY, shown(line.get("meta") or {})))
        kept = ("datetime", "voided", "void_reason", "_original_journal")
        importer.transaction(journal=new_id(journal["book"]), key=journal["_id"], day=str(day_of(journal["datetime"])),
                             text=journal.get("memo", ""), entries=entries,
                             metadata=shown({key: journal[key] for key in kept if key in journal}))
    importer.flush()
    return importer


def compare(importer, lines):
    """Every account and every beginning of a path, against the dump. Medici's balance is credits less debits."""
    sums, beginnings = defaultdict(Decimal), beginnings_of(lines)
    for line in lines:
        amount = Decimal(line.get("credit") or 0) - Decimal(line.get("debit") or 0)
        path = tuple(line["account_path"])
        sums[line["book"], "account", path] += amount
        for depth in range(1, len(path) + 1):
            if (line["book"], path[:depth]) in beginnings:
                sums[line["book"], "set", path[:depth]] += amount
    differing = 0
    for (book, kind, path), amount in sorted(sums.items()):
        net = importer.net(new_id(book), new_id(book, kind, *path), CURRENCY)
        if Decimal(net) != amount.quantize(PLACES):
            differing += 1
            print(f"differs: {kind} {':'.join(path)} has {net}, Medici {amount}")
    print(f"{len(sums)} balances compared, {differing} differ")


if __name__ == "__main__":
    journals, lines = read("medici_journals"), read("medici_transactions")
    with cala.Ledger.open(STORE, migrate=True) as ledger:
        set_up(ledger, lines)
        for title in ("imported", "again"):
            importer = post(ledger, journals, lines)
            print(f"{title}: {importer.written} transactions written, {importer.replayed} were there")
        compare(importer, lines)
        for book in sorted({line["book"] for line in lines}):
            for account_set in ledger.account_sets.list(journal_id=new_id(book)):
                print(f"{book}  {account_set['name']:12} {importer.net(new_id(book), account_set['id'], CURRENCY):>8}")
