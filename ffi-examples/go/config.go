package cala

import (
	"encoding/json"
	"log/slog"
)

// Config is how a ledger is opened. Its zero value opens sqlite:cala.db in the working folder; a program that has its store from the
// environment asks os.LookupEnv first, since Go cannot tell an empty Store from none. In [OpenJSON] an empty store is an error.
type Config struct {
	// Store is "sqlite:PATH" (the default is sqlite:cala.db), "sqlite::memory:", a PostgreSQL connection string or URI
	// ("postgres://user@host/db"), or "host:sqlite" / "host:postgres": no connection of its own, everything runs through
	// [Ledger.InSQL] and its kin.
	Store string `json:"store,omitempty"`
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
	// FailoverWaitMS is how long, in milliseconds, operations wait for a store that was there before and is away. Default 30000. See [Ptr].
	FailoverWaitMS *int `json:"failover_wait_ms,omitempty"`
	// Lazy connects at the first operation instead of in Open.
	Lazy bool `json:"lazy,omitempty"`
}

// Pool bounds the connections to PostgreSQL.
type Pool struct {
	// Max is how many there may be, 1 to 1000. Default 10.
	Max int `json:"max,omitempty"`
	// TimeoutMS is how long to wait for one that is free, or for SQLite's one writer; then ErrBusy (store.pool_timeout, store.busy).
	// Default 30000. See [Ptr].
	TimeoutMS *int `json:"timeout_ms,omitempty"`
}

// Clock is a clock that the program moves, with [Ledger.SetClock] and [Ledger.AdvanceClock].
type Clock struct {
	// Manual is where it starts: an instant, "2026-01-01T00:00:00Z".
	Manual string `json:"manual,omitempty"`
}

// Commit says how a commit waits.
type Commit struct {
	// Durable waits for the disk, the default; false may lose the last postings in a power cut, never half of one.
	Durable *bool `json:"durable,omitempty"`
	// GroupMax is how many postings that wait while a commit is under way are committed together at most, each with its own
	// outcome: 1 to 10000, 1: every operation by itself. Default 500.
	GroupMax int `json:"group_max,omitempty"`
}

// Option is a setting of the wrapper's own, for [Open] and [OpenJSON].
type Option func(*core)

// WithLogger gives the ledger a logger: for the library's messages, and at debug level for every operation that fails.
func WithLogger(logger *slog.Logger) Option {
	return func(c *core) { c.log = logger }
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
