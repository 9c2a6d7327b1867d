// A ledger that is watched: OpenTelemetry spans, with what the ledger tells of the operations in them, and one page of
// metrics for Prometheus, the program's own and the ledger's: node dist/examples/telemetry.js [store]
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { context, propagation, ROOT_CONTEXT, SpanStatusCode, trace } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { CalaError, Ledger, type LogRecord, RejectedError } from "cala-ledger";
import { Counter, type OpenMetricsContentType, Registry } from "prom-client";
import { openShop } from "./shop.js";
import { suffixFor } from "./suffix.js";

// These exporters keep what they get, to be shown below. A program has those of OTLP, behind processors that batch.
const spans = new InMemorySpanExporter();
const logs = new InMemoryLogRecordExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).register();
const loggers = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: logs })] });
const tracer = trace.getTracer("shop");
const otelLogger = loggers.getLogger("cala");

/** The active span as the ledger is told of it: the options of each operation that is part of it. */
function traced(): { traceparent?: string } {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent ? { traceparent: carrier.traceparent } : {};
}

/** Runs work in a span. Of an error the span gets the code alone: a message may repeat what the ledger was asked. */
function unitOfWork<T>(name: string, work: () => Promise<T>): Promise<T> {
  return tracer.startActiveSpan(name, async (span) => {
    try {
      return await work();
    } catch (error) {
      const message = error instanceof CalaError ? error.code : undefined;
      span.setStatus({ code: SpanStatusCode.ERROR, ...(message && { message }) });
      throw error;
    } finally {
      span.end();
    }
  });
}

const severities = {
  error: SeverityNumber.ERROR,
  warn: SeverityNumber.WARN,
  info: SeverityNumber.INFO,
  debug: SeverityNumber.DEBUG,
};

/**
 * Makes an OpenTelemetry log record of one of the ledger's, in the trace of its operation. It may come when the span
 * has ended, so it is no event of the span's.
 */
function logger({ at, level, event, message, traceparent, ...others }: LogRecord): void {
  otelLogger.emit({
    context: propagation.extract(ROOT_CONTEXT, { traceparent }),
    timestamp: new Date(at),
    severityNumber: severities[level],
    severityText: level.toUpperCase(),
    eventName: event,
    body: message,
    attributes: others,
  });
}

const registry = new Registry<OpenMetricsContentType>();
registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
const payments = new Counter({
  name: "shop_payments_total",
  help: "Payments, by what became of them.",
  labelNames: ["outcome"],
  registers: [registry],
});

/** The registry's metrics, then the ledger's, which end as every page of OpenMetrics does: with a line "# EOF". */
async function metrics(ledger: Ledger): Promise<string> {
  const [own, { text }] = await Promise.all([registry.metrics(), ledger.metrics({ format: "openmetrics" })]);
  return own.replace(/# EOF\n$/, () => String(text));
}

/** The samples of such a page: their names, the values of their labels, their values. */
function samples(page: string): [string, string[], string][] {
  if (!page.endsWith("\n# EOF\n")) throw new Error("the page has no end");
  const sample = /^(\w+)(?:\{((?:\w+="[^"]*",?)+)\})? ([-+.e\d]+|[+-]Inf|NaN)$/;
  return page.split("\n").slice(0, -2).flatMap((line) => {
    if (/^# (TYPE|HELP|UNIT) \w+ ./.test(line)) return [];
    const [, name, labels = "", value] = sample.exec(line) ?? [];
    if (!name || !value) throw new Error(`this is no OpenMetrics: ${line}`);
    return [[name, [...labels.matchAll(/"([^"]*)"/g)].map(([, label]) => String(label)), value]];
  });
}

const store = process.argv[2] ?? "sqlite::memory:";
const suffix = suffixFor(store);
// Refusals are told at level debug. Every operation is slow here, so that there is something to see; say 250 ms or so.
const ledger = await Ledger.open({ store, migrate: true }, { logger, log: { level: "debug", slowMs: 0 } });
const server = createServer(async (_, response) => {
  try {
    const page = await metrics(ledger);
    response.setHeader("Content-Type", registry.contentType).end(page);
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}).listen(0, "127.0.0.1");

const shop = await openShop(ledger, suffix);
const carol = await ledger.accounts().create({ code: `CAROL${suffix}`, name: "Carol" });
await ledger.accounts().lock(carol);
for (const account of [shop.alice, carol.id, shop.alice]) {
  const payment = { txTemplateCode: `PAY${suffix}`, params: { account } };
  try {
    await unitOfWork("payment", () => ledger.transactions().post(payment, traced()));
    payments.inc({ outcome: "paid" });
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    payments.inc({ outcome: "refused" });
  }
}
const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
const page = await answer.text();
server.close();
server.closeAllConnections();
await ledger.close();

for (const span of spans.getFinishedSpans()) {
  console.log(`${span.name}: ${span.status.message ?? "ok"}`);
  const { traceId, spanId } = span.spanContext();
  for (const { spanContext, severityText, eventName, attributes } of logs.getFinishedLogRecords()) {
    if (spanContext?.traceId !== traceId || spanContext.spanId !== spanId) continue;
    const words = [severityText, eventName, attributes["operation"], attributes["code"]];
    console.log(`  ${words.filter(Boolean).join(" ")}`);
  }
}
console.log("metrics");
for (const [name, labels, value] of samples(page)) {
  const shown =
    /^(shop_payments|cala_refusals)_total$/.test(name) ||
    (name.endsWith("_duration_seconds_count") && labels.includes("transaction_post"));
  if (shown) console.log(`  ${name} ${labels.join(" ")} ${value}`);
}
