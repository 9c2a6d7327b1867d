"""cala-outbox-server with real clients: what is acknowledged is heard, once it resumes nothing is missed, and who may
not is told why."""
import contextlib
import ctypes
import itertools
import json
import os
import pathlib
import queue
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import types
import unittest
import uuid

import cala
import grpc
from google.protobuf.descriptor import FieldDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAM = os.environ["CALA_OUTBOX_SERVER"]
POSTGRES = os.environ.get("CALA_TEST_POSTGRES")
PROTO = ROOT / "server/outbox.proto"
CLUSTER = ROOT / "tests/postgres_cluster.sh"
SECONDS = 60  # for what is to happen soon

sys.path.insert(0, str(PROTO.parent))
pb, services = grpc.protos_and_services("outbox.proto")


class Program:
    """The server as a process. It is ready when this is made."""

    def __init__(self, case, store, *arguments, **environment):
        self.log = tempfile.TemporaryFile("w+")
        case.addCleanup(self.log.close)
        self.process = subprocess.Popen(
            [PROGRAM, "--store", store, *(() if "--grpc" in arguments else ("--grpc", "127.0.0.1:0")), *arguments],
            stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.PIPE, text=True, env=os.environ | environment)
        case.addCleanup(self.kill)
        ready = self.process.stdout.readline().split()
        if not ready:
            raise AssertionError(f"the server did not start: {self.said()}")
        self.addresses = dict(part.split("=") for part in ready[1:])
        self.grpc = self.addresses.get("grpc")
        self.http = self.addresses.get("http")

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def kill(self):
        self.process.kill()
        self.end()

    def stop(self):
        self.process.terminate()
        return self.end()

    def end(self):
        code = self.process.wait(SECONDS)
        self.process.stdout.close()
        self.process.stdin.close()
        return code

    def memory(self):
        """Bytes that it has in memory."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Books:
    """A journal and a tx template that moves an amount between two accounts."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.journal = ledger.journals.create(name="main")["id"]
        params = [*({"name": name, "type": "uuid"} for name in ("from", "to")),
                  {"name": "note", "type": "json", "default": "{}"}]
        entries = [{"entry_type": "'MOVE'", "account_id": f"params.{account}", "layer": "SETTLED",
                    "direction": direction,
                    "units": "decimal('1')", "currency": "'USD'"} for account, direction in (("from", "DEBIT"),
                        ("to", "CREDIT"))]
        ledger.tx_templates.create(code="MOVE", params=params, entries=entries, transaction={
            "effective": "date()", "journal_id": f"uuid('{self.journal}')", "metadata": "params.note"})
        self.accounts = [self.account() for _ in range(4)]
        self.at = itertools.count()

    def account(self):
        return self.ledger.accounts.create(code=f"A{uuid.uuid4().hex[:12]}", name="an account")["id"]

    def move(self, **params):
        n = next(self.at)
        between = {"from": self.accounts[n % 4], "to": self.accounts[(n + 1) % 4]}
        return self.ledger.post("MOVE", between | params)["transaction"]["id"]

    def many(self, count):
        """50 kB each."""
        params = {"from": self.accounts[0], "to": self.accounts[1], "note": {"text": "x" * 50_000}}
        return [one["transaction"]["id"] for _ in range(count // 100)
                for one in self.ledger.transactions.post_many([{"tx_template_code": "MOVE", "params": params}] * 100)]

    def newest(self):
        return self.ledger.call("listener_place", {"from": "now"})["place"]


class Checker:
    """Knows what was acknowledged, and holds what is heard against it:
    places grow, an account's versions follow each other."""

    def __init__(self, case):
        self.case = case
        self.place = 0
        self.ids = []
        self.versions = {}

    def heard(self, event):
        if isinstance(event, dict):
            event = types.SimpleNamespace(place=event["place"], subject_id=event["subject_id"], entries=[
                types.SimpleNamespace(**entry) for entry in event["entries"]])
        self.case.assertGreater(event.place, self.place)
        self.place = event.place
        self.ids.append(event.subject_id)
        for entry in event.entries:
            before = self.versions.get(entry.account_id, 0)
            self.case.assertEqual(before + 1, entry.account_version, "an account's versions are not in order")
            self.versions[entry.account_id] = entry.account_version

    def holds(self, posted):
        self.case.assertEqual(sorted(posted), sorted(self.ids))


class Sse:
    """curl on /events, which ends with the test."""

    def __init__(self, case, address, query="", *arguments, last=None):
        header = ("-H", f"Last-Event-ID: {last}") if last is not None else ()
        self.process = subprocess.Popen(["curl", "-sN", "--max-time", str(SECONDS), *header, *arguments,
                                         f"http://{address}/events?{query}"],
                                        stdout=subprocess.PIPE, text=True)
        case.addCleanup(self.process.wait)
        case.addCleanup(self.process.stdout.close)
        case.addCleanup(self.process.kill)

    def __iter__(self):
        """(name, data or None, id) of each block, until the answer ends."""
        block = {}
        for line in self.process.stdout:
            key, _, value = line.rstrip("\n").partition(": ")
            if key:
                block[key] = value
            elif block:
                data = json.loads(block["data"]) if "data" in block else None
                yield block.get("event", "message"), data, block.get("id")
                block = {}

    def events(self):
        for name, data, id in self:
            if name == "message" and data is not None:
                yield data | {"id": id}


def curl(*arguments):
    """The status of an answer, and the answer."""
    said = subprocess.run(["curl", "-s", "--max-time", "10", "-w", "\n%{http_code}", *arguments], capture_output=True,
                          text=True).stdout
    text, _, status = said.rpartition("\n")
    return int(status), json.loads(text) if text.startswith("{") else text


def plain(message):
    """A message as the document that it mirrors."""
    name = message.DESCRIPTOR.name
    if name == "Json":
        return json.loads(message.text)
    if name in ("AvailableLimits", "MaxScale"):
        alone = {"AvailableLimits": "*", "MaxScale": "default"}[name]
        amounts = dict(message.by_currency)
        return amounts[alone] if list(amounts) == [alone] else amounts
    found = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        is_message = field.type == FieldDescriptor.TYPE_MESSAGE
        if field.is_repeated:
            found[field.name] = [plain(item) if is_message else item for item in value]
        elif field.has_presence:
            if message.HasField(field.name):
                found[field.name] = plain(value) if is_message else value
        else:
            found[field.name] = value
    return found


def without_empty_lists(document):
    if isinstance(document, dict):
        return {key: without_empty_lists(value) for key, value in document.items() if value != []}
    return [without_empty_lists(item) for item in document] if isinstance(document, list) else document


def code_of(error):
    return dict(error.trailing_metadata()).get("cala-code")


class Served:
    """On each store."""

    def setUp(self):
        self.store, self.arguments = self.place()
        self.ledger = self.open()
        self.addCleanup(self.ledger.close)
        self.books = Books(self.ledger)

    def serve(self, *arguments, **environment):
        return Program(self, self.store, *self.arguments, *arguments, **environment)

    def client(self, address, credentials=None, options=()):
        channel = grpc.secure_channel(address, credentials, options) if credentials else grpc.insecure_channel(address,
            options)
        self.addCleanup(channel.close)
        return services.OutboxStub(channel)

    def listen(self, address, **request):
        stream = self.client(address).Listen(pb.ListenRequest(**request), timeout=SECONDS)
        self.addCleanup(stream.cancel)
        return stream

    def begun(self, address, **request):
        """A stream that has been accepted, and its place."""
        stream = self.listen(address, **request)
        return stream, next(stream).reached.place

    def refused(self, stream):
        with self.assertRaises(grpc.RpcError) as caught:
            for _ in stream:
                pass
        return caught.exception

    def test_what_is_posted_while_connected_arrives_in_order(self):
        stream, _ = self.begun(self.serve().grpc, types=["transaction_created"], entries=True)
        posted, lock = [], threading.Lock()

        def post():
            for _ in range(40):
                made = self.books.move()
                with lock:
                    posted.append(made)

        threads = [threading.Thread(target=post) for _ in range(4)]
        for thread in threads:
            thread.start()
        checker = Checker(self)
        for heard in stream:
            if heard.HasField("event"):
                checker.heard(heard.event)
            if len(checker.ids) == 160:
                break
        for thread in threads:
            thread.join()
        checker.holds(posted)

    def test_a_killed_server_is_resumed_at_the_place(self):
        server = self.serve()
        checker, posted, ended = Checker(self), [], threading.Event()

        def post():
            while not ended.is_set() and len(posted) < 5000:
                posted.append(self.books.move())
                time.sleep(0.001)

        place = self.books.newest()
        posting = threading.Thread(target=post)
        posting.start()
        for round in range(3):
            stream = self.listen(server.grpc, after=place, types=["transaction_created"], entries=True)
            with contextlib.suppress(grpc.RpcError):
                for heard in stream:
                    if heard.HasField("event"):
                        checker.heard(heard.event)
                        place = heard.event.place
                        if len(checker.ids) == 60 * (round + 1):
                            server.kill()
            server = self.serve("--grpc", server.grpc)
        ended.set()
        posting.join()
        for heard in self.listen(server.grpc, after=place, types=["transaction_created"], entries=True):
            if heard.HasField("event"):
                checker.heard(heard.event)
            if len(checker.ids) >= len(posted):
                break
        checker.holds(posted)

    def test_killed_at_every_step_nothing_is_missed(self):
        server, checker, posted = self.serve(), Checker(self), []
        for killed in ("before it is asked", "once it is asked", "once it has accepted", "once one was heard",
                       "while it acknowledges", "once it has acknowledged", None):
            posted += [self.books.move() for _ in range(5)]
            if killed == "before it is asked":
                server.kill()
            client = self.client(server.grpc)
            asked = pb.ListenRequest(name="clerk", start=True, types=["transaction_created"], entries=True)
            # Channels to one address share what they know of it: that nobody was there.
            stream = client.Listen(asked, timeout=SECONDS, wait_for_ready=not killed or not killed.endswith("asked"))
            if killed == "once it is asked":
                server.kill()
            with contextlib.suppress(grpc.RpcError):
                for heard in stream:
                    if not heard.HasField("event"):
                        if killed == "once it has accepted":
                            server.kill()
                        continue
                    if heard.event.place > checker.place:  # what was not acknowledged comes again
                        checker.heard(heard.event)
                    if killed == "once one was heard":
                        server.kill()
                    place = heard.event.place
                    acknowledged = client.Ack.future(pb.AckRequest(name="clerk", place=place), timeout=SECONDS)
                    if killed == "while it acknowledges":
                        server.kill()
                    acknowledged.result()
                    if killed == "once it has acknowledged":
                        server.kill()
                    if not killed and len(checker.ids) >= len(posted):
                        break
            stream.cancel()
            if killed:
                self.assertIsNotNone(server.process.poll(), f"it was not killed {killed}")
                server = self.serve("--grpc", server.grpc)
        checker.holds(posted)

    def test_a_client_of_node_goes_on_by_itself(self):
        server = self.serve()
        place = self.books.newest()
        client = subprocess.Popen(["node", str(HERE / "listen.cjs"), str(PROTO), server.grpc, str(place), "60"],
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.kill)
        posted, heard = [], []
        for _ in range(2):
            posted += [self.books.move() for _ in range(20)]
            heard += [json.loads(client.stdout.readline()) for _ in range(20)]
            server.kill()
            posted += [self.books.move() for _ in range(10)]
            server = self.serve("--grpc", server.grpc)
        self.assertEqual(60, len(posted))
        heard += [json.loads(line) for line in client.stdout]
        self.assertEqual(0, client.wait(SECONDS))
        self.assertEqual(posted, [event["id"] for event in heard])
        self.assertEqual(sorted(event["place"] for event in heard), [event["place"] for event in heard])
        self.assertEqual([2, 2], [len(event["versions"]) for event in heard[:2]])

    def test_a_name_goes_on_where_it_was_done(self):
        server = self.serve()
        stream, _ = self.begun(server.grpc, name="mail \u00e9", types=["transaction_created"])
        posted = [self.books.move() for _ in range(3)]
        first = next(stream).event
        stream.cancel()
        client = self.client(server.grpc)
        self.assertEqual(first.place, client.Ack(pb.AckRequest(name="mail \u00e9", place=first.place)).place)
        again, place = self.begun(server.grpc, name="mail \u00e9", start=True)
        self.assertEqual(first.place, place)
        self.assertEqual(posted[1:], [heard.event.subject_id for heard in itertools.islice(again, 2)])
        with self.assertRaises(grpc.RpcError) as caught:
            client.Ack(pb.AckRequest(name="mail \u00e9", place=2**52))
        self.assertEqual((grpc.StatusCode.FAILED_PRECONDITION, "listener.beyond_newest"),
                         (caught.exception.code(), code_of(caught.exception)))
        document = json.loads(dict(caught.exception.trailing_metadata())["cala-error-bin"])
        self.assertEqual("mail \u00e9", document["details"]["name"])
        with self.assertRaises(grpc.RpcError) as caught:
            client.Ack(pb.AckRequest(name="nobody", place=1))
        self.assertEqual(grpc.StatusCode.NOT_FOUND, caught.exception.code())

    def test_what_is_left_out_moves_the_place(self):
        stream, before = self.begun(self.serve("--heartbeat-ms", "50").grpc, types=["journal_created"])
        self.books.move()
        newest = self.books.newest()
        self.assertGreater(newest, before)
        for heard in stream:
            self.assertEqual("reached", heard.WhichOneof("heard"))
            if heard.reached.place == newest:
                break

    def test_every_document_is_what_the_ledger_says(self):
        ledger, books = self.ledger, self.books
        one, other = books.accounts[:2]
        ledger.accounts.create(code="LIMITED", name="\u201cquoted\u201d \U0001f600 \"\\\n", external_id="x",
                               description="d",
                               metadata={"big": 9007199254740993, "list": [1.50, None, {"a": "\\u0041"}]},
                               min_available="0", max_available={"USD": "10", "*": "20"}, available_layer="PENDING")
        ledger.accounts.update(other, name="renamed", metadata=None)
        ledger.journals.create(name="scaled", code="SCALED", max_scale={"USD": 2, "default": 4},
                               effective_balances=True)
        outer = ledger.account_sets.create(journal_id=books.journal, name="outer", metadata=[])["id"]
        inner = ledger.account_sets.create(journal_id=books.journal, name="inner",
                                           balance_rollup="eventually_consistent")["id"]
        ledger.account_sets.add_members([{"account_set_id": outer, "account_id": one},
                                         {"account_set_id": outer, "member_account_set_id": inner}])
        ledger.account_sets.remove_member(account_set_id=outer, member_account_set_id=inner)
        limit = ledger.velocity_limits.create(
            name="limit", window=[{"alias": "day", "value": "context.vars.transaction.effective"}], currency="USD",
            params=[{"name": "most", "type": "decimal", "default": "decimal('1')", "min": "decimal('0')"}],
            limit={"balance": [{"layer": "SETTLED", "amount": "params.most", "enforcement_direction": "CREDIT"}]})["id"]
        control = ledger.velocity_controls.create(name="control", enforcement={"action": "warn"})["id"]
        ledger.velocity_controls.add_limit(control, limit)
        ledger.velocity_controls.attach(control_id=control, account_ids=[other], params={"most": "0.5"})
        moved = books.move(note={"n": 9223372036854775807, "text": "a\tb"})
        ledger.transactions.void(id=moved)
        expected = ledger.call("event_list", {"entries": True, "balances": True, "limit": 1000})["items"]
        self.assertEqual({"warnings"} & expected[-2].keys(), {"warnings"})
        stream = self.listen(self.serve().grpc, start=True, entries=True, balances=True)
        heard = [plain(one.event) for one in itertools.islice(stream, len(expected) + 1) if one.HasField("event")]
        for theirs, ours in zip(expected, heard, strict=True):
            self.assertEqual(without_empty_lists(theirs), without_empty_lists(ours))

    def test_one_stream_too_many_is_refused(self):
        server = self.serve("--max-streams", "2")
        first, _ = self.begun(server.grpc)
        second, _ = self.begun(server.grpc)
        error = self.refused(self.listen(server.grpc))
        self.assertEqual((grpc.StatusCode.RESOURCE_EXHAUSTED, "server.too_many_streams"),
                         (error.code(), code_of(error)))
        self.assertIn("--max-streams", error.details())
        first.cancel()
        for _ in range(100):
            with contextlib.suppress(grpc.RpcError):
                self.begun(server.grpc)
                break
            time.sleep(0.05)
        else:
            self.fail("a stream that was left is never free again")
        self.books.move()
        self.assertTrue(next(second).HasField("event"))

    def test_a_slow_reader_is_waited_for(self):
        server = self.serve("--buffer", "20")
        stream, _ = self.begun(server.grpc, types=["transaction_created"])
        quick, _ = self.begun(server.grpc, types=["transaction_created"])
        before = server.memory()
        posted = self.books.many(1000)
        # 50 MB, of which the quick one takes all and the slow one nothing yet.
        self.assertEqual(posted, [heard.event.subject_id for heard in itertools.islice(quick, 1000)])
        self.assertLess(server.memory() - before, 25_000_000)
        self.assertEqual(posted, [heard.event.subject_id for heard in itertools.islice(stream, 1000)])

    def test_who_takes_nothing_is_let_go(self):
        server = self.serve("--stall-ms", "300")
        stream, _ = self.begun(server.grpc, start=True)
        self.books.many(400)
        for _ in range(200):
            if "takes nothing" in server.said():
                break
            time.sleep(0.05)
        self.assertIn("takes nothing", server.said())
        self.assertIsNotNone(self.refused(stream).code())

    def test_a_wrong_request_is_told_why(self):
        server = self.serve()
        for request, code in (({"after": -1}, "request.malformed"),
                              ({"types": ["no_such_type"] * 101}, "request.malformed"),
                              ({"journal_id": "x"}, "request.malformed"), ({"name": "x" * 201}, "request.malformed")):
            error = self.refused(self.listen(server.grpc, **request))
            self.assertEqual((grpc.StatusCode.INVALID_ARGUMENT, code), (error.code(), code_of(error)), request)
        self.books.move()
        pruned = self.ledger.events.prune(place=self.books.newest())
        error = self.refused(self.listen(server.grpc, start=True))
        self.assertEqual((grpc.StatusCode.OUT_OF_RANGE, "event.pruned"), (error.code(), code_of(error)))
        self.assertEqual(pruned["place"],
                         json.loads(dict(error.trailing_metadata())["cala-error-bin"])["details"]["place"])

    def test_sigterm_ends_streams_with_a_word(self):
        server = self.serve()
        stream, _ = self.begun(server.grpc)
        self.books.move()
        self.assertTrue(next(stream).HasField("event"))
        began = time.monotonic()
        self.assertEqual(0, server.stop())
        self.assertLess(time.monotonic() - began, 4)
        error = self.refused(stream)
        self.assertEqual((grpc.StatusCode.UNAVAILABLE, "server.stopping"), (error.code(), code_of(error)))

    def serve_http(self, *arguments, grpc="off", http="127.0.0.1:0", **environment):
        return self.serve("--grpc", grpc, "--http", http, *arguments, **environment)

    def test_sse_what_is_posted_arrives_in_order_and_is_resumed(self):
        server = self.serve_http()
        checker, posted, last = Checker(self), [], self.books.newest()
        query = "types=transaction_created,account_created&entries=true&after=start"
        for _ in range(3):
            stream = Sse(self, server.http, query, last=last)
            self.assertEqual((None, str(last)), next(iter(stream))[1:])
            posted += [self.books.move() for _ in range(20)]
            for event in itertools.islice(stream.events(), len(posted) - len(checker.ids)):
                checker.heard(event)
                self.assertEqual(event["id"], str(event["place"]))
            last = event["id"]
            server.kill()
            posted += [self.books.move() for _ in range(5)]
            server = self.serve_http(http=server.http)
        for event in itertools.islice(Sse(self, server.http, query, last=last).events(), 5):
            checker.heard(event)
        self.assertEqual(posted, checker.ids)

    def test_sse_goes_by_a_name(self):
        server = self.serve_http("--heartbeat-ms", "50")
        stream = Sse(self, server.http, "name=mail%20%C3%A9&types=journal_created")
        self.assertIsNone(next(iter(stream))[1])
        self.books.move()
        newest = self.books.newest()
        for _, data, id in stream:
            self.assertIsNone(data)
            if int(id) == newest:
                break
        place = ("--data-urlencode", "name=mail \u00e9", "-d", f"place={newest}")
        self.assertEqual((200, {"place": newest}), curl(*place, f"http://{server.http}/ack"))
        self.assertEqual(str(newest), next(iter(Sse(self, server.http, "name=mail%20%C3%A9&after=start")))[2])
        for arguments, status, code in ((("name=x", "place=1"), 404, "listener.not_found"),
                                        (("name=x", "place=-1"), 400, "server.malformed"),
                                        (("name=x",), 400, "server.malformed"),
                                        (("name=mail \u00e9", f"place={2**52}"), 409, "listener.beyond_newest")):
            answered = curl(*(part for one in arguments for part in ("--data-urlencode", one)),
                            f"http://{server.http}/ack")
            self.assertEqual((status, code), (answered[0], answered[1]["code"]))

    def test_sse_refusals_have_a_status(self):
        server = self.serve_http("--max-streams", "1")
        events = f"http://{server.http}/events"
        self.books.move()
        self.ledger.events.prune(place=self.books.newest())
        for query, status, code in (("after=start", 410, "event.pruned"), ("after=-1", 400, "server.malformed"),
                                    ("what=1", 400, "server.malformed"),
                                    ("journal_id=x", 400, "request.malformed"), ("after=x", 400, "server.malformed")):
            answered = curl(f"{events}?{query}")
            self.assertEqual((status, code), (answered[0], answered[1]["code"]), query)
        answered = curl("-H", "Last-Event-ID: x", events)
        self.assertEqual((400, "server.malformed"), (answered[0], answered[1]["code"]))
        self.assertEqual(404, curl(f"http://{server.http}/")[0])
        self.assertEqual((200, {"status": "healthy"}), curl(f"http://{server.http}/health"))
        only = Sse(self, server.http)
        next(iter(only))
        answered = curl("-D", "-", events)
        self.assertIn("503", answered[1])
        self.assertIn("Retry-After: 1", answered[1])
        self.assertIn("server.too_many_streams", answered[1])

    def test_sse_a_slow_reader_is_waited_for_and_let_go_at_the_end(self):
        server = self.serve_http("--buffer", "20", "--grace-ms", "300")
        host, _, port = server.http.partition(":")
        slow = socket.create_connection((host, int(port)), SECONDS)
        self.addCleanup(slow.close)
        slow.sendall(b"GET /events?after=start&types=transaction_created HTTP/1.1\r\nHost: localhost\r\n\r\n")
        quick = Sse(self, server.http, "types=transaction_created")
        next(iter(quick))
        before = server.memory()
        posted = self.books.many(400)
        self.assertEqual(posted, [event["subject_id"] for event in itertools.islice(quick.events(), 400)])
        self.assertLess(server.memory() - before, 14_000_000)
        began = time.monotonic()
        self.assertEqual(0, server.stop())
        self.assertLess(time.monotonic() - began, 10)

    def connected(self, address, request=""):
        """A connection that has sent this."""
        host, _, port = address.partition(":")
        connection = socket.create_connection((host, int(port)), SECONDS)
        self.addCleanup(connection.close)
        connection.sendall(request.encode())
        return connection

    def test_a_body_without_end_is_refused_before_it_is_read(self):
        for token in ({}, {"CALA_OUTBOX_TOKEN": "secret"}):
            server = self.serve_http(**token)
            head = "POST /ack HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer secret\r\n"
            for rest, status in (("Transfer-Encoding: chunked", "411"), ("X: y", "411"),
                                 ("Content-Length: 9\r\nTransfer-Encoding: chunked", "411"),
                                 ("Content-Length: 9\r\nContent-Encoding: gzip", "415")):
                # Nothing of the body is sent, so an answer tells that none was waited for.
                answer = self.connected(server.http, f"{head}{rest}\r\n\r\n").recv(100).decode()
                self.assertEqual(status, answer.split(" ")[1], rest)
        answer = self.connected(server.http, "POST /ack HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n").recv(100)
        self.assertEqual(b"401", answer.split(b" ")[1])
        endless = self.connected(server.http, "PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        before = server.memory()
        with contextlib.suppress(OSError):  # it hangs up
            for _ in range(300):
                endless.sendall(b"20000\r\n" + b"x" * 0x20000 + b"\r\n")
        self.assertLess(server.memory() - before, 14_000_000)

    def test_pages_of_other_origins_are_not_let_in(self):
        server = self.serve_http()
        place = self.books.newest()
        self.assertIsNone(next(iter(Sse(self, server.http, "name=mailer")))[1])  # which makes the name
        ack = ("-d", f"name=mailer&place={place}", f"http://{server.http}/ack")
        for header in ("Origin: https://example.com", "Origin: null", "Sec-Fetch-Site: cross-site",
                       "Sec-Fetch-Site: same-site",
                       "Host: example.com", "Host: 127.example.com:80", "Host: localhost.example.com", "Host: 10.0.0.1",
                       "Host:"):
            code = "server.other_host" if header.startswith("Host") else "server.other_origin"
            for what in (ack, (f"http://{server.http}/events",)):
                status, answer = curl("-H", header, *what)
                self.assertEqual((403, code), (status, answer["code"]), header)
        port = server.http.partition(":")[2]
        for header in ("Sec-Fetch-Site: none", "Sec-Fetch-Site: same-origin", "Host: localhost",
                       f"Host: localhost:{port}",
                       "Host: 127.0.0.1", f"Host: 127.0.0.1:{port}", "Host: [::1]", f"Host: [::1]:{port}"):
            self.assertEqual((200, {"place": place}), curl("-H", header, *ack), header)
        self.assertEqual(200, curl("-H", "Host: balancer", f"http://{server.http}/health")[0])
        with_token = self.serve_http(CALA_OUTBOX_TOKEN="secret").http
        ack = ("-H", "Authorization: Bearer secret", *ack[:2], f"http://{with_token}/ack")
        self.assertEqual(200, curl("-H", "Host: ledger.example.com", *ack)[0])
        self.assertEqual(403, curl("-H", "Origin: https://example.com", *ack)[0])

    def test_a_client_cannot_write_lines_of_the_log(self):
        server = self.serve_http()
        self.assertEqual(400, curl(f"http://{server.http}/events?a%0Ainfo%20forged%1B%5B2J%7F%C2%9B%C3%A9=1")[0])
        self.assertIn("there is no parameter a?info forged?[2J??\u00e9:", server.said())

    def test_a_client_that_drips_does_not_keep_it_from_stopping(self):
        server = self.serve_http("--grace-ms", "500")
        dripping = self.connected(server.http, "GET /events HTTP/1.1\r\nX: ")
        ended = threading.Event()

        def drip():
            with contextlib.suppress(OSError):
                while not ended.wait(0.1):
                    dripping.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            time.sleep(0.3)  # until one of its threads reads
            began = time.monotonic()
            self.assertEqual(0, server.stop())
            self.assertLess(time.monotonic() - began, 10)
        finally:
            ended.set()
            thread.join()

    @unittest.skipUnless(sys.platform == "linux", "a socket that hears nothing is made as Linux has it")
    def test_sse_a_client_that_vanished_frees_its_stream(self):
        server = self.serve_http("--max-streams", "1", "--heartbeat-ms", "100", "--stall-ms", "1000")
        vanished = self.connected(server.http, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"200", vanished.recv(100))
        # A filter that takes no packet: the system answers nothing for this socket any more.
        nothing = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
        attach = 26  # SO_ATTACH_FILTER
        vanished.setsockopt(socket.SOL_SOCKET, attach, struct.pack("HP", 1, ctypes.addressof(nothing)))
        until = time.monotonic() + 30
        while " ends behind " not in server.said() and time.monotonic() < until:
            time.sleep(0.1)
        self.assertIn(" ends behind ", server.said())
        self.assertIsNone(next(iter(Sse(self, server.http)))[1])

    def test_sse_sigterm_ends_with_a_word(self):
        server = self.serve_http()
        stream = Sse(self, server.http)
        next(iter(stream))
        self.books.move()
        self.assertEqual("transaction_created", next(stream.events())["type"])
        self.assertEqual(0, server.stop())
        self.assertEqual([("end", "server.stopping")], [(name, data["code"]) for name, data, _ in stream])
        self.assertEqual(0, stream.process.wait(SECONDS))


class OnSqlite(Served, unittest.TestCase):
    def place(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return f"sqlite:{folder.name}/ledger.db", ()

    def open(self):
        return cala.Ledger.open(self.store)

    def test_tokens(self):
        file = pathlib.Path(self.store.removeprefix("sqlite:")).with_name("tokens")
        file.write_text("# who\nfirst\nsecond\n")
        server = self.serve("--token-file", str(file), CALA_OUTBOX_TOKEN="third")
        client = self.client(server.grpc)

        def answer(*metadata):
            stream = client.Listen(pb.ListenRequest(), metadata=metadata, timeout=SECONDS)
            try:
                return "listens" if next(stream).HasField("reached") else "?"
            except grpc.RpcError as error:
                return f"{error.code().name} {code_of(error)}"
            finally:
                stream.cancel()

        refused = "UNAUTHENTICATED server.unauthenticated"
        self.assertEqual(refused, answer())
        for wrong in ("first", "Bearer firs", "Bearer first2", "Bearer ", "Bearer # who", "Basic first"):
            self.assertEqual(refused, answer(("authorization", wrong)), wrong)
        for right in ("Bearer first", "bearer second", "Bearer third"):
            self.assertEqual("listens", answer(("authorization", right)), right)
        with self.assertRaises(grpc.RpcError) as caught:
            client.Ack(pb.AckRequest(name="x", place=1))
        self.assertEqual(grpc.StatusCode.UNAUTHENTICATED, caught.exception.code())
        file.write_text("fourth\n")
        server.process.send_signal(signal.SIGHUP)
        for _ in range(200):
            if answer(("authorization", "Bearer fourth")) == "listens":
                break
            time.sleep(0.02)
        self.assertEqual("listens", answer(("authorization", "Bearer fourth")))
        self.assertEqual(refused, answer(("authorization", "Bearer first")))
        self.assertNotIn("fourth", server.said())

    def certificates(self):
        folder = pathlib.Path(self.store.removeprefix("sqlite:")).parent
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
                        "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder / "key.pem",
                        "-out", folder / "cert.pem"], check=True, capture_output=True)
        return folder / "cert.pem", folder / "key.pem"

    def test_tls(self):
        cert, key = self.certificates()
        server = self.serve("--tls-cert", str(cert), "--tls-key", str(key), "--tls-client-ca", str(cert))
        known = grpc.ssl_channel_credentials(cert.read_bytes(), key.read_bytes(), cert.read_bytes())
        self.assertTrue(next(self.client(server.grpc, known).Listen(pb.ListenRequest(),
                                                                    timeout=SECONDS)).HasField("reached"))
        for credentials in (grpc.ssl_channel_credentials(cert.read_bytes()), None):
            with self.assertRaises(grpc.RpcError) as caught:
                next(self.client(server.grpc, credentials).Listen(pb.ListenRequest(), timeout=SECONDS))
            self.assertEqual(grpc.StatusCode.UNAVAILABLE, caught.exception.code())

    def test_sse_tls_and_tokens(self):
        cert, key = self.certificates()
        server = self.serve_http("--tls-cert", str(cert), "--tls-key", str(key), CALA_OUTBOX_TOKEN="secret")
        url = f"https://{server.http}"
        self.assertEqual((200, {"status": "healthy"}), curl("--cacert", str(cert), f"{url}/health"))
        for header in ("X: y", "Authorization: Bearer wrong"):
            for path in ("events", "ack"):
                answered = curl("--cacert", str(cert), "-H", header,
                                *(("-d", "name=x&place=1") if path == "ack" else ()), f"{url}/{path}")
                self.assertEqual((401, "server.unauthenticated"), (answered[0], answered[1]["code"]))
        accepted = subprocess.run(["curl", "-sN", "--cacert", cert, "-H", "Authorization: Bearer secret", "-o", "-",
                                   "--max-time", "1",
                                   f"{url}/events"], capture_output=True, text=True)
        self.assertIn("retry: 1000", accepted.stdout)
        self.assertEqual("", curl(f"http://{server.http}/health")[1])

    def test_mistakes_are_told(self):
        folder = pathlib.Path(self.store.removeprefix("sqlite:")).parent
        (folder / "empty").write_text("\n")
        taken = self.serve().grpc
        for arguments, code, text in (
                ((), 2, "CALA_OUTBOX_STORE"), (("--stroe", "x"), 2, "--stroe"), (("store",), 2,
                    "'store'"), (("--store",), 2, "needs a value"),
                (("--store", "postgres://me:secret@db/x"), 2, "a password among the arguments"), (("--token", "x"), 2,
                    "--token-file"),
                (("--store", self.store, "--grpc", "2253"), 2, "HOST:PORT"), (("--store", self.store, "--grpc", "off"),
                    2, "both off"),
                (("--store", self.store, "--max-streams", "101"), 2,
                 "from 1 to 100"), (("--store", self.store, "--buffer", "x"), 2, "from 1 to"),
                (("--store", self.store, "--grpc", "0.0.0.0:0"), 2,
                 "--no-token"), (("--store", self.store, "--tls-cert", "x"), 2, "go together"),
                (("--store", "sqlite::memory:"), 2, "nobody else"), (("--store-file", "/nowhere"), 2, "No such file"),
                (("--store", self.store, "--token-file", str(folder / "empty")), 1, "there is no token"),
                (("--store", self.store, "--tls-cert", "/nowhere", "--tls-key", "/nowhere", "--grpc", "127.0.0.1:0"), 1,
                 "/nowhere: No such file"),
                (("--store", self.store, "--grpc", taken), 1, "Address already in use"),
                (("--store", self.store, "--grpc", "127.0.0.1:0", "--tls-cert", str(folder / "empty"), "--tls-key",
                  str(folder / "empty")), 1,
                 "--tls-cert"),
                (("--store", "postgres://nobody@127.0.0.1:1/x"), 1, "store.unreachable")):
            said = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=SECONDS)
            self.assertEqual((code, ""), (said.returncode, said.stdout), arguments)
            self.assertIn(text, said.stderr)
            self.assertTrue(said.stderr.startswith("cala-outbox-server: "), said.stderr)
            self.assertNotIn("secret", said.stderr)

    def test_a_ledger_that_is_not_there_is_not_made(self):
        file = pathlib.Path(self.store.removeprefix("sqlite:")).with_name("other.db")
        said = subprocess.run([PROGRAM, "--store", f"sqlite:{file}"], capture_output=True, text=True, timeout=SECONDS)
        self.assertEqual(1, said.returncode)
        self.assertIn("store.", said.stderr)

    def test_it_says_what_it_is(self):
        help = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
        self.assertIn("--token-file", help)
        self.assertTrue(all(len(line) <= 120 for line in help.splitlines()))
        version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
        self.assertEqual("cala-outbox-server 1.0.0\n", version)

    def test_it_stops_with_its_input(self):
        server = self.serve("--stop-with-stdin")
        server.process.stdin.close()
        self.assertEqual(0, server.process.wait(SECONDS))


@unittest.skipUnless(POSTGRES, "CALA_TEST_POSTGRES is not set")
class OnPostgres(Served, unittest.TestCase):
    def place(self):
        self.schema = f"cala_{uuid.uuid4().hex[:12]}"
        return POSTGRES, ("--schema", self.schema)

    def open(self):
        return cala.Ledger.open(self.store, schema=self.schema, migrate=True)

    def test_a_restarted_database_is_waited_for(self):
        state = tempfile.TemporaryDirectory()
        self.addCleanup(state.cleanup)

        def cluster(action, *arguments):
            return subprocess.run([CLUSTER, action, state.name, *arguments], check=True, capture_output=True,
                                  text=True).stdout.strip()

        cluster("start")
        self.addCleanup(cluster, "stop")
        store = cluster("connection", "outbox")
        with cala.Ledger.open(store, migrate=True) as ledger:
            books = Books(ledger)
            server = Program(self, store, "--health-ms", "100", "--heartbeat-ms", "100")
            channel = grpc.insecure_channel(server.grpc)
            self.addCleanup(channel.close)
            health = health_pb2_grpc.HealthStub(channel)

            def wait_for(status, service):
                for _ in range(600):
                    if health.Check(health_pb2.HealthCheckRequest(service=service)).status == status:
                        return
                    time.sleep(0.05)
                self.fail(f"{service} is never {status}")

            wait_for(health_pb2.HealthCheckResponse.SERVING, "cala.outbox.v1.Outbox")
            stream, _ = self.begun(server.grpc, types=["transaction_created"], entries=True)
            posted = [books.move() for _ in range(5)]
            cluster("kill")
            wait_for(health_pb2.HealthCheckResponse.NOT_SERVING, "")
            cluster("restart")
            posted += [books.move() for _ in range(5)]
            checker = Checker(self)
            for heard in stream:
                if heard.HasField("event"):
                    checker.heard(heard.event)
                if len(checker.ids) == 10:
                    break
            checker.holds(posted)
            wait_for(health_pb2.HealthCheckResponse.SERVING, "")
            cluster("kill")
            began = time.monotonic()
            self.assertEqual(0, server.stop())
            self.assertLess(time.monotonic() - began, 20)
            cluster("restart")


class TheProto(unittest.TestCase):
    """outbox.proto has every key of the contract's event, and no other."""

    def test_mirrors_the_contract(self):
        contract = json.loads((ROOT / "abi/api.json").read_text())["types"]
        words = {"text", "uuid", "decimal", "date", "instant", "currency", "cel"}
        seen = set()

        def kind_of(type):
            """The type of a field: a scalar's name or a message's."""
            if type["kind"] == "integer":
                return "int64"
            if type["kind"] == "union" or type["kind"] == "literal":
                return "string"
            name = type["name"]
            if name in words:
                return "string"
            if name in ("boolean", "json", "integer"):
                return {"boolean": "bool", "json": "Json", "integer": "int64"}[name]
            if name in ("available_limits", "max_scale"):
                return {"available_limits": "AvailableLimits", "max_scale": "MaxScale"}[name]
            if contract[name]["type"]["kind"] != "object":
                return "string"
            compare(name)
            return "".join(part.capitalize() for part in name.split("_"))

        def compare(name):
            if name in seen:
                return
            seen.add(name)
            message = pb.DESCRIPTOR.message_types_by_name["".join(part.capitalize() for part in name.split("_"))]
            theirs = {}
            for field in contract[name]["type"]["fields"]:
                type = field["type"]
                is_list = type["kind"] == "list"
                theirs[field["key"]] = (kind_of(type["of"] if is_list else type), is_list,
                                        field["optional"] and not is_list)
            ours = {}
            scalars = {FieldDescriptor.TYPE_STRING: "string", FieldDescriptor.TYPE_INT64: "int64",
                       FieldDescriptor.TYPE_BOOL: "bool"}
            for field in message.fields:
                kind = field.message_type.name if field.message_type else scalars[field.type]
                required = not theirs.get(field.name, (0, 0, 1))[2]
                ours[field.name] = (kind, field.is_repeated, field.has_presence
                                    and not (field.message_type and required))
            self.assertEqual(theirs, ours, name)

        compare("event")
        self.assertIn("velocity_balance_limit", seen)


if __name__ == "__main__":
    unittest.main()
