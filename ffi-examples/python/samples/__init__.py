"""The samples: each prints what ../samples/ has under its name. Run one as `python -m samples.basic [store]`."""
import sys
import uuid

store = sys.argv[1] if len(sys.argv) > 1 else "sqlite::memory:"
# A store that lives on may have the codes of an earlier run.
suffix = "" if store == "sqlite::memory:" else f"-{uuid.uuid4().hex[:8]}"


def code(name):
    """The code that the sample's account, journal or tx template has in the store."""
    return name + suffix


def name_of(code):
    """The other way round."""
    return code.removesuffix(suffix)


def entry(account, layer, direction, units, entry_type="'ENTRY'", currency="'USD'"):
    """An entry of a tx template: all values are CEL expressions."""
    return {"account_id": account, "layer": layer, "direction": direction, "units": units, "entry_type": entry_type,
            "currency": currency}


def params(**types):
    """The params of a tx template."""
    return [{"name": name, **(type if isinstance(type, dict) else {"type": type})} for name, type in types.items()]


def deposit(ledger):
    """Creates the tx template DEPOSIT: debits `cash` and credits `account`."""
    return ledger.tx_templates.create(
        code=code("DEPOSIT"),
        params=params(journal="uuid", cash="uuid", account="uuid", amount="decimal", effective="date"),
        transaction={"journal_id": "params.journal", "effective": "params.effective"},
        entries=[entry("params.cash", "SETTLED", "DEBIT", "params.amount"),
                 entry("params.account", "SETTLED", "CREDIT", "params.amount")])
