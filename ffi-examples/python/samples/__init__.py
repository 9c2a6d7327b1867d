"""The samples: each prints what ../samples/ has under its name. Run one as `python -m samples.basic [store]`."""
import sys
import uuid
from collections.abc import Awaitable
from typing import overload

import cala

store = sys.argv[1] if len(sys.argv) > 1 else "sqlite::memory:"
# A store that lives on may have the codes of an earlier run.
suffix = "" if store == "sqlite::memory:" else f"-{uuid.uuid4().hex[:8]}"


def code(name: str) -> str:
    """The code that the sample's account, journal or tx template has in the store."""
    return name + suffix


def name_of(code: str) -> str:
    """The other way round."""
    return code.removesuffix(suffix)


def entry(account: str, layer: str, direction: str, units: str, entry_type: str = "'ENTRY'",
          currency: str = "'USD'") -> cala.TemplateEntry:
    """An entry of a tx template: all values are CEL expressions."""
    return {"account_id": account, "layer": layer, "direction": direction, "units": units, "entry_type": entry_type,
            "currency": currency}


def params(defaults: dict[str, str] | None = None, /, **types: cala.ParamType) -> list[cala.Param]:
    """The params of a tx template, of these types; defaults: CEL expressions by name."""
    declared: list[cala.Param] = [{"name": name, "type": type} for name, type in types.items()]
    for param in declared:
        if param["name"] in (defaults or {}):
            param["default"] = (defaults or {})[param["name"]]
    return declared


@overload
def deposit(ledger: cala.Ledger) -> cala.TxTemplate: ...
@overload
def deposit(ledger: cala.AsyncLedger) -> Awaitable[cala.TxTemplate]: ...
def deposit(ledger: cala.Ledger | cala.AsyncLedger) -> cala.TxTemplate | Awaitable[cala.TxTemplate]:
    """Creates the tx template DEPOSIT: debits `cash` and credits `account`."""
    return ledger.tx_templates.create(
        code=code("DEPOSIT"),
        params=params(journal="uuid", cash="uuid", account="uuid", amount="decimal", effective="date"),
        transaction={"journal_id": "params.journal", "effective": "params.effective"},
        entries=[entry("params.cash", "SETTLED", "DEBIT", "params.amount"),
                 entry("params.account", "SETTLED", "CREDIT", "params.amount")])
