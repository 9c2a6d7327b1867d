"""What the importers share. Ids are made from the old ones, so an import that was broken off is simply run again."""
import uuid

import cala

BATCH = 500


def new_id(*old):
    return str(uuid.uuid5(uuid.UUID("5b6f1d0a-6c5e-4e0b-9d53-0f5d1a5c7a11"), "/".join(map(str, old))))


class Importer:
    def __init__(self, ledger):
        self.ledger = ledger
        self.waiting, self.written, self.replayed = [], 0, 0

    def transaction(self, *, journal, key, day, text, entries, metadata):
        """entries: (account, "DEBIT" or "CREDIT", units, currency, metadata). Written by and by, 500 at a time."""
        params = {"journal": journal, "key": key, "day": day, "text": text, "metadata": metadata}
        for i, (account, side, units, currency, more) in enumerate(entries):
            params |= {f"account{i}": account, f"side{i}": side, f"units{i}": str(units), f"currency{i}": currency,
                       f"metadata{i}": more}
        self.waiting.append({"id": new_id(journal, key), "tx_template_code": self.template(len(entries)),
                             "params": params})
        if len(self.waiting) == BATCH:
            self.flush()

    def flush(self):
        for posted in self.ledger.transactions.post_many(self.waiting):
            self.replayed += posted["replayed"]
            self.written += not posted["replayed"]
        self.waiting = []

    def template(self, count):
        """A tx template that takes any entries, so many of them: the program's own ones come later."""
        types = {"journal": "uuid", "key": "string", "day": "date", "text": "string", "metadata": "json"}
        for i in range(count):
            types |= {f"account{i}": "uuid", f"side{i}": "string", f"units{i}": "decimal", f"currency{i}": "string",
                      f"metadata{i}": "json"}
        code = f"IMPORT_{count}"
        self.ledger.tx_templates.ensure(
            code=code,
            params=[{"name": name, "type": type} for name, type in types.items()],
            transaction={"journal_id": "params.journal", "effective": "params.day", "external_id": "params.key",
                         "description": "params.text", "metadata": "params.metadata"},
            entries=[{"entry_type": "'IMPORT'", "account_id": f"params.account{i}", "layer": "SETTLED",
                      "direction": f"params.side{i}", "units": f"params.units{i}", "currency": f"params.currency{i}",
                      "metadata": f"params.metadata{i}"} for i in range(count)])
        return code

    def net(self, journal, account, currency):
        try:
            return self.ledger.balances.find(journal, account, currency)["settled"]["net"]
        except cala.NotFoundError:
            return "0"
