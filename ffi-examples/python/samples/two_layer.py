"""A hold: pending first, settled when it is captured, released when it is not."""
import cala

from . import code, entry, params, store

FIELDS = params(journal="uuid", alice="uuid", bank="uuid", amount="decimal")
HEAD: cala.TemplateTransaction = {"journal_id": "params.journal", "effective": "date()"}


def moved(layer: str, debit: str, credit: str) -> list[cala.TemplateEntry]:
    """The two entries that move `amount` in a layer from one to the other."""
    return [entry(f"params.{debit}", layer, "DEBIT", "params.amount"),
            entry(f"params.{credit}", layer, "CREDIT", "params.amount")]


def unhold() -> list[cala.TemplateEntry]:
    """Takes `amount` back out of the pending layer."""
    return [entry("params.alice", "PENDING", "CREDIT", "params.amount"),
            entry("params.bank", "PENDING", "DEBIT", "params.amount")]


with cala.Ledger.open(store=store, migrate=True) as ledger:
    journal = ledger.journals.create(code=code("MAIN"), name="Main")["id"]
    alice = ledger.accounts.create(code=code("ALICE"), name="Alice")["id"]
    bank = ledger.accounts.create(code=code("BANK"), name="Bank", normal_balance_type="debit")["id"]
    for name, entries in {"DEPOSIT": moved("SETTLED", "bank", "alice"), "HOLD": moved("PENDING", "alice", "bank"),
                          "CAPTURE": unhold() + moved("SETTLED", "alice", "bank"), "RELEASE": unhold()}.items():
        ledger.tx_templates.create(code=code(name), params=FIELDS, transaction=HEAD, entries=entries)

    def post(name: str, amount: str) -> None:
        ledger.transactions.post(code(name), {"journal": journal, "alice": alice, "bank": bank, "amount": amount})

    post("DEPOSIT", "100.00")
    for title, name, amount in (("held", "HOLD", "40.00"), ("captured", "CAPTURE", "25.00"),
                                ("released", "RELEASE", "15.00")):
        post(name, amount)
        balance = ledger.balances.find(journal, alice, "USD")
        print(title, amount)
        print(f"  ALICE  settled {balance['settled']['net']}  pending {balance['pending']['net']}"
              f"  available {balance['available']['pending']}")
    print("history of ALICE")
    for balance in ledger.balances.history(journal, alice, "USD"):
        print(f"  {balance['version']}  settled {balance['settled']['net']}  pending {balance['pending']['net']}")
