#!/usr/bin/env python3
"""make_traces.py FOLDER SEED...: random operations and what the model answers, a file for each seed; see README.md.

With CALA_SOAK set there are 340, which is 102,000 operations."""
import copy
import datetime
import json
import os
import random
import sys
import uuid
from decimal import Decimal

from ledger_model import TEMPLATES, Ledger, Refusal
from velocity_model import LIMITS

CLOCK = datetime.datetime(2025, 6, 15, 10, 30)
STEPS = 300


class Play:
    def __init__(self, seed, steps=None):
        """steps: the numbers of those that are played, when not all are (shrink.py)."""
        self.seed, self.steps = seed, range(STEPS) if steps is None else steps
        self.random = random.Random(seed)
        self.ledger = Ledger(CLOCK)
        self.lines = [{"format": 1, "profile": "model", "seed": seed, "clock": CLOCK.isoformat() + "Z"}]
        self.requests = []  # that were posted
        self.held = []  # requests of holds that were made
        self.steps_of_holds = []  # (op, request) of captures and releases that were made
        self.inside = False  # a transaction

    def id(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def note(self, op, request, ok=None):
        self.lines.append({"op": op, "request": request, "ok": ok or {}})

    # ---- the books

    def begin(self):
        for code, scale in (("MAIN", {"default": 18}), ("CENTS", {"default": 8, "USD": 2}), ("OLD", {"default": 18})):
            journal = self.id()
            self.ledger.journals[journal] = {"status": "active", "max_scale": scale, "code": code, "name": code,
                                             "dated": code != "OLD"}
            self.note("journal_create", {"id": journal, "code": code, "name": code, "max_scale": scale,
                                         "effective_balances": code != "OLD"})
        self.journal_ids = list(self.ledger.journals)
        self.ledger.default_journal = self.journal_ids[0]
        for code, (_, params, entries, more) in TEMPLATES.items():
            declared = [{"name": "journal_id", "type": "uuid", "default": f"uuid('{self.journal_ids[0]}')"},
                        {"name": "effective", "type": "date", "default": "date()"}] + params
            transaction = {"journal_id": "params.journal_id", "effective": "params.effective", **more}
            self.note("tx_template_create", {"id": self.id(), "code": code, "params": declared, "entries": entries,
                                             "transaction": transaction})
        for name, (_, _, _, _, request) in LIMITS.items():
            limit = self.id()
            self.ledger.velocity.limits[limit] = name
            self.note("velocity_limit_create", {"id": limit, "name": name, **request})
        for action, debits_only in (("reject", False), ("warn", False), ("reject", True)):
            control = self.id()
            self.ledger.velocity.controls[control] = {"action": action, "limits": [], "debits_only": debits_only}
            condition = {"condition": "context.vars.entry.direction == 'DEBIT'"} if debits_only else {}
            self.note("velocity_control_create", {"id": control, "name": action, "enforcement": {"action": action},
                                                  **condition})
            self.velocity_add_limit()
            self.velocity_add_limit()
        for _ in range(8):
            self.account_create()
        for _ in range(5):
            self.account_set_create()
        for _ in range(8):  # most of it before there are entries, since members are frozen after that
            self.add_members()
        for _ in range(8):
            self.velocity_attach()

    def new_account(self):
        number = len(self.ledger.accounts)
        account = {"code": f"A{number:03}", "name": f"Account {number}", "status": "active",
                   "normal_balance_type": self.random.choice(("debit", "credit"))}
        made = self.id()
        self.ledger.accounts[made] = account
        return {"id": made, "code": account["code"], "name": account["name"],
                "normal_balance_type": account["normal_balance_type"]}

    def account_create(self):
        self.note("account_create", self.new_account())

    def account_create_many(self):
        self.note("account_create_many", {"accounts": [self.new_account() for _ in range(self.random.randint(1, 3))]})

    def lock(self):
        of, op = self.random.choice(((self.ledger.accounts, "account"), (self.ledger.journals, "journal")))
        which = self.random.choice(list(of) if op == "account" else self.journal_ids[2:])
        locked = of[which]["status"] == "locked"
        of[which]["status"] = "active" if locked else "locked"
        self.note(op + ("_unlock" if locked else "_lock"), {"id": which}, {"status": of[which]["status"]})

    def close_books(self):
        """Closing goes on and reopening goes back; what would do the other changes nothing."""
        which, until = self.random.choice(self.journal_ids[1:]), self.date()
        journal = self.ledger.journals[which]
        closed = journal.pop("closed_until", "")
        if self.random.random() < 0.5:
            op, after = "journal_close", max(closed, until)
        else:
            op, until = "journal_reopen", self.random.choice((until, None, None))
            after = min(closed, until or "")
        if after:
            journal["closed_until"] = after
        self.note(op, {"id": which, "until": until}, {"closed_until": after} if after else {})

    def account_update(self):
        which = self.random.choice(list(self.ledger.accounts))
        self.ledger.accounts[which]["name"] = name = f"Renamed {self.random.randint(1, 999)} é"
        self.note("account_update", {"id": which, "name": name}, {"name": name})

    def floors_update(self):
        """What must stay available of an account or a set, or may be there at most; or nothing any more."""
        of_set = self.random.random() < 0.3
        which = self.account_set() if of_set else self.account()
        name = self.random.choice(("min_available", "min_available", "max_available"))
        sign = "-" if name == "min_available" else ""
        amount = self.random.choice(({"USD": sign + "9000.5", "*": sign + "100000000"}, sign + "1000000",
                                     {"EUR": sign + "50000000"}, None, None))
        layer = self.random.choice(("settled", "settled", "pending", "encumbrance"))
        holder = self.ledger.sets[which] if of_set else self.ledger.accounts[which]
        if holder.get("balance_rollup") == "eventually_consistent" and amount is not None:
            self.lines.append({"op": "account_set_update", "request": {"id": which, name: amount},
                               "error": "request.malformed"})
            return
        holder.pop(name, None)
        if amount is not None:
            holder[name] = amount
        holder["available_layer"] = layer
        self.note("account_set_update" if of_set else "account_update",
                  {"id": which, name: amount, "available_layer": layer}, {} if amount is None else {name: amount})

    def clock_advance(self):
        seconds = self.random.choice((1, 60, 3600, 86400, 86400 * 40))
        self.ledger.advance(seconds)
        self.lines.append({"op": "clock_advance", "seconds": seconds})

    # ---- account sets

    def account_set_create(self):
        made, journal = self.id(), self.random.choice(self.journal_ids)
        side = self.random.choice(("debit", "credit"))
        name = f"Set {len(self.ledger.sets)}"
        rollup = self.random.choice(("synchronous", "synchronous", "eventually_consistent"))
        self.ledger.sets[made] = {"name": name, "journal_id": journal, "normal_balance_type": side,
                                  "balance_rollup": rollup, "members": set()}
        self.note("account_set_create", {"id": made, "journal_id": journal, "name": name, "normal_balance_type": side,
                                         "balance_rollup": rollup})

    def account_set(self):
        return self.random.choice(list(self.ledger.sets))

    def account_into_set(self):
        which, request = self.account_set(), self.new_account()
        self.ledger.sets[which]["members"].add(request["id"])
        self.note("account_create", {**request, "account_set_id": which})

    def member(self):
        if self.random.random() < 0.5:
            which = self.account_set()
            return which, {"member_account_set_id": which}
        which = self.account()
        return which, {"account_id": which}

    def attempt(self, op, request, work):
        try:
            work()
        except Refusal as refusal:
            self.lines.append({"op": op, "request": request, "error": refusal.code})
            return
        self.note(op, request)

    def add_members(self):
        which = self.id() if self.random.random() < 0.05 else self.account_set()
        member, key = self.member()
        self.attempt("account_set_add_members", {"members": [{"account_set_id": which, **key}]},
                     lambda: self.ledger.add_member(which, member))

    def remove_member(self):
        which = self.account_set()
        member, key = self.member()
        if self.ledger.sets[which]["members"] and self.random.random() < 0.7:
            member = self.random.choice(sorted(self.ledger.sets[which]["members"]))
            key = {"member_account_set_id" if member in self.ledger.sets else "account_id": member}
        self.attempt("account_set_remove_member", {"account_set_id": which, **key},
                     lambda: self.ledger.remove_member(which, member))

    def members(self):
        which = self.account_set()
        members = sorted(self.ledger.sets[which]["members"])
        self.lines.append({"op": "members", "account_set_id": which, "expect": {
            "accounts": [each for each in members if each not in self.ledger.sets],
            "account_sets": [each for each in members if each in self.ledger.sets]}})

    # ---- velocity

    def control(self):
        return self.random.choice(list(self.ledger.velocity.controls))

    def bearer(self):
        return self.account_set() if self.random.random() < 0.4 else self.account()

    def velocity_add_limit(self):
        velocity, control = self.ledger.velocity, self.control()
        limit = self.random.choice(list(velocity.limits))
        request = {"control_id": control, "limit_id": limit}
        if limit in velocity.controls[control]["limits"]:
            self.lines.append({"op": "velocity_control_add_limit", "request": request,
                               "error": "velocity_control.has_limit"})
            return
        velocity.controls[control]["limits"].append(limit)
        self.note("velocity_control_add_limit", request)

    def velocity_attach(self):
        control, bearers = self.control(), sorted({self.bearer() for _ in range(self.random.randint(1, 2))})
        most, replace = self.random.choice(("50", "250000.5", "1000000000000")), self.random.random() < 0.4
        names = {self.ledger.velocity.limits[each] for each in self.ledger.velocity.controls[control]["limits"]}
        given = {"most": most} if names & {"MONTHLY", "LARGE"} else {}
        request = {"control_id": control, "account_ids": bearers, "replace": replace, "params": given}
        done = self.ledger.velocity.attach(bearers, control, given, replace)
        if done is None:
            self.lines.append({"op": "velocity_control_attach", "request": request,
                               "error": "velocity_control.attached"})
            return
        self.note("velocity_control_attach", request, {"attached": done[0], "replaced": done[1]})

    # ---- what is ensured

    def ensured(self, op, of, keys, request, new):
        """By the keys; new is what is there after it, where it was not."""
        keep = self.random.random() < 0.3
        asked = {**request, "on_difference": "keep"} if keep else request
        noun = op.removesuffix("_ensure")
        try:
            found = self.ledger.ensure(of, keys, request, keep)
        except Refusal as refusal:
            self.lines.append({"op": op, "request": asked, "error": f"{noun}.{refusal.code}"})
            return
        if found is None:
            of[request["id"]] = new
        which = found or request["id"]
        self.note(op, asked, {"created": found is None, noun: {"id": which, "name": of[which]["name"]}})

    def ensure(self):
        self.random.choice((self.account_ensure, self.journal_ensure, self.account_set_ensure, self.ensure_members,
                            self.ensure_limit, self.ensure_attached))()

    def account_ensure(self):
        which, account = self.random.choice(list(self.ledger.accounts.items()))
        request = {"code": account["code"], "name": account["name"]}
        wish = self.random.random()
        if wish < 0.3:
            request = {"id": self.id(), "code": f"E{len(self.ledger.accounts):03}", "name": "Ensured"}
        elif wish < 0.5:
            request["id"] = self.random.choice((which, which, self.account(), self.id()))
        elif wish < 0.7:
            request["name"] = "Other"
        elif wish < 0.8:
            request["normal_balance_type"] = self.random.choice(("debit", "credit"))
        keys = {name: request[name] for name in ("id", "code") if name in request}
        self.ensured("account_ensure", self.ledger.accounts, keys, request,
                     {"code": request["code"], "name": request["name"], "status": "active",
                      "normal_balance_type": "credit"})

    def journal_ensure(self):
        which = self.random.choice(self.journal_ids)
        request = {"id": which, **{name: self.ledger.journals[which][name] for name in ("code", "name")}}
        if self.random.random() < 0.5:
            request[self.random.choice(("name", "code"))] = self.random.choice(("MAIN", "OLD", "Other"))
        keys = {name: request[name] for name in ("id", "code")}
        self.ensured("journal_ensure", self.ledger.journals, keys, request, None)

    def account_set_ensure(self):
        which = self.account_set()
        fields = ("name", "journal_id", "balance_rollup")
        request = {"id": which, **{name: self.ledger.sets[which][name] for name in fields}}
        wish = self.random.random()
        if wish < 0.2:
            request["id"] = self.id()
        elif wish < 0.5:
            request[self.random.choice(("name", "journal_id"))] = self.random.choice(self.journal_ids)
        self.ensured("account_set_ensure", self.ledger.sets, {"id": request["id"]}, request,
                     {**request, "normal_balance_type": "credit", "members": set()})

    def ensure_members(self):
        which = self.account_set()
        member, key = self.member()
        if self.ledger.sets[which]["members"] and self.random.random() < 0.6:
            member = self.random.choice(sorted(self.ledger.sets[which]["members"]))
            key = {"member_account_set_id" if member in self.ledger.sets else "account_id": member}
        request = {"members": [{"account_set_id": which, **key}] * self.random.randint(1, 2)}
        try:
            created = int(self.ledger.ensure_member(which, member))
        except Refusal as refusal:
            self.lines.append({"op": "account_set_ensure_members", "request": request, "error": refusal.code})
            return
        self.note("account_set_ensure_members", request,
                  {"created": created, "found": len(request["members"]) - created})

    def ensure_limit(self):
        velocity, control = self.ledger.velocity, self.control()
        limit = self.random.choice(list(velocity.limits))
        created = limit not in velocity.controls[control]["limits"]
        if created:
            velocity.controls[control]["limits"].append(limit)
        self.note("velocity_control_ensure_limit", {"control_id": control, "limit_id": limit},
                  {"created": int(created), "found": int(not created)})

    def ensure_attached(self):
        control, bearers = self.control(), sorted({self.bearer() for _ in range(self.random.randint(1, 2))})
        if self.ledger.velocity.attached and self.random.random() < 0.5:
            bearer, control = self.random.choice(sorted(self.ledger.velocity.attached))
            bearers = [bearer]
        names = {self.ledger.velocity.limits[each] for each in self.ledger.velocity.controls[control]["limits"]}
        given = {"most": self.random.choice(("50", "250000.5"))} if names & {"MONTHLY", "LARGE"} else {}
        keep = self.random.random() < 0.3
        request = {"control_id": control, "account_ids": bearers, "params": given,
                   **({"on_difference": "keep"} if keep else {})}
        done = self.ledger.velocity.ensure_attached(bearers, control, given, keep)
        if done is None:
            self.lines.append({"op": "velocity_control_ensure_attached", "request": request,
                               "error": "velocity_control.ensure_differs"})
            return
        self.note("velocity_control_ensure_attached", request, {"created": done[0], "found": done[1]})

    def velocity_detach(self):
        control, bearers = self.control(), [self.bearer()]
        if self.ledger.velocity.attached and self.random.random() < 0.8:
            bearer, control = self.random.choice(list(self.ledger.velocity.attached))
            bearers = [bearer]
        self.note("velocity_control_detach", {"control_id": control, "account_ids": bearers},
                  {"detached": self.ledger.velocity.detach(bearers, control)})

    def headroom(self):
        which = self.bearer()
        self.lines.append({"op": "headroom", "account_id": which, "expect": self.ledger.headroom(which)})

    # ---- by effective date

    def date(self):
        return f"2025-{self.random.randint(1, 12):02}-{self.random.randint(1, 28):02}"

    def effective(self):
        journal, date = self.random.choice(self.journal_ids[:2]), self.date()
        self.lines.append({"op": "effective", "journal_id": journal, "effective": date,
                           "expect": self.ledger.effective(journal, date)})

    def range(self):
        journal, (first, last) = self.random.choice(self.journal_ids[:2]), sorted((self.date(), self.date()))
        self.lines.append({"op": "range", "journal_id": journal, "from": first, "until": last,
                           "expect": self.ledger.range(journal, first, last)})

    # ---- postings

    def account(self):
        return self.random.choice(list(self.ledger.accounts))

    def amount(self):
        places = self.random.choice((0, 0, 1, 2, 2, 2, 3, 8, 14))
        digits = self.random.choice((1, 2, 4, 9, 12))
        value = str(self.random.randint(0, 10**digits))
        return value + ("." + "".join(self.random.choice("0123456789") for _ in range(places)) if places else "")

    def posting(self):
        code = self.random.choice(list(TEMPLATES))
        params = {}
        for param in TEMPLATES[code][1]:
            if "default" in param and self.random.random() < 0.6:
                continue
            params[param["name"]] = self.value(param, params)
        if code == "FREE" and self.random.random() < 0.8:  # else what does not balance
            params = {name: value for name, value in params.items() if name not in ("credit_currency", "layer")}
            params["credit"] = params["debit"]
            if "currency" in params:
                params["credit_currency"] = params["currency"]
        if self.random.random() < 0.5:
            params["journal_id"] = self.random.choice(self.journal_ids)
        if self.random.random() < 0.4:
            params["effective"] = self.date()
        return {"id": self.id(), "tx_template_code": code, "params": params}

    def value(self, param, so_far):
        name, kind = param["name"], param["type"]
        if kind == "uuid":
            return self.account()
        if kind == "decimal":
            return self.random.choice(("0.1", "0.015", "1.25")) if name == "rate" else self.amount()
        if kind == "integer":
            return self.random.randint(-3, 12)
        if kind == "boolean":
            return self.random.random() < 0.5
        if name == "external_id":
            return f"ext-{self.random.randint(1, 400)}"
        if name in ("currency", "credit_currency"):
            return self.random.choice(("USD", "EUR", "JPY"))
        if name == "layer":
            return self.random.choice(("SETTLED", "PENDING", "ENCUMBRANCE"))
        return self.random.choice(("card", "wire", "eu_west", "us_west"))

    def spoil(self, posting):
        """Sometimes something is wrong with it."""
        params = posting["params"]
        wrong = self.random.random()
        if wrong < 0.02:
            posting["tx_template_code"] = "NONE"
        elif wrong < 0.04:
            params["unheard_of"] = "x"
        elif wrong < 0.06:
            params["effective"] = True
        elif wrong < 0.08:
            params.pop("sender")
        elif wrong < 0.10:
            params["sender"] = self.id()
        elif wrong < 0.12:
            params["journal_id"] = self.id()
        return posting

    def again(self):
        """A posting that was made before, as it was or with another amount."""
        posting = json.loads(json.dumps(self.random.choice(self.requests)))
        if self.random.random() < 0.4:
            for name in ("amount", "bought", "price"):
                if name in posting["params"]:
                    posting["params"][name] = "77.7"
        return posting

    def next_posting(self):
        if self.requests and self.random.random() < 0.12:
            return self.again()
        return self.spoil(self.posting())

    def post(self, op, request, postings):
        try:
            made = [self.ledger.answer(each) for each in self.ledger.post_many(postings)]
        except Refusal as refusal:
            single = op == "transaction_post"
            index = {} if single else {"posting_index": refusal.index}
            self.lines.append({"op": op, "request": request, "error": refusal.code, **index})
            return
        self.requests += postings
        self.note(op, request, made[0] if op == "transaction_post" else {"results": made})

    def transaction_post(self):
        posting = self.next_posting()
        self.post("transaction_post", posting, [posting])

    def transaction_post_many(self):
        postings = [self.next_posting() for _ in range(self.random.randint(1, 6))]
        self.post("transaction_post_many", {"postings": postings}, postings)

    def group(self):
        """Postings that are asked for at once, so that they share commits; each has the answer it would have alone."""
        before, self.lines = self.lines, []
        for _ in range(self.random.randint(2, 8)):
            self.random.choice((self.transaction_post, self.transaction_post, self.transaction_post_many))()
        before.append({"op": "group", "lines": self.lines})
        self.lines = before

    def transaction_preview(self):
        posting = self.next_posting()
        try:
            expect = {"would_post": True, **self.ledger.preview(posting)}
        except Refusal as refusal:
            expect = {"would_post": False, "code": refusal.code}
        self.note("transaction_preview", posting, expect)

    def transaction_void(self):
        posted = sorted(self.ledger.posted)
        request = {"id": self.random.choice(posted) if posted and self.random.random() < 0.95 else self.id(),
                   "void_id": self.id()}
        if self.ledger.void_of and self.random.random() < 0.2:  # the same again
            request["void_id"] = self.random.choice(sorted(self.ledger.void_of))
            request["id"] = self.ledger.void_of[request["void_id"]]
        if self.random.random() < 0.4:
            request["effective"] = self.date()
        if self.random.random() < 0.2:
            request["description"] = "sent back"
        try:
            made = self.ledger.answer(self.ledger.void(request))
        except Refusal as refusal:
            self.lines.append({"op": "transaction_void", "request": request, "error": refusal.code})
            return
        self.note("transaction_void", request, made)

    def hold_create(self):
        if self.held and self.random.random() < 0.15:
            request = json.loads(json.dumps(self.random.choice(self.held)))
            if self.random.random() < 0.3:
                request["expires_at"] = "2025-01-01T00:00:00Z"
        else:
            request = self.posting()
            while request["tx_template_code"] != "TRANSFER" and self.random.random() < 0.95:
                request = self.posting()
            if request["tx_template_code"] == "TRANSFER" and self.random.random() < 0.95:
                request["params"]["layer"] = "PENDING"
            request = self.spoil(request)
            if self.random.random() < 0.5:
                seconds = self.random.choice((-60, 3600, 86400, 5 * 86400))
                request["expires_at"] = (self.ledger.now
                                         + datetime.timedelta(seconds=seconds)).isoformat(timespec="seconds") + "Z"
        try:
            made, hold = self.ledger.hold_create(request)
        except Refusal as refusal:
            self.lines.append({"op": "hold_create", "request": request, "error": refusal.code})
            return
        self.held.append(request)
        self.note("hold_create", request, {**self.ledger.answer(made), "hold": hold})

    def hold_step(self):
        captures = self.random.random() < 0.7
        if self.steps_of_holds and self.random.random() < 0.15:  # the same again, or nearly
            captures, request = self.random.choice(self.steps_of_holds)
            request = dict(request)
            if self.random.random() < 0.3 and captures:
                request["final"] = not request.get("final", True) and "amount" in request
        else:
            open_ones = [which for which, hold in self.ledger.holds.items() if hold["status"] == "open"]
            which = self.random.choice(sorted(open_ones if open_ones and self.random.random() < 0.8
                                              else self.ledger.holds) or [self.id()])
            request = {"hold_id": which if self.random.random() < 0.97 else self.id(), "id": self.id()}
            if captures and self.random.random() < 0.7:
                hold = self.ledger.holds.get(which)
                part = self.random.choice((None, "0.25", "0.5", "1"))
                of = hold["amount"] if hold and hold["amount"] is not None and hold["amount"] > 0 else None
                request["amount"] = format(of * Decimal(part), "f") if part and of else "3.50"
                request["final"] = self.random.random() < 0.4
            if self.random.random() < 0.3:
                request["effective"] = self.date()
        hold = self.ledger.holds.get(request["hold_id"])
        if not captures and hold and hold["status"] in ("released", "expired") and self.random.random() < 0.5:
            request.pop("id", None)
        op = "hold_capture" if captures else "hold_release"
        try:
            made, hold = self.ledger.hold_step(request, captures)
        except Refusal as refusal:
            self.lines.append({"op": op, "request": request, "error": refusal.code})
            return
        if "id" in request:
            self.steps_of_holds.append((captures, request))
        self.note(op, request, {**self.ledger.answer(made), "hold": hold})

    def is_held(self, holder, which):
        """Whether a hold has an entry of the account, or of one below the set."""
        made = self.ledger.posted[which][0]
        return any(holder == each["account_id"] or
                   holder in self.ledger.sets_above(each["account_id"], made["transaction"]["journal_id"])
                   for each in made["entries"])

    def hold_find(self):
        if self.ledger.holds:
            which = self.random.choice(sorted(self.ledger.holds))
            self.note("hold_find", {"id": which}, self.ledger.shown_hold(which))
        status = self.random.choice(("open", "captured", "released", "expired", None))
        account = self.random.choice((self.account, self.account_set, lambda: None, lambda: None))()
        before = (self.ledger.now + datetime.timedelta(days=self.random.choice((-1, 0, 1,
            30)))).isoformat(timespec="seconds") + "Z"
        before = before if self.random.random() < 0.4 else None
        expect = [which for which, hold in self.ledger.holds.items() if status in (None, self.ledger.hold_status(hold))
                  and (account is None or self.is_held(account, which))]
        if before:
            expect = sorted((which for which in expect if (self.ledger.holds[which]["expires_at"] or before) < before),
                            key=lambda which: self.ledger.holds[which]["expires_at"])
        filters = {name: value for name, value in (("status", status), ("account_id", account),
                                                   ("expires_before", before)) if value}
        self.lines.append({"op": "holds", "request": filters, "expect": expect})
        if not self.ledger.due():  # what it would post has ids that nobody here knows
            self.note("hold_expire", {"limit": 5}, {"expired": 0, "refused": 0})

    # ---- looking

    def follow(self):
        self.note("rollup_await", {})

    def follow_of(self, journal):
        """Waits for the balances of the journal that are behind, if there may be any."""
        if not self.ledger.journals[journal]["dated"]:
            self.follow()

    def balances(self):
        journal = self.random.choice(self.journal_ids[:2] if self.inside else self.journal_ids)
        self.follow_of(journal)
        self.lines.append({"op": "balances", "journal_id": journal, "expect": self.ledger.balances_of(journal)})

    def find(self):
        which = self.account()
        account = dict(self.ledger.accounts[which])
        if account.get("available_layer") == "settled" and not {"min_available", "max_available"} & set(account):
            del account["available_layer"]  # as if nothing had ever been said
        self.note("account_find", {"code": account["code"]}, {"id": which, **account})
        keys = sorted(key for key in self.ledger.balances if not self.ledger.follows(key[1]))
        if keys:
            key = self.random.choice(keys)
            self.note("balance_find", {"journal_id": key[0], "account_id": key[1], "currency": key[2]},
                      self.ledger.balance_row(key))
        if self.ledger.posted:
            made, _ = self.ledger.posted[self.random.choice(sorted(self.ledger.posted))]
            by = self.ledger.voided_by.get(made["transaction"]["id"])
            self.note("transaction_find", {"id": made["transaction"]["id"]},
                      {**made["transaction"], **({"voided_by": by} if by else {})})

    def entries(self):
        if self.random.random() < 0.4:
            which, key = self.account_set(), "account_set_id"
        else:
            which, key = self.account(), "account_id"
        entries = self.ledger.entries_of(which)
        self.lines.append({"op": "entries", "request": {key: which}, "expect": entries})
        request = {"account_id": which, "order": self.random.choice(("asc", "desc"))}
        if self.random.random() < 0.4:
            request["effective_from"] = self.date()
        if self.random.random() < 0.3:
            request["journal_id"] = self.random.choice(self.journal_ids)
        self.lines.append({"op": "transactions", "request": request,
                           "expect": self.ledger.transactions_of({each[0] for each in entries}, request)})

    def trial_balance(self):
        journal = self.random.choice(self.journal_ids[:2] if self.inside else self.journal_ids)
        layer = self.random.choice(("settled", "settled", "pending", "encumbrance"))
        of_journal = [which for which, each in self.ledger.sets.items() if each["journal_id"] == journal]
        which = self.random.choice(of_journal) if of_journal and self.random.random() < 0.5 else None
        subtotals = self.random.random() < 0.4
        currency = self.random.choice((None, None, "USD", "EUR"))
        date = self.date() if journal in self.journal_ids[:2] and self.random.random() < 0.5 else None
        request = {"journal_id": journal, "layer": layer, "subtotals": subtotals,
                   **({"account_set_id": which} if which else {}), **({"currency": currency} if currency else {}),
                   **({"at": {"effective": date}} if date else {})}
        self.follow_of(journal)
        items, totals = self.ledger.trial_balance(journal, layer, which, subtotals, currency, date)
        self.lines.append({"op": "trial_balance", "request": request,
                           "expect": {"items": items, "totals": totals}})

    def statement(self):
        journal = self.random.choice(self.journal_ids)
        holders = list(self.ledger.accounts) + [which for which in self.ledger.sets if not self.ledger.follows(which)]
        which, currency = self.random.choice(holders), self.random.choice(("USD", "USD", "EUR"))
        keys = sorted(key for key in self.ledger.balances if key[1] in holders)
        if keys and self.random.random() < 0.8:
            journal, which, currency = self.random.choice(keys)
        layer = self.random.choice(("settled", "settled", "pending", "encumbrance"))
        by = "effective" if journal in self.journal_ids[:2] and self.random.random() < 0.5 else "recorded"
        if by == "effective":
            first, last = sorted((self.date(), self.date()))
        else:
            ago = [datetime.timedelta(seconds=self.random.choice((0, 0, 1, 3600, 86400, 10**7))) for _ in range(2)]
            first, last = sorted(self.ledger.now - each for each in ago)
        first, last = (each if self.random.random() < 0.6 else None for each in (first, last))
        request = {"journal_id": journal, "account_id": which, "currency": currency, "layer": layer, "by": by,
                   "order": self.random.choice(("asc", "desc"))}
        for name, value in (("from", first), ("until", last)):
            if value is not None:
                request[name] = value if by == "effective" else value.isoformat() + "Z"
        opening, items, closing = self.ledger.statement((journal, which, currency), layer, by, first, last)
        if request["order"] == "desc":
            items = items[::-1]
        self.lines.append({"op": "account_statement", "request": request,
                           "expect": {"opening": opening, "closing": closing,
                                      "entries": [each["entry"] for each in items],
                                      "running": [each["running"] for each in items]}})

    def transaction(self, steps):
        """A transaction of several operations. What is rolled back never was; its ids are new again."""
        before = copy.deepcopy(self.ledger)
        self.lines.append({"op": "begin"})
        self.inside = True
        for _ in range(self.random.randint(1, 5)):
            self.random.choice([step for step in steps if step not in (self.clock_advance, self.group)])()
        self.inside = False
        commits = self.random.random() < 0.5
        self.lines.append({"op": "commit" if commits else "rollback"})
        if not commits:
            self.ledger = before

    def play(self):
        self.begin()
        steps = ([self.transaction_post] * 40 + [self.transaction_post_many] * 15 + [self.clock_advance] * 8 +
                 [self.find] * 8 + [self.balances] * 5 + [self.entries] * 5 + [self.lock] * 5 + [self.close_books] * 4 +
                 [self.account_create] * 3 + [self.account_update] * 2 + [self.floors_update] * 4 +
                 [self.hold_create] * 8 + [self.hold_step] * 14 + [self.hold_find] * 4 + [self.transaction_void] * 7
                 + [self.transaction_preview] * 5 + [self.account_create_many] * 2 +
                 [self.account_set_create] * 2 + [self.account_into_set] * 4 + [self.add_members] * 5 +
                 [self.velocity_attach] * 4 + [self.velocity_detach] * 3 + [self.velocity_add_limit] +
                 [self.group] * 6 + [self.ensure] * 8 + [self.trial_balance] * 4 + [self.statement] * 4 +
                 [self.headroom] * 5 + [self.remove_member] * 3 + [self.members] * 3 + [self.effective] * 4 +
                 [self.range] * 4)
        for step in self.steps:
            self.random.seed(f"{self.seed}/{step}")  # so that a step is what it is whether others are played or not
            if self.random.random() < 0.04:
                self.transaction(steps)
            else:
                self.random.choice(steps)()
        self.follow()
        for journal in self.journal_ids:
            self.lines.append({"op": "balances", "journal_id": journal, "expect": self.ledger.balances_of(journal)})
        return self.lines


def empty_folder(folder):
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if name.endswith(".jsonl"):
            os.remove(os.path.join(folder, name))


def write(folder, seed, lines):
    with open(os.path.join(folder, f"model-{seed}.jsonl"), "w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")


def main():
    folder = sys.argv[1]
    empty_folder(folder)
    for seed in range(1, 341) if os.environ.get("CALA_SOAK") else sys.argv[2:]:
        write(folder, seed, Play(int(seed)).play())


if __name__ == "__main__":
    main()
