"""The ledger's rules as plainly as they can be said, to hold the library against.

No CEL: each template is a text for the library and a function here.
"""
import copy
import datetime
from decimal import Decimal, getcontext

from velocity_model import Exceeded, Velocity

getcontext().prec = 100
LAYERS = ("settled", "pending", "encumbrance")


class Refusal(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = code


def text(amount):
    return format(amount, "f")


def entry(kind, account, layer, direction, units, currency="'USD'"):
    """A template's entry, in CEL."""
    return {"entry_type": f"'{kind}'", "account_id": account, "layer": layer, "direction": direction, "units": units,
            "currency": currency}


def param(name, kind, default=None):
    return {"name": name, "type": kind, **({"default": default} if default is not None else {})}


def line(kind, account, layer, direction, units, currency="USD", **more):
    """An entry that was made."""
    return {"entry_type": kind, "account_id": account, "layer": layer.lower(), "direction": direction.lower(),
            "units": units, "currency": currency, **more}


def transfer(p):
    return [line("DR", p["sender"], p["layer"], "debit", p["amount"], p["currency"]),
            line("CR", p["recipient"], p["layer"], "credit", p["amount"], p["currency"])], {}


def order(p):
    lines = [line("ORDER_DR", p["sender"], "settled", "debit", p["amount"], description=p["kind"] + " payment",
                  metadata={"kind": p["kind"]}),
             line("ORDER_CR", p["recipient"], "settled", "credit", p["amount"])]
    return lines, {"external_id": p["external_id"], "description": "order " + p["external_id"],
                   "metadata": {"kind": p["kind"], "tags": ["a", "b"]}, "correlation_id": p["group"]}


def fee(p):
    part = p["amount"] * p["rate"]
    return [line("FEE_DR", p["sender"], "settled", "debit", p["amount"]),
            line("FEE_CR", p["recipient"], "settled", "credit", p["amount"] - part),
            line("FEE", p["fees"], "settled", "credit", part)], {}


def free(p):
    return [line("FREE_DR", p["sender"], "settled", "debit", p["debit"], p["currency"]),
            line("FREE_CR", p["recipient"], p["layer"], "credit", p["credit"], p["credit_currency"])], {}


def settle(p):
    """What was pending is settled, and may be less than what was held."""
    rest = p["held"] - p["amount"]
    return [line("RELEASE_DR", p["sender"], "pending", "debit", -p["held"]),
            line("RELEASE_CR", p["recipient"], "pending", "credit", -p["held"]),
            line("SETTLE_DR", p["sender"], "settled", "debit", p["amount"]),
            line("SETTLE_CR", p["recipient"], "settled", "credit", p["amount"]),
            line("REST_DR", p["sender"], "encumbrance", "debit", rest),
            line("REST_CR", p["recipient"], "encumbrance", "credit", rest)], {}


def kind(p):
    direction, other = ("credit", "debit") if p["refund"] else ("debit", "credit")
    currency = "BTC" if p["amount"] > 1000 else ("EUR" if p["region"].startswith("eu_") else "USD")
    name = "REFUND" if p["refund"] else "SALE"
    return [line(name, p["sender"], "settled", direction, p["amount"], currency),
            line(name, p["recipient"], "settled", other, p["amount"], currency)], {}


def guarded(p):
    """Its debit may take the sender no further than the overdraft."""
    return [line("OUT", p["sender"], "settled", "debit", p["amount"], _least=-p["overdraft"]),
            line("OUT", p["recipient"], "settled", "credit", p["amount"])], {}


def count(p):
    total = Decimal(p["count"]) * p["price"]
    name = "BULK" if p["count"] > 3 else "SINGLE"
    return [line(name, p["sender"], "settled", "debit", total, "EUR"),
            line(name, p["recipient"], "settled", "credit", total, "EUR")], {}


def exchange(p):
    sold = p["bought"] * p["rate"]
    return [line("SELL_DR", p["sender"], "settled", "debit", sold, "USD"),
            line("SELL_CR", p["desk"], "settled", "credit", sold, "USD"),
            line("BUY_DR", p["desk"], "settled", "debit", p["bought"], "EUR"),
            line("BUY_CR", p["sender"], "settled", "credit", p["bought"], "EUR")], {}


PEOPLE = [param("sender", "uuid"), param("recipient", "uuid")]
SALE = "params.refund ? 'REFUND' : 'SALE'"
REGION = "params.amount > decimal('1000') ? 'BTC' : (params.region.startsWith('eu_') ? 'EUR' : 'USD')"
BULK = "params.count > 3 ? 'BULK' : 'SINGLE'"


def varying(name, account, direction, units, currency):
    return {"entry_type": name, "account_id": account, "layer": "SETTLED", "direction": direction, "units": units,
            "currency": currency}


# code: (function, params, entries, further fields of the transaction)
TEMPLATES = {
    "TRANSFER": (transfer, PEOPLE + [param("amount", "decimal"), param("currency", "string", "'USD'"),
                                     param("layer", "string", "'SETTLED'")],
                 [entry("DR", "params.sender", "params.layer", "DEBIT", "params.amount", "params.currency"),
                  entry("CR", "params.recipient", "params.layer", "CREDIT", "params.amount", "params.currency")], {}),
    "ORDER": (order, PEOPLE + [param("amount", "decimal"), param("external_id", "string"),
                               param("kind", "string", "'card'"), param("group", "string", "'none'")],
              [{**entry("ORDER_DR", "params.sender", "SETTLED", "DEBIT", "params.amount"),
                "description": "params.kind + ' payment'", "metadata": "{'kind': params.kind}"},
               entry("ORDER_CR", "params.recipient", "SETTLED", "CREDIT", "params.amount")],
              {"external_id": "params.external_id", "description": "'order ' + params.external_id",
               "correlation_id": "params.group", "metadata": "{'kind': params.kind, 'tags': ['a', 'b']}"}),
    "FEE": (fee, PEOPLE + [param("fees", "uuid"), param("amount", "decimal"),
                           param("rate", "decimal", "decimal('0.025')")],
            [entry("FEE_DR", "params.sender", "SETTLED", "DEBIT", "params.amount"),
             entry("FEE_CR", "params.recipient", "SETTLED", "CREDIT", "params.amount - params.amount * params.rate"),
             entry("FEE", "params.fees", "SETTLED", "CREDIT", "params.amount * params.rate")], {}),
    "FREE": (free, PEOPLE + [param("debit", "decimal"), param("credit", "decimal"),
                             param("currency", "string", "'USD'"), param("credit_currency", "string", "'USD'"),
                             param("layer", "string", "'SETTLED'")],
             [entry("FREE_DR", "params.sender", "SETTLED", "DEBIT", "params.debit", "params.currency"),
              entry("FREE_CR", "params.recipient", "params.layer", "CREDIT", "params.credit",
                    "params.credit_currency")], {}),
    "SETTLE": (settle, PEOPLE + [param("held", "decimal"), param("amount", "decimal")],
               [entry("RELEASE_DR", "params.sender", "PENDING", "DEBIT", "-params.held"),
                entry("RELEASE_CR", "params.recipient", "PENDING", "CREDIT", "-params.held"),
                entry("SETTLE_DR", "params.sender", "SETTLED", "DEBIT", "params.amount"),
                entry("SETTLE_CR", "params.recipient", "SETTLED", "CREDIT", "params.amount"),
                entry("REST_DR", "params.sender", "ENCUMBRANCE", "DEBIT", "params.held - params.amount"),
                entry("REST_CR", "params.recipient", "ENCUMBRANCE", "CREDIT", "params.held - params.amount")], {}),
    "KIND": (kind, PEOPLE + [param("amount", "decimal"), param("refund", "boolean", "false"),
                             param("region", "string", "'us_east'")],
             [varying(SALE, "params.sender", "params.refund ? CREDIT : DEBIT", "params.amount", REGION),
              varying(SALE, "params.recipient", "params.refund ? DEBIT : CREDIT", "params.amount", REGION)], {}),
    "GUARDED": (guarded, PEOPLE + [param("amount", "decimal"), param("overdraft", "decimal")],
                [{**entry("OUT", "params.sender", "SETTLED", "DEBIT", "params.amount"),
                  "min_available": "-params.overdraft"},
                 entry("OUT", "params.recipient", "SETTLED", "CREDIT", "params.amount")], {}),
    "COUNT": (count, PEOPLE + [param("count", "integer"), param("price", "decimal")],
              [varying(BULK, "params.sender", "DEBIT", "decimal(params.count) * params.price", "'EUR'"),
               varying(BULK, "params.recipient", "CREDIT", "decimal(params.count) * params.price", "'EUR'")], {}),
    "EXCHANGE": (exchange, [param("sender", "uuid"), param("desk", "uuid"), param("bought", "decimal"),
                            param("rate", "decimal")],
                 [entry("SELL_DR", "params.sender", "SETTLED", "DEBIT", "params.bought * params.rate"),
                  entry("SELL_CR", "params.desk", "SETTLED", "CREDIT", "params.bought * params.rate"),
                  entry("BUY_DR", "params.desk", "SETTLED", "DEBIT", "params.bought", "'EUR'"),
                  entry("BUY_CR", "params.sender", "SETTLED", "CREDIT", "params.bought", "'EUR'")], {}),
}
DEFAULTS = {"currency": "USD", "layer": "SETTLED", "kind": "card", "group": "none", "rate": "0.025",
            "credit_currency": "USD", "refund": False, "region": "us_east"}


class Ledger:
    def __init__(self, now):
        self.now = now
        self.journals = {}  # id: {"status", "max_scale"}, and "closed_until" where it is
        self.accounts = {}  # id: {"code", "name", "normal_balance_type", "status"}, with floors where there are any
        self.sets = {}  # id: {"name", "journal_id", "normal_balance_type", "members"}; members are accounts and sets
        self.posted = {}  # id: (code, params, made, when)
        self.external_ids = {}
        self.void_of = {}  # void: what it takes back
        self.voided_by = {}
        # id: {"status", "expires_at", "amount", "currency", "captured", "closed_by", "version"};
        # amount is None where there are several
        self.holds = {}
        self.balances = {}  # (journal, account, currency): [version, {layer: [debit, credit]}]
        self.entries = {}  # account: [(transaction, sequence)]
        # (journal, account or set, currency, effective, layer, side, units, transaction, sequence, when)
        self.moves = []
        self.touched = set()  # (account, journal): where it has entries
        self.velocity = Velocity()

    # ---- postings

    def post_many(self, postings):
        """What was made of each, or a Refusal with .index: every posting passes a stage before any goes to the next."""
        seen = set()
        made = self.stage(postings, lambda at, p: self.refuse_twin(self.prepare(p, self.now), seen))
        replays = self.stage(postings, lambda at, p: self.replay(p, made[at]))
        fresh = [at for at in range(len(postings)) if replays[at] is None]
        self.stage(postings, lambda at, p: self.check_journal(made[at]) if at in fresh else None)
        self.stage(postings, lambda at, p: self.check_accounts(made[at]) if at in fresh else None)
        trial = {key: layers for key, (_, layers) in copy.deepcopy(self.balances).items()}
        self.stage(postings, lambda at, p: self.check_floors(made[at], trial) if at in fresh else None)
        counted = copy.deepcopy(self.velocity.counted)
        try:
            warnings = self.stage(postings, lambda at, p: self.count(made[at]) if at in fresh else [])
        except Refusal:
            self.velocity.counted = counted
            raise
        for at in fresh:
            self.book(postings[at], made[at])
        return [{**(replays[at] or made[at]), "warnings": warnings[at]} for at in range(len(postings))]

    def void(self, request):
        """What was made: the original's entries with negated units."""
        first = self.posted.get(request["id"])
        if first is None:
            raise Refusal("transaction.not_found")
        if "hold_id" in first[0]["transaction"]:
            raise Refusal("hold.not_voidable")
        if self.voided_by.get(request["id"], request["void_id"]) != request["void_id"]:
            raise Refusal("transaction.already_voided")
        again = self.posted.get(request["void_id"])
        made = self.mirror(request, first[0], (again[1] if again else self.now).date())
        if again is not None:
            if made != again[0]:
                raise Refusal("transaction.replay_differs")
            return {**made, "warnings": []}
        self.check_lock(made)
        self.check_accounts(made)
        self.check_floors(made, {key: layers for key, (_, layers) in copy.deepcopy(self.balances).items()})
        counted = copy.deepcopy(self.velocity.counted)
        try:
            warnings = self.count(made)
        except Refusal:
            self.velocity.counted = counted
            raise
        self.book({"id": request["void_id"]}, made)
        self.void_of[request["void_id"]] = request["id"]
        self.voided_by[request["id"]] = request["void_id"]
        return {**made, "warnings": warnings}

    @staticmethod
    def mirror(request, original, today):
        first = original["transaction"]
        made = {"id": request["void_id"], "void_of": request["id"], "journal_id": first["journal_id"],
                "effective": request.get("effective", today.isoformat()),
                "correlation_id": first.get("correlation_id", first["id"])}
        if "description" in request:
            made["description"] = request["description"]
        lines = [{**each, "units": -each["units"], "entry_type": each["entry_type"] + "_VOID"}
                 for each in original["entries"]]
        return {"transaction": made, "entries": [{name: value for name, value in each.items() if name != "_least"}
                                                 for each in lines]}

    def hold_create(self, request):
        """What was made, and the hold as it is."""
        expires_at = request.get("expires_at")
        posting = {name: value for name, value in request.items() if name != "expires_at"}
        made = self.post_many([{**posting, "_hold": True}])[0]
        which = made["transaction"]["id"]
        if which not in self.holds:
            first = made["entries"][0]
            is_one = all((each["units"], each["currency"]) == (first["units"], first["currency"])
                         for each in made["entries"])
            self.holds[which] = {"status": "open", "expires_at": expires_at, "amount": first["units"] if is_one
                                 else None,
                                 "currency": first["currency"], "captured": Decimal(0), "closed_by": None, "version": 1}
        elif self.holds[which]["expires_at"] != expires_at:
            raise Refusal("transaction.replay_differs")
        return made, self.shown_hold(which)

    def hold_status(self, hold):
        over = hold["expires_at"] is not None and hold["expires_at"] <= self.now.isoformat(timespec="seconds") + "Z"
        return "expired" if hold["status"] == "open" and over else hold["status"]

    def shown_hold(self, which):
        hold = self.holds[which]
        shown = {"id": which, "status": self.hold_status(hold), "version": hold["version"], "transaction_id": which}
        if hold["amount"] is not None:
            left = Decimal(0) if hold["closed_by"] else hold["amount"] - hold["captured"]
            shown |= {"amount": text(hold["amount"]), "currency": hold["currency"], "captured": text(hold["captured"]),
                      "left": text(left)}
        return shown | ({"closed_by": hold["closed_by"]} if hold["closed_by"] else {})

    def hold_step(self, request, captures):
        """A capture or a release: what was made, and the hold after it."""
        which = request["hold_id"]
        hold = self.holds.get(which)
        if hold is None:
            raise Refusal("hold.not_found")
        again = self.posted.get(request.get("id"))
        if again is None and not captures and "id" not in request and hold["status"] in ("released", "expired"):
            again = self.posted[hold["closed_by"]]
        if again is not None:
            if not self.is_step(*again, request, hold, captures):
                raise Refusal("transaction.replay_differs")
            return {**again[0], "warnings": []}, self.shown_hold(which)
        status = self.hold_status(hold)
        if hold["status"] != "open" or (captures and status != "open"):
            raise Refusal("hold.not_open")
        one, final, left = hold["amount"] is not None, request.get("final", True), None
        if "amount" in request and not one:
            raise Refusal("hold.not_divisible")
        if one:
            left = hold["amount"] - hold["captured"]
            captured = Decimal(request["amount"]) if "amount" in request else left
            if captures and captured > left:
                raise Refusal("hold.exceeded")
            taken = left if final else captured
        original = self.posted[which][0]
        lines = [{**each, "entry_type": each["entry_type"] + "_RELEASE", "units": -(taken if one else each["units"])}
                 for each in original["entries"]]
        if captures:
            lines += [{**each, "entry_type": each["entry_type"] + "_CAPTURE", "layer": "settled",
                       "units": captured if one else each["units"]} for each in original["entries"]]
        first = original["transaction"]
        made = {"transaction": {"id": request["id"], "hold_id": which, "journal_id": first["journal_id"],
                                "effective": request.get("effective", self.now.date().isoformat()),
                                "correlation_id": first.get("correlation_id", first["id"])},
                "entries": [{name: value for name, value in each.items() if name != "_least"} for each in lines]}
        if "amount" in request:
            self.check_journal({**made, "entries": [each for each in made["entries"] if each["layer"] == "settled"]})
        else:
            self.check_lock(made)
        self.check_accounts(made)
        self.check_floors(made, {key: layers for key, (_, layers) in copy.deepcopy(self.balances).items()})
        counted = copy.deepcopy(self.velocity.counted)
        try:
            warnings = self.count(made)
        except Refusal:
            self.velocity.counted = counted
            raise
        self.book({"id": request["id"]}, made)
        hold["version"] += 1
        if captures and one:
            hold["captured"] += captured
        if not captures or not one or taken == left:
            hold["status"] = "captured" if captures else "expired" if status == "expired" else "released"
            hold["closed_by"] = request["id"]
        return {**made, "warnings": warnings}, self.shown_hold(which)

    @staticmethod
    def is_step(made, made_at, request, hold, captures):
        transaction, entries = made["transaction"], made["entries"]
        if transaction.get("hold_id") != request["hold_id"] or transaction["id"] == request["hold_id"]:
            return False
        settled = [each["units"] for each in entries if each["layer"] == "settled"]
        if bool(settled) != captures or request.get("effective",
                                                    made_at.date().isoformat()) != transaction["effective"]:
            return False
        if not captures:
            return True
        no_more = entries[0]["units"] == -settled[0]
        was_last = hold["closed_by"] == transaction["id"]
        if settled[0] != Decimal(request["amount"]) if "amount" in request else not (no_more and was_last):
            return False
        return was_last if request.get("final", True) else no_more

    def due(self):
        """Holds that hold_expire would be at."""
        found = []
        for which, hold in self.holds.items():
            made = self.posted[which][0]
            locked = any(self.accounts[each["account_id"]]["status"] == "locked" for each in made["entries"])
            journal = self.journals[made["transaction"]["journal_id"]]
            locked = locked or journal["status"] == "locked"
            locked = locked or self.now.date().isoformat() <= journal.get("closed_until", "")
            if hold["status"] == "open" and self.hold_status(hold) == "expired" and not locked:
                found.append(which)
        return found

    def preview(self, posting):
        """What would be answered and the balances after it, or a Refusal; nothing is kept."""
        trial = copy.deepcopy(self)
        answer = trial.answer(trial.post_many([posting])[0])
        moved = sorted(key for key in trial.balances
                       if trial.balances[key] != self.balances.get(key) and not self.follows(key[1]))
        return {**answer, "balances_after": [trial.balance_row(key) for key in moved]}

    @staticmethod
    def stage(postings, work):
        results = []
        for at, posting in enumerate(postings):
            try:
                results.append(work(at, posting))
            except Refusal as refusal:
                refusal.index = at
                raise
        return results

    def prepare(self, posting, when):
        if posting["tx_template_code"] not in TEMPLATES:
            raise Refusal("tx_template.not_found")
        function, declared, _, _ = TEMPLATES[posting["tx_template_code"]]
        given = posting["params"]
        kinds = {p["name"]: p["type"] for p in declared} | {"journal_id": "uuid", "effective": "date"}
        for name in given:
            if name not in kinds:
                raise Refusal("param.unknown")
        for name, value in given.items():
            if not self.is_of(kinds[name], value):
                raise Refusal("param.type")
        values = {name: value for name, value in DEFAULTS.items() if name in kinds}
        if posting["tx_template_code"] == "EXCHANGE":
            del values["rate"]
        values.update(given)
        for name in kinds:
            if name not in values and name not in ("journal_id", "effective"):
                raise Refusal("param.missing")
        numbers = {name: Decimal(value) if kinds[name] == "decimal" else value for name, value in values.items()}
        lines, more = function(numbers)
        sums = {}
        for each in lines:
            key = (each["currency"], each["layer"])
            sign = 1 if each["direction"] == "debit" else -1
            sums[key] = sums.get(key, 0) + sign * each["units"]
        if any(sums.values()):
            raise Refusal("posting.unbalanced")
        if posting.get("_hold"):
            if any(each["layer"] != "pending" for each in lines):
                raise Refusal("hold.not_pending")
            more = {**more, "hold_id": posting["id"]}
        return {"transaction": {"id": posting["id"], "journal_id": given.get("journal_id", self.default_journal),
                                "effective": given.get("effective", when.date().isoformat()), **more}, "entries": lines}

    @staticmethod
    def is_of(kind, value):
        if kind == "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        if kind == "boolean":
            return isinstance(value, bool)
        return isinstance(value, str)

    @staticmethod
    def refuse_twin(made, seen):
        for field in ("id", "external_id"):
            value = made["transaction"].get(field)
            if value is not None and (field, value) in seen:
                raise Refusal("transaction.exists")
            seen.add((field, value))
        return made

    def replay(self, posting, made):
        """None for a new posting, what was posted for the same again."""
        external_id = made["transaction"].get("external_id")
        first = self.posted.get(posting["id"]) or self.posted.get(self.external_ids.get(external_id))
        if first is None:
            return None
        again = self.prepare(posting, first[1])
        if again != first[0]:
            raise Refusal("transaction.replay_differs")
        return first[0]

    def check_lock(self, made):
        journal = self.journals.get(made["transaction"]["journal_id"])
        if journal is None:
            raise Refusal("journal.not_found")
        if journal["status"] == "locked":
            raise Refusal("journal.locked")
        if made["transaction"]["effective"] <= journal.get("closed_until", ""):
            raise Refusal("journal.closed")

    def check_journal(self, made):
        self.check_lock(made)
        scales = self.journals[made["transaction"]["journal_id"]]["max_scale"]
        for each in made["entries"]:
            if -each["units"].as_tuple().exponent > scales.get(each["currency"], scales["default"]):
                raise Refusal("amount.scale")

    def check_accounts(self, made):
        for each in made["entries"]:
            account = self.accounts.get(each["account_id"])
            if account is None:
                raise Refusal("account.not_found")
            if account["status"] == "locked":
                raise Refusal("account.locked")

    def check_floors(self, made, trial):
        """Adds a posting to a trial of the balances: what it leaves available must be within, or nearer to it."""
        journal, watched = made["transaction"]["journal_id"], []
        for each in made["entries"]:
            for moved in [each["account_id"]] + sorted(self.sets_above(each["account_id"], journal)):
                holder = self.accounts.get(moved) or self.sets[moved]
                watched.append(((journal, moved, each["currency"]), holder.get("available_layer", "settled"),
                                self.limit(holder, "min_available", each["currency"]),
                                self.limit(holder, "max_available", each["currency"])))
            if "_least" in each:
                key = (journal, each["account_id"], each["currency"])
                watched.append((key, each["layer"], each["_least"], None))
        before = [self.available(trial, key, layer) for key, layer, _, _ in watched]
        for each in made["entries"]:
            for moved in [each["account_id"]] + self.sets_above(each["account_id"], journal):
                layers = trial.setdefault((journal, moved, each["currency"]), self.nothing())
                layers[each["layer"]][0 if each["direction"] == "debit" else 1] += each["units"]
        for was, (key, layer, least, most) in zip(before, watched):
            after = self.available(trial, key, layer)
            if least is not None and after < least and after < was:
                raise Refusal("account.below_min")
            if most is not None and after > most and after > was:
                raise Refusal("account.above_max")

    @staticmethod
    def limit(holder, name, currency):
        of = holder.get(name)
        amount = of.get(currency, of.get("*")) if isinstance(of, dict) else of
        return None if amount is None else Decimal(amount)

    def available(self, balances, key, layer):
        normal = (self.accounts.get(key[1]) or self.sets[key[1]])["normal_balance_type"]
        layers = balances.get(key, self.nothing())
        debit, credit = (sum(layers[each][side] for each in LAYERS[:LAYERS.index(layer) + 1]) for side in (0, 1))
        return debit - credit if normal == "debit" else credit - debit

    def count(self, made):
        """What velocity limits let pass with a warning. A void is to them what it takes back in the end, and so are the
        first entries of a capture or a release of a hold."""
        transaction, entries, when, warnings = made["transaction"], made["entries"], self.now, []
        seen = transaction
        while "void_of" in seen:
            first, when = self.posted[seen["void_of"]]
            seen, entries = first["transaction"], first["entries"]
        if transaction.get("hold_id", transaction["id"]) != transaction["id"]:
            first, when = self.posted[transaction["hold_id"]]
            seen, entries = first["transaction"], first["entries"]
        for sequence, each in enumerate(made["entries"], 1):
            bearers = self.bearers(each["account_id"], transaction["journal_id"])
            back = seen is not transaction and sequence <= len(entries)
            as_what = (seen, entries[sequence - 1], bearers, when) if back else (transaction, each, bearers, self.now)
            try:
                warnings += [{**warning, "sequence": sequence} for warning in
                             self.velocity.count(*as_what, each["units"], back)]
            except Exceeded:
                raise Refusal("velocity.exceeded") from None
        return warnings

    def bearers(self, account, journal):
        above = self.sets_above(account, journal)
        return [{"id": account, **self.accounts[account]}] + [{"id": which, **self.sets[which]} for which in above]

    def headroom(self, which):
        return self.velocity.headroom([which] + self.paths_above(which), self.now)

    def book(self, posting, made):
        transaction = made["transaction"]
        self.posted[posting["id"]] = (made, self.now)
        if "external_id" in transaction:
            self.external_ids[transaction["external_id"]] = posting["id"]
        for sequence, each in enumerate(made["entries"], 1):
            self.entries.setdefault(each["account_id"], []).append([posting["id"], sequence])
            self.touched.add((each["account_id"], transaction["journal_id"]))
            side = 0 if each["direction"] == "debit" else 1
            for moved in [each["account_id"]] + self.sets_above(each["account_id"], transaction["journal_id"]):
                key = (transaction["journal_id"], moved, each["currency"])
                balance = self.balances.setdefault(key, [0, self.nothing()])
                balance[0] += 1
                balance[1][each["layer"]][side] += each["units"]
                self.moves.append((*key, transaction["effective"], each["layer"], side, each["units"], posting["id"],
                                   sequence, self.now))

    @staticmethod
    def nothing():
        return {layer: [Decimal(0), Decimal(0)] for layer in LAYERS}

    # ---- account sets

    def parents(self, member):
        return [which for which, each in self.sets.items() if member in each["members"]]

    def paths_above(self, member):
        """Every way up: the sets above, each as often as it can be reached."""
        found = []
        for parent in self.parents(member):
            found += [parent] + self.paths_above(parent)
        return found

    def sets_above(self, account, journal):
        return [which for which in self.paths_above(account) if self.sets[which]["journal_id"] == journal]

    def accounts_below(self, which):
        found = []
        for member in self.sets[which]["members"]:
            found += self.accounts_below(member) if member in self.sets else [member]
        return found

    def height(self, which):
        """Memberships from a set down to its lowest member set."""
        return max((1 + self.height(member) for member in self.sets[which]["members"] if member in self.sets),
                   default=0)

    def depth(self, which):
        return max((1 + self.depth(parent) for parent in self.parents(which)), default=0)

    def has_history(self, member, journal):
        below = self.accounts_below(member) if member in self.sets else [member]
        return any((account, journal) in self.touched for account in below)

    def check_places(self, which, member):
        if which not in self.sets or (member not in self.sets and member not in self.accounts):
            raise Refusal("account_set.not_found" if which not in self.sets else "account.not_found")
        journal = self.sets[which]["journal_id"]
        if member in self.sets and self.sets[member]["journal_id"] != journal:
            raise Refusal("membership.journal_mismatch")

    def check_history(self, which, member):
        if self.has_history(member, self.sets[which]["journal_id"]):
            raise Refusal("membership.has_history")

    def add_member(self, which, member):
        self.check_places(which, member)
        self.check_history(which, member)
        if member in self.sets and (member == which or member in self.paths_above(which)):
            raise Refusal("membership.cycle")
        ends = {which, *self.paths_above(which)}
        starts = {member, *self.sets_below(member), *self.accounts_below(member)} if member in self.sets else {member}
        if any(ends & set(self.paths_above(start)) for start in starts):
            raise Refusal("membership.duplicate_path")
        if member in self.sets and self.depth(which) + 1 + self.height(member) > 16:
            raise Refusal("membership.depth")
        self.sets[which]["members"].add(member)

    def sets_below(self, which):
        found = []
        for member in self.sets[which]["members"]:
            if member in self.sets:
                found += [member] + self.sets_below(member)
        return found

    def remove_member(self, which, member):
        self.check_places(which, member)
        if member not in self.sets[which]["members"]:
            raise Refusal("membership.not_found")
        self.check_history(which, member)
        self.sets[which]["members"].remove(member)

    def follows(self, which):
        """Whether its balances need not move with a posting: they may be behind until somebody waits for them."""
        of = self.sets.get(which, {})
        return of.get("balance_rollup") == "eventually_consistent" and not self.journals[of["journal_id"]]["dated"]

    # ---- what is ensured

    @staticmethod
    def ensure(of, keys, request, keep):
        """The id of what has one of the keys ({field: value}, the id too), or None; a Refusal where it differs."""
        found = [which for which, each in of.items()
                 if any(({"id": which} | each).get(field) == value for field, value in keys.items())]
        if len(found) > 1:
            raise Refusal("keys_span")
        if not found:
            return None
        is_so = {"id": found[0]} | of[found[0]]
        if not keep and any(is_so.get(field) != value for field, value in request.items()):
            raise Refusal("ensure_differs")
        return found[0]

    def ensure_member(self, which, member):
        """Whether it was not there."""
        if member in self.sets.get(which, {"members": ()})["members"]:
            return False
        self.add_member(which, member)
        return True

    # ---- what it answers

    @staticmethod
    def answer(made):
        entries = [{**each, "units": text(each["units"]), "sequence": at} for at, each in enumerate(made["entries"], 1)]
        for each in entries:
            each.pop("_least", None)
        return {"transaction": made["transaction"], "entries": entries, "warnings": made["warnings"]}

    def balance_row(self, key):
        version, layers = self.balances[key]
        return {"account_id": key[1], "currency": key[2], "version": version, **self.shown(key, layers)}

    def shown(self, key, layers):
        normal = (self.accounts.get(key[1]) or self.sets[key[1]])["normal_balance_type"]
        row = {}
        for layer, (debit, credit) in layers.items():
            net = debit - credit if normal == "debit" else credit - debit
            row[layer] = {"debit": text(debit), "credit": text(credit), "net": text(net)}
        return row

    def entries_of(self, which):
        if which not in self.sets:
            return sorted(self.entries.get(which, []))
        journal = self.sets[which]["journal_id"]
        return sorted(each for account in self.accounts_below(which) for each in self.entries.get(account, [])
                      if self.posted[each[0]][0]["transaction"]["journal_id"] == journal)

    def transactions_of(self, ids, request):
        """Those of the ids that pass the request's filters, in its order."""
        made = [self.posted[which][0]["transaction"] for which in self.posted if which in ids]
        found = [each["id"] for each in made if each["effective"] >= request.get("effective_from", "")
                 and request.get("journal_id") in (None, each["journal_id"])]
        return found if request["order"] == "asc" else found[::-1]

    # ---- by effective date

    def sums(self, journal, first, last):
        """What was moved from one date to another, both included: {(journal, account, currency): (layers, entries)}."""
        found = {}
        for of, account, currency, effective, layer, side, units, *_ in self.moves:
            if of == journal and first <= effective <= last:
                layers, count = found.get((of, account, currency), (self.nothing(), 0))
                layers[layer][side] += units
                found[(of, account, currency)] = (layers, count + 1)
        return found

    def effective(self, journal, date):
        found = self.sums(journal, "0001-01-01", date)
        return [{"account_id": key[1], "currency": key[2], **self.shown(key, found[key][0])} for key in sorted(found)]

    def range(self, journal, first, last):
        closed, within = self.sums(journal, "0001-01-01", last), self.sums(journal, first, last)
        before = str(datetime.date.fromisoformat(first) - datetime.timedelta(days=1))
        opened = self.sums(journal, "0001-01-01", before)
        rows = []
        for key in sorted(closed):
            layers, count = within.get(key, (self.nothing(), 0))
            rows.append({"account_id": key[1], "currency": key[2], "entries": count,
                         "open": self.shown(key, opened[key][0]) if key in opened else {},
                         "period": self.shown(key, layers), "close": self.shown(key, closed[key][0])})
        return rows

    # ---- statements

    def trial_balance(self, journal, layer, which=None, subtotals=False, currency=None, date=None):
        """Lines by code and currency, and totals of the accounts by currency."""
        if date is None:
            found = {key[1:]: layers for key, (_, layers) in self.balances.items() if key[0] == journal}
        else:
            found = {key[1:]: layers for key, (layers, _) in self.sums(journal, "0001-01-01", date).items()}
        found = {key: layers[layer] for key, layers in found.items() if currency in (None, key[1])}
        accounts = set(self.accounts if which is None else self.accounts_below(which))
        tops = [each for each, of in self.sets.items() if of["journal_id"] == journal and not self.parents(each)]
        sets = tops if which is None else [each for each in self.sets[which]["members"] if each in self.sets]
        totals = {}
        for (account, of), sides in found.items():
            if account in accounts:
                totals[of] = [sum(pair) for pair in zip(totals.get(of, (0, 0)), sides)]
        code = {which: each["code"] for which, each in self.accounts.items()} | {which: which for which in self.sets}
        lines = sorted((code[account], of, account) for account, of in found
                       if account in (sets if subtotals else accounts))
        return ([{"account_id": account, "currency": of, **self.sides(account, found[account, of])}
                 for _, of, account in lines],
                [{"currency": of, "debit": text(debit), "credit": text(credit)}
                 for of, (debit, credit) in sorted(totals.items())])

    def sides(self, which, sides):
        debit, credit = sides
        normal = (self.accounts.get(which) or self.sets[which])["normal_balance_type"]
        return {"debit": text(debit), "credit": text(credit),
                "net": text(debit - credit if normal == "debit" else credit - debit)}

    def statement(self, key, layer, by, first, last):
        """What there was before, lines with what there was after each, what there was at the end;
        both ends included."""
        moves = [move for move in self.moves if move[:3] == key and move[4] == layer]
        if by == "effective":
            moves.sort(key=lambda move: move[3])
        sides, opening, lines = [Decimal(0), Decimal(0)], None, []
        for *_, effective, _, side, units, transaction, sequence, when in moves:
            at = effective if by == "effective" else when
            if last is not None and at > last:
                break
            if opening is None and (first is None or at >= first):
                opening = self.sides(key[1], sides)
            sides[side] += units
            if opening is not None:
                lines.append({"entry": {"transaction_id": transaction, "sequence": sequence},
                              "running": self.sides(key[1], sides)})
        closing = self.sides(key[1], sides)
        return opening or closing, lines, closing

    def balances_of(self, journal):
        return [self.balance_row(key) for key in sorted(self.balances) if key[0] == journal]

    def advance(self, seconds):
        self.now += datetime.timedelta(seconds=seconds)
