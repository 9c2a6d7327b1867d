// A ledger that is watched: OpenTelemetry spans, with what the ledger tells of the operations in them, and one page of
// metrics for Prometheus, the program's own and the ledger's.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"libcala.dev/cala"
	"libcala.dev/cala/samples/sample"
)

// unitOfWork runs work in a span that the ledger's operations with its context are part of. Of an error the span gets
// the code alone: a message may repeat what the ledger was asked.
func unitOfWork(ctx context.Context, tracer trace.Tracer, name string, work func(ctx context.Context) error) error {
	ctx, span := tracer.Start(ctx, name)
	defer span.End()
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	if traceparent, is := carrier["traceparent"]; is {
		ctx = cala.WithTraceparent(ctx, traceparent)
	}
	err := work(ctx)
	var failure *cala.Error
	if errors.As(err, &failure) {
		span.SetStatus(codes.Error, failure.Code)
	}
	return err
}

// traced hands each record of the ledger's to a handler, in the trace of its operation. It may come when the span has
// ended, so it is no event of the span's.
type traced struct{ slog.Handler }

func (h traced) Handle(ctx context.Context, record slog.Record) error {
	record.Attrs(func(attribute slog.Attr) bool {
		if attribute.Key == "traceparent" {
			ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": attribute.Value.String()})
		}
		return true
	})
	return h.Handler.Handle(ctx, record)
}

func (h traced) WithAttrs(attributes []slog.Attr) slog.Handler {
	return traced{h.Handler.WithAttrs(attributes)}
}
func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }

// The ledger's page is OpenMetrics, where the name of a counter has no _total; in the format that is parsed here it
// has one.
var counter = regexp.MustCompile(`(?m)^(# TYPE \w+)( counter\n# HELP \w+)`)

// metricsOf gives a ledger's metrics to whoever collects, beside those of a registry.
func metricsOf(ctx context.Context, ledger *cala.Ledger) prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		page, err := ledger.Metrics(ctx, cala.LedgerMetricsRequest{Format: cala.MetricsOpenmetrics})
		if err != nil {
			return nil, err
		}
		families, err := parsed(strings.NewReader(counter.ReplaceAllString(page.Text, "${1}_total${2}_total")))
		return slices.Collect(maps.Values(families)), err
	})
}

func parsed(page io.Reader) (map[string]*dto.MetricFamily, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	return parser.TextToMetricFamilies(page)
}

// kept is an exporter that keeps what it gets.
type kept struct{ records []sdklog.Record }

func (k *kept) Export(_ context.Context, records []sdklog.Record) error {
	for _, record := range records {
		k.records = append(k.records, record.Clone())
	}
	return nil
}
func (k *kept) ForceFlush(context.Context) error { return nil }
func (k *kept) Shutdown(context.Context) error   { return nil }

func main() {
	ctx := context.Background()
	// These exporters keep what they get, to be shown below. A program has those of OTLP, behind processors that batch.
	spans, logs := tracetest.NewInMemoryExporter(), &kept{}
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("shop")
	loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(logs)))
	logger := slog.New(traced{otelslog.NewHandler("cala", otelslog.WithLoggerProvider(loggers))})

	// Refusals are told at level debug, which this logger writes. Every operation is slow here, so that there is
	// something to see; say 250 ms or so.
	ledger := sample.Open(ctx, "sqlite::memory:", cala.WithLogger(logger), cala.WithSlow(0))
	registry := prometheus.NewRegistry()
	payments := prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "shop_payments_total", Help: "Payments, by what became of them."}, []string{"outcome"})
	registry.MustRegister(payments)
	page := promhttp.HandlerFor(prometheus.Gatherers{registry, metricsOf(ctx, ledger.Ledger)},
		promhttp.HandlerOpts{EnableOpenMetrics: true})
	listener := sample.Must(net.Listen("tcp", "127.0.0.1:0"))
	server := &http.Server{Handler: page}
	go server.Serve(listener)

	journal := ledger.Journal(ctx)
	alice, cash := ledger.Account(ctx, "ALICE", "Alice", cala.Credit), ledger.Account(ctx, "CASH", "Cash", cala.Debit)
	carol := ledger.Account(ctx, "CAROL", "Carol", cala.Credit)
	sample.Must(ledger.LockAccount(ctx, carol))
	ledger.Transfer(ctx, "DEPOSIT")
	for _, account := range []string{alice, carol, alice} {
		err := unitOfWork(ctx, tracer, "payment", func(ctx context.Context) error {
			_, err := ledger.Post(ctx, ledger.Code("DEPOSIT"),
				cala.Params{"journal": journal, "debit": cash, "credit": account, "amount": "30.00"})
			return err
		})
		if errors.Is(err, cala.ErrRejected) {
			payments.WithLabelValues("refused").Inc()
			continue
		}
		sample.Check(err)
		payments.WithLabelValues("paid").Inc()
	}
	answer := sample.Must(http.Get("http://" + listener.Addr().String() + "/metrics"))
	families := sample.Must(parsed(answer.Body))
	sample.Check(answer.Body.Close())
	sample.Check(server.Close())
	sample.Check(ledger.Close())

	for _, span := range spans.GetSpans() {
		fmt.Println(span.Name+":", cmp.Or(span.Status.Description, "ok"))
		for _, record := range logs.records {
			if record.TraceID() == span.SpanContext.TraceID() && record.SpanID() == span.SpanContext.SpanID() {
				words := []string{record.SeverityText(), text(record, "event"), text(record, "operation"), text(record, "code")}
				fmt.Println(strings.TrimRight("  "+strings.Join(words, " "), " "))
			}
		}
	}
	fmt.Println("metrics")
	for _, name := range []string{"shop_payments_total", "cala_operation_duration_seconds", "cala_refusals_total"} {
		for _, metric := range families[name].GetMetric() {
			switch label := metric.GetLabel()[0].GetValue(); {
			case metric.Counter != nil:
				fmt.Println(" ", name, label, metric.GetCounter().GetValue())
			case label == "transaction_post":
				fmt.Println(" ", name+"_count", label, metric.GetHistogram().GetSampleCount())
			}
		}
	}
}

// text is an attribute of a record, if it has that.
func text(record sdklog.Record, key string) string {
	var found string
	record.WalkAttributes(func(one attribute.KeyValue) bool {
		if string(one.Key) == key {
			found = one.Value.AsString()
		}
		return true
	})
	return found
}
