package cala

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"libcala.dev/cala/raw"
)

// Config is how a ledger is opened. Store is needed: an environment variable that is not set must not open another
// ledger. The zero value of the other fields is their default.
type Config struct {
	// Store is "sqlite:PATH", "sqlite::memory:", a PostgreSQL connection string or URI
	// ("postgres://user@host/db"), or "host:sqlite" / "host:postgres": no connection of its own, everything runs through
	// [Ledger.InSQL] and its kin.
	Store string `json:"store"`
	// Migrate creates or upgrades the ledger's tables. Default: true for SQLite, false for PostgreSQL. See [Ptr].
	Migrate *bool `json:"migrate,omitempty"`
	// Schema is PostgreSQL's schema of all tables and functions. Default "cala".
	Schema string `json:"schema,omitempty"`
	// Pool bounds the connections to PostgreSQL.
	Pool *Pool `json:"pool,omitempty"`
	// Clock makes time stand still, for tests. Default: the system's clock.
	Clock *Clock `json:"clock,omitempty"`
	// Commit says how a commit waits.
	Commit *Commit `json:"commit,omitempty"`
	// QueueMax is how many operations may be in flight. Default 65536.
	QueueMax int `json:"queue_max,omitempty"`
	// FailoverWaitMS is how long, in milliseconds, operations wait for a store that was there before and is away.
	// Default 30000. See [Ptr].
	FailoverWaitMS *int `json:"failover_wait_ms,omitempty"`
	// Lazy connects at the first operation instead of in Open.
	Lazy bool `json:"lazy,omitempty"`
}

// Pool bounds the connections to PostgreSQL.
type Pool struct {
	// Max is how many there may be, 1 to 1000. Default 10.
	Max int `json:"max,omitempty"`
	// TimeoutMS is how long to wait for one that is free, or for SQLite's one writer; then ErrBusy (store.pool_timeout,
	// store.busy). Default 30000. See [Ptr].
	TimeoutMS *int `json:"timeout_ms,omitempty"`
}

// Clock is a clock that the program moves, with [Ledger.SetClock] and [Ledger.AdvanceClock].
type Clock struct {
	// Manual is where it starts: an instant, "2026-01-01T00:00:00Z".
	Manual string `json:"manual"`
}

// Commit says how a commit waits.
type Commit struct {
	// Durable waits for the disk, the default; false may lose the last postings in a power cut, never half of one.
	Durable *bool `json:"durable,omitempty"`
	// GroupMax is how many postings that wait while a commit is under way are committed together at most, each with its
	// own outcome: 1 to 10000, 1: every operation by itself. Default 500.
	GroupMax int `json:"group_max,omitempty"`
}

// Option is a setting of the wrapper's own, for [Open] and [OpenJSON].
type Option func(*core)

// WithLogger gives the ledger a logger: for what goes wrong, what the library does about it and what takes long, and at
// debug level for every operation that fails. The library's records are those of the levels that are enabled when the
// ledger is opened; they have nothing of the program's data in them.
func WithLogger(logger *slog.Logger) Option {
	return func(c *core) { c.log = logger }
}

// WithSlow has the logger told, as a warning, of each operation that takes so long. A record for every one at 0.
func WithSlow(least time.Duration) Option {
	return func(c *core) { c.slow = &least }
}

// WithTraceparent gives the operations of a context the trace that they are part of, a W3C traceparent
// ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"): their log records have it.
// One that is malformed is ErrInvalid.
func WithTraceparent(ctx context.Context, traceparent string) context.Context {
	return context.WithValue(ctx, traceKey{}, traceparent)
}

type traceKey struct{}

// Before an operation begins.
func trace(ctx context.Context, op *raw.Op) error {
	traceparent, given := ctx.Value(traceKey{}).(string)
	if !given || raw.OpTrace(op, traceparent) == raw.StatusOk {
		return nil
	}
	return newError(ErrInvalid, "request.malformed", "the context's traceparent is none of the W3C's Trace Context")
}

// What the library is asked for on behalf of a logger, whose handler may panic.
func logOptions(ctx context.Context, logger *slog.Logger, slow *time.Duration) string {
	options := struct {
		Level  string `json:"level"`
		SlowMS *int64 `json:"slow_ms,omitempty"`
	}{Level: "error"}
	func() {
		defer func() { _ = recover() }()
		for _, level := range []slog.Level{slog.LevelWarn, slog.LevelInfo, slog.LevelDebug} {
			if logger.Enabled(ctx, level) {
				options.Level = strings.ToLower(level.String())
			}
		}
	}()
	if slow != nil {
		options.SlowMS = Ptr((*slow + time.Millisecond - 1).Milliseconds())
	}
	text, _ := json.Marshal(options)
	return string(text)
}

// Ptr gives a pointer to a value, for the optional fields of requests.
func Ptr[T any](value T) *T { return &value }

// Change is one field of an update. Its zero value leaves the field as it is.
type Change[T any] struct {
	value   T
	changed bool
	cleared bool
}

// Set changes a field to value.
func Set[T any](value T) Change[T] { return Change[T]{value: value, changed: true} }

// Clear empties a field that may be empty.
func Clear[T any]() Change[T] { return Change[T]{changed: true, cleared: true} }

// IsZero says whether the field stays as it is.
func (c Change[T]) IsZero() bool { return !c.changed }

// MarshalJSON writes the new value, or null.
func (c Change[T]) MarshalJSON() ([]byte, error) {
	if c.cleared {
		return []byte("null"), nil
	}
	return json.Marshal(c.value)
}
