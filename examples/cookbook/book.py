"""What the recipes share: short words for a tx template and its entries."""


def debit(account, units="params.amount", layer="SETTLED", currency="'USD'"):
    return {"account_id": account, "direction": "DEBIT", "units": units, "layer": layer, "currency": currency}


def credit(account, units="params.amount", layer="SETTLED", currency="'USD'"):
    return {"account_id": account, "direction": "CREDIT", "units": units, "layer": layer, "currency": currency}


def template(ledger, journal, code, params, entries, **transaction):
    """Creates a tx template; params: types by name. An amount that comes from outside is not below zero."""
    ledger.tx_templates.create(
        code=code,
        params=[{"name": name, "type": type} | ({"min": "decimal('0')"} if type == "decimal" else {})
                for name, type in params.items()],
        transaction={"journal_id": f"uuid('{journal}')", "effective": "date()", **transaction},
        entries=[{"entry_type": f"'{code}'", **entry} for entry in entries])


def account(ledger, code, normal="credit", **more):
    """Creates an account and gives its id."""
    return ledger.accounts.create(code=code, name=code.title(), normal_balance_type=normal, **more)["id"]
