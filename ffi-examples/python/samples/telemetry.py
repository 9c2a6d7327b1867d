"""A ledger that is watched: OpenTelemetry spans, with what the ledger tells of the operations in them, and one page of
metrics for Prometheus, the program's own and the ledger's."""
import contextlib
import logging
import urllib.request
from collections.abc import Iterator

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Metric, start_http_server
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

import cala

from . import code, deposit, store

# These exporters keep what they get, to be shown below. A program has those of OTLP, behind processors that batch.
spans, logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
tracers, loggers = TracerProvider(), LoggerProvider()
tracers.add_span_processor(SimpleSpanProcessor(spans))
loggers.add_log_record_processor(SimpleLogRecordProcessor(logs))
tracer, logger = tracers.get_tracer("shop"), loggers.get_logger("cala")
trace_context = TraceContextTextMapPropagator()


@contextlib.contextmanager
def unit_of_work(name: str) -> Iterator[trace.Span]:
    """A span that the ledger's operations inside are part of. Of an error it gets the code alone: a message may repeat
    what the ledger was asked."""
    with tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
        carrier: dict[str, str] = {}
        trace_context.inject(carrier)
        with cala.traced(carrier.get("traceparent")):
            try:
                yield span
            except cala.Error as error:
                span.set_status(trace.StatusCode.ERROR, error.code)
                raise


class LedgerLog(logging.Handler):
    """Makes an OpenTelemetry log record of each of the ledger's, in the trace of its operation. It may come when the
    span has ended, so it is no event of the span's."""

    def emit(self, record: logging.LogRecord) -> None:
        told: dict[str, str | int] | None = getattr(record, "cala", None)
        if told is None:  # the package's own words
            return
        severity = str(told["level"]).upper()
        others = told.keys() - {"at", "level", "event", "message", "traceparent"}
        logger.emit(timestamp=int(record.created * 1e9), context=trace_context.extract(told, Context()),
                    severity_text=severity, severity_number=SeverityNumber[severity], body=told["message"],
                    event_name=str(told["event"]), attributes={key: told[key] for key in others})


def parsed(page: str) -> Iterator[Metric]:
    """What a page in the format OpenMetrics has."""
    yield from text_string_to_metric_families(page)


class LedgerMetrics(Collector):
    """The ledger's metrics in a registry, which shows them in whatever format it is asked for."""

    def __init__(self, ledger: cala.Ledger) -> None:
        self._ledger = ledger

    def collect(self) -> Iterator[Metric]:
        return parsed(self._ledger.metrics(format="openmetrics").get("text", ""))


heard = logging.getLogger("cala")
heard.setLevel(logging.DEBUG)
heard.addHandler(LedgerLog())
registry = CollectorRegistry()
payments = Counter("shop_payments", "Payments, by what became of them.", ["outcome"], registry=registry)

# Refusals are told at level debug. Every operation is slow here, so that there is something to see; say 250 ms or so.
with cala.Ledger.open(store=store, migrate=True, log={"level": "debug", "slow_ms": 0}) as ledger:
    registry.register(LedgerMetrics(ledger))
    server, thread = start_http_server(0, "127.0.0.1", registry)
    journal = ledger.journals.create(code=code("MAIN"), name="Main")["id"]
    alice, carol, cash = (ledger.accounts.create(code=code(name), name=name.title())["id"]
                          for name in ("ALICE", "CAROL", "CASH"))
    ledger.accounts.lock(carol)
    deposit(ledger)

    for account in (alice, carol, alice):
        try:
            with unit_of_work("payment"):
                ledger.post(code("DEPOSIT"), {"journal": journal, "cash": cash, "account": account, "amount": "30.00",
                                              "effective": "2026-01-31"})
            payments.labels("paid").inc()
        except cala.RejectedError:
            payments.labels("refused").inc()

    url = f"http://127.0.0.1:{server.server_port}/metrics"
    scrape = urllib.request.Request(url, headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    with urllib.request.urlopen(scrape) as answer:
        page = answer.read().decode()
    server.shutdown()
    server.server_close()
    thread.join()

for span in spans.get_finished_spans():
    print(f"{span.name}: {span.status.description or 'ok'}")
    for record in (data.log_record for data in logs.get_finished_logs()):
        if span.context and (record.trace_id, record.span_id) == (span.context.trace_id, span.context.span_id):
            told = record.attributes or {}
            words = [record.severity_text, record.event_name, told["operation"], told.get("code", "")]
            print(f"  {' '.join(map(str, words))}".rstrip())
print("metrics")
for family in parsed(page):
    for sample in family.samples:
        if (sample.name in ("shop_payments_total", "cala_refusals_total")
                or sample.name.endswith("_duration_seconds_count") and "transaction_post" in sample.labels.values()):
            print(f"  {sample.name} {' '.join(sample.labels.values())} {sample.value:.0f}")
