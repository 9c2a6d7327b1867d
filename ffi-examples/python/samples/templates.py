"""Tx templates: what is refused when they are made and when they are posted, defaults, CEL."""
import cala

from . import code, entry, name_of, params, store, suffix

with cala.Ledger.open(store=store, migrate=True) as ledger:
    journal = ledger.journals.create(code=code("MAIN"), name="Main")
    accounts = {name: ledger.accounts.create(code=code(name), name=name.title())["id"]
                for name in ("ALICE", "BOB", "FEES")}
    names = {id: name for name, id in accounts.items()}
    head: cala.TemplateTransaction = {"journal_id": "params.journal", "effective": "date()"}
    ids: dict[str, cala.ParamType] = {"journal": "uuid", "sender": "uuid", "receiver": "uuid"}

    for units in (("params.amuont", "params.amount"), ("params.amount", "params.amount + decimal('1')")):
        try:
            ledger.tx_templates.create(
                code=code("BROKEN"), params=params(amount="decimal", **ids), transaction=head,
                entries=[entry("params.sender", "SETTLED", "DEBIT", units[0]),
                         entry("params.receiver", "SETTLED", "CREDIT", units[1])])
        except cala.InvalidError as error:
            print("refused ", error.code, "at", error.details["pointer"])
        except cala.RejectedError as error:
            print("refused ", error.code)

    template = ledger.tx_templates.create(
        code=code("FEE_TRANSFER"),
        params=params({"fee": "decimal('0.50')", "memo": "''"}, amount="decimal", fee="decimal", memo="string",
                      fees="uuid",
                      **ids),
        transaction={**head, "description": "params.memo"},
        entries=[entry("params.sender", "SETTLED", "DEBIT", "params.amount + params.fee"),
                 entry("params.receiver", "SETTLED", "CREDIT", "params.amount"),
                 entry("params.fees", "SETTLED", "CREDIT", "params.fee")])
    shown = [param["name"] for param in template["params"] if param["type"] != "uuid"]
    print("created ", name_of(template["code"]), "with params", ", ".join(shown))

    everyone = {"journal": journal["id"], "sender": accounts["ALICE"], "receiver": accounts["BOB"],
                "fees": accounts["FEES"]}

    def post(**more: str) -> cala.Posted:
        return ledger.transactions.post(code("FEE_TRANSFER"), {**everyone, **more})

    for title, more in (("posted with the default fee", {}), ("posted with a fee of 2", {"fee": "2"})):
        print(title)
        for e in post(amount="10.00", **more)["entries"]:
            print(f"  {e['sequence']}  {names[e['account_id']]:5}  {e['direction']:6}  {e['units']} {e['currency']}")

    for more in ({}, {"amount": "10.00", "amonut": "10.00"}):
        try:
            post(**more)
        except cala.InvalidError as error:
            param = error.details["param"]
            print("refused ", f"{error.code}: {param}")

    expression = "decimal('10.00') + decimal('0.50')"
    print("evaluated ", expression, "=", ledger.cel_evaluate(expression)["value"])
    print("templates")
    for template in ledger.tx_templates.list():
        if template["code"].endswith(suffix):
            print(" ", name_of(template["code"]))
