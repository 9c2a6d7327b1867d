"""Velocity limits as plainly as they can be said: what is counted where, and what may still pass.

No CEL: each limit is a text for the library and a function here."""
import datetime
from decimal import Decimal

LAYERS = ("settled", "pending", "encumbrance")


def key(alias, value):
    return {"alias": alias, "value": value}


def amount(layer, direction, value, basis="net", **more):
    return {"layer": f"'{layer.upper()}'", "enforcement_direction": f"'{direction.upper()}'", "amount": value,
            "basis": basis, **more}


def at(date):
    return f"timestamp('{date}T00:00:00Z')"


MOST = [{"name": "most", "type": "decimal"}]

# name: (condition, window, currency, amounts, further members of the request); the first two are functions of
# (entry, transaction, bearer), an amount is (layer, direction, basis, function of the params, start, end).
LIMITS = {
    "MONTHLY": (lambda e, t, b: True, lambda e, t, b: {"month": t["effective"][:7]}, None,
                [("settled", "debit", "net", lambda p: p["most"], None, None)],
                {"params": MOST, "window": [key("month", "context.vars.transaction.effective.format('%Y-%m')")],
                 "limit": {"balance": [amount("settled", "debit", "params.most")]}}),
    "LARGE": (lambda e, t, b: e["units"] > 10, lambda e, t, b: {}, None,
              [("pending", "credit", "gross", lambda p: p["most"] * 2, None, None)],
              {"params": MOST, "condition": "context.vars.entry.units > decimal('10')",
               "limit": {"balance": [amount("pending", "credit", "params.most * decimal('2')", "gross")]}}),
    "EURO": (lambda e, t, b: True, lambda e, t, b: {"type": e["entry_type"], "side": e["direction"].upper()}, "EUR",
             [("settled", "credit", "gross", lambda p: Decimal(5000), None, None),
              ("encumbrance", "debit", "net", lambda p: Decimal(90000), None, None)],
             {"currency": "EUR", "window": [key("type", "context.vars.entry.entryType"),
                                            key("side", "context.vars.entry.direction")],
              "limit": {"balance": [amount("settled", "credit", "decimal('5000')", "gross"),
                                    amount("encumbrance", "debit", "decimal('90000')")]}}),
    "CARD": (lambda e, t, b: t.get("metadata", {}).get("kind") == "card", lambda e, t, b: {"name": b["name"]}, None,
             [("settled", "debit", "net", lambda p: Decimal(100), "2025-06-20", "2025-09-01"),
              ("settled", "credit", "net", lambda p: Decimal(200), "2025-09-01", None)],
             {"condition": "has(context.vars.transaction.metadata) && context.vars.transaction.metadata.kind == 'card'",
              "window": [key("name", "context.vars.account.name")],
              "limit": {"balance": [amount("settled", "debit", "decimal('100')", start=at("2025-06-20"),
                                           end=at("2025-09-01")),
                                    amount("settled", "credit", "decimal('200')", start=at("2025-09-01"))]}}),
}


class Exceeded(Exception):
    pass


class Velocity:
    def __init__(self):
        self.limits = {}  # id: name in LIMITS
        self.controls = {}  # id: {"action", "limits": [id], "debits_only"}
        self.attached = {}  # (account or set, control): {"params", "limits": [id]}, as it was frozen
        self.counted = {}  # (account or set, control, limit, journal, currency, window): {layer: [debit, credit]}

    def attach(self, bearers, control, given, replace):
        """How many were attached and how many replaced, or None where one is attached already."""
        there = [bearer for bearer in bearers if (bearer, control) in self.attached]
        if there and not replace:
            return None
        for bearer in bearers:
            self.attached[(bearer, control)] = {"given": given,
                                                "params": {name: Decimal(value) for name, value in given.items()},
                                                "limits": list(self.controls[control]["limits"])}
        return len(bearers) - len(there), len(there)

    def ensure_attached(self, bearers, control, given, keep):
        """How many were attached and how many found, or None where one is attached with other params or limits."""
        there = [bearer for bearer in bearers if (bearer, control) in self.attached]
        limits = self.controls[control]["limits"]
        found = [self.attached[bearer, control] for bearer in there]
        if not keep and any(each["given"] != given or each["limits"] != limits for each in found):
            return None
        self.attach([bearer for bearer in bearers if bearer not in there], control, given, False)
        return len(bearers) - len(there), len(there)

    def detach(self, bearers, control):
        return sum(self.attached.pop((bearer, control), None) is not None for bearer in bearers)

    @staticmethod
    def in_force(start, end, now):
        return ((start is None or datetime.datetime.fromisoformat(start) <= now) and
                (end is None or now < datetime.datetime.fromisoformat(end)))

    @staticmethod
    def measure(layers, layer, direction, basis):
        """A layer counts with those before it."""
        up_to = [layers[each] for each in LAYERS[:LAYERS.index(layer) + 1]]
        sides = [sum(each[side] for each in up_to) for side in (0, 1)]
        mine, other = sides if direction == "debit" else reversed(sides)
        return mine if basis == "gross" else mine - other

    def count(self, transaction, entry, bearers, now, units, of_void):
        """Counts units, seen as an entry, at its account and at the sets above it; what was let pass with a warning, or
        Exceeded. A void is not refused where it gives room."""
        warnings = []
        for bearer in bearers:
            for (where, control), frozen in self.attached.items():
                rules = self.controls[control]
                if where != bearer["id"] or (rules["debits_only"] and entry["direction"] != "debit"):
                    continue
                for limit in frozen["limits"]:
                    warnings += self.count_at(limit, frozen["params"], rules["action"],
                                              (bearer, control), transaction, entry, now, units, of_void)
        return warnings

    def count_at(self, limit, params, action, place, transaction, entry, now, units, of_void):
        condition, window, currency, amounts, _ = LIMITS[self.limits[limit]]
        bearer, control = place
        if currency not in (None, entry["currency"]) or not condition(entry, transaction, bearer):
            return []
        counted = (bearer["id"], control, limit, transaction["journal_id"], entry["currency"],
                   tuple(window(entry, transaction, bearer).items()))
        layers = self.counted.setdefault(counted, {layer: [Decimal(0), Decimal(0)] for layer in LAYERS})
        before = {layer: list(sides) for layer, sides in layers.items()}
        layers[entry["layer"]][0 if entry["direction"] == "debit" else 1] += units
        warnings = []
        for layer, direction, basis, allowed, start, end in amounts:
            if not self.in_force(start, end, now) or (basis == "gross" and entry["direction"] != direction):
                continue
            requested = self.measure(layers, layer, direction, basis)
            if requested <= allowed(params) or (of_void and requested <= self.measure(before, layer, direction, basis)):
                continue
            if action == "reject":
                raise Exceeded
            warnings.append({"limit_id": limit, "control_id": control, "account_id": bearer["id"],
                             "allowed": format(allowed(params), "f"), "requested": format(requested, "f"),
                             "current": format(self.measure(before, layer, direction, basis), "f")})
        return warnings

    def headroom(self, bearers, now):
        """What is left wherever something was counted."""
        rows = []
        for (bearer, control, limit, journal, currency, window), layers in self.counted.items():
            frozen = self.attached.get((bearer, control))
            if bearer not in bearers or frozen is None or limit not in frozen["limits"]:
                continue
            for layer, direction, basis, allowed, start, end in LIMITS[self.limits[limit]][3]:
                current = self.measure(layers, layer, direction, basis)
                rows.append({"account_id": bearer, "control_id": control, "limit_id": limit, "journal_id": journal,
                             "currency": currency, "window": dict(window), "layer": layer, "direction": direction,
                             "basis": basis, "active": self.in_force(start, end, now),
                             "enforcement": self.controls[control]["action"], "current": format(current, "f"),
                             "limit": format(allowed(frozen["params"]), "f"),
                             "left": format(allowed(frozen["params"]) - current, "f")})
        return rows
