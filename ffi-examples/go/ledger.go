package cala

import (
	"context"
	"encoding/json"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"time"

	"libcala.dev/cala/raw"
)

// Ledger is an open ledger. Any number of goroutines may share it.
//
// Its operations run on connections of the ledger's own, each in a transaction of its own. [Ledger.Begin] gives a
// transaction for several; [Ledger.InSQL] and [Ledger.InHost] take part in one that the program has open.
type Ledger struct {
	Operations
	core    *core
	cleanup runtime.Cleanup
}

// What a ledger is without the value that the program holds, so that the pump does not keep that alive.
type core struct {
	ledger   *raw.Ledger
	pump     *pump
	log      *slog.Logger
	slow     *time.Duration
	sqlite   bool
	hostOnly bool
	turns    turns

	mu      sync.Mutex
	closing bool
	users   sync.WaitGroup // calls that use the handle
	close   sync.Once
}

// Open opens a ledger, and connects and migrates where config says so.
// The context bounds the wait, not the ledger's life.
//
// Errors: ErrInvalid (the config), ErrUnavailable (store.*; library.missing when libcala is not installed),
// ErrPermission, ErrUnsupported (store.migrations_missing, store.newer),
// ErrBusy (another process is migrating), ErrCancelled.
func Open(ctx context.Context, config Config, options ...Option) (*Ledger, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return nil, newError(ErrInvalid, "request.malformed", "the config cannot be written as JSON: "+err.Error())
	}
	return OpenJSON(ctx, text, options...)
}

// OpenJSON is [Open] with the config as a JSON document, as cala_ledger_open in cala.h has it; a key that the library
// does not know is an error, and so is one that is null: a setting that is missing where the document was made must not
// mean the default.
func OpenJSON(ctx context.Context, config []byte, options ...Option) (*Ledger, error) {
	if err := loadLibrary(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, cancelledError(ctx)
	}
	if pointer := nullIn(config); pointer != "" {
		failure := newError(ErrInvalid, "request.malformed", pointer+" is null: leave the key out to have its default")
		failure.Details, _ = json.Marshal(map[string]string{"pointer": pointer})
		return nil, failure
	}
	c := new(core)
	c.sqlite, c.hostOnly = kindOfStore(config)
	for _, option := range options {
		option(c)
	}
	var err error
	if c.pump, err = newPump(c.log); err != nil {
		return nil, err
	}
	open := func() (err error) {
		ledger, failure, status := raw.LedgerOpen(string(config))
		if status != raw.StatusOk {
			return takeError(failure, status)
		}
		c.ledger = ledger
		return nil
	}
	discard := func() {
		raw.LedgerFree(c.ledger)
		c.pump.free()
	}
	if err = blocking(ctx, open, discard); err != nil {
		return nil, err
	}
	if c.log != nil {
		if failure, status := raw.LedgerLog(c.ledger, logOptions(ctx, c.log, c.slow), c.pump.queue, nil,
			0); status != raw.StatusOk {
			err = takeError(failure, status)
			discard()
			return nil, err
		}
	}
	go c.pump.run()
	ledger := &Ledger{Operations: Operations{ownRunner{c, nil}}, core: c}
	ledger.cleanup = runtime.AddCleanup(ledger, func(c *core) { go c.shutDown() }, c)
	return ledger, nil
}

// Runs a call that blocks in C. When the context ends first, the call is left to itself and what it made is discarded;
// discard is also called when it fails.
func blocking(ctx context.Context, call func() error, discard func()) error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		if err != nil {
			discard()
		}
		return err
	case <-ctx.Done():
		go func() {
			<-done
			discard()
		}()
		return cancelledError(ctx)
	}
}

// What a config says of its store; one that cannot be read is refused by the library.
func kindOfStore(config []byte) (sqlite, hostOnly bool) {
	parsed := Config{Store: "sqlite:"}
	_ = json.Unmarshal(config, &parsed)
	kind, isHost := strings.CutPrefix(parsed.Store, "host:")
	return strings.HasPrefix(kind, "sqlite"), isHost
}

// The JSON pointer of a key that is null in a config, or "". What cannot be read is the library's to refuse.
func nullIn(config []byte) string {
	var keys map[string]json.RawMessage
	if json.Unmarshal(config, &keys) != nil {
		return ""
	}
	for key, value := range keys {
		if string(value) == "null" {
			return "/" + key
		}
		if inner := nullIn(value); inner != "" {
			return "/" + key + inner
		}
	}
	return ""
}

// Close ends the ledger: operations that have not begun are answered with ErrCancelled, those that run are finished,
// transactions of [Ledger.Begin] that are open are rolled back. It waits for all of that. Closing again does nothing
// and gives nil.
func (l *Ledger) Close() error {
	l.cleanup.Stop()
	l.core.shutDown()
	runtime.KeepAlive(l)
	return nil
}

func (c *core) shutDown() {
	c.close.Do(func() {
		c.mu.Lock()
		c.closing = true
		c.mu.Unlock()
		if failure, status := raw.LedgerShutdown(c.ledger, c.pump.queue, nil, shutdownTag); status == raw.StatusOk {
			<-c.pump.ended
		} else {
			logSafely(c.log, slog.LevelError, takeError(failure, status).Error())
		}
		c.users.Wait()
		raw.LedgerFree(c.ledger)
		c.pump.free()
	})
}

// Begins to use the handle; nil, or that the ledger is closed. leave ends the use.
func (c *core) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return closedError()
	}
	c.users.Add(1)
	return nil
}

func (c *core) leave() { c.users.Done() }

func (c *core) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// SetClock sets a manual clock (see [Clock]). Errors: ErrUnsupported (clock.not_manual), ErrClosed.
func (l *Ledger) SetClock(at time.Time) error {
	return l.withHandle(func(ledger *raw.Ledger) (*raw.Error, raw.Status) {
		return raw.ClockSet(ledger, *instant(at))
	})
}

// AdvanceClock moves a manual clock forward, by whole milliseconds. Errors: ErrInvalid (clock.range), ErrUnsupported
// (clock.not_manual), ErrClosed.
func (l *Ledger) AdvanceClock(by time.Duration) error {
	return l.withHandle(func(ledger *raw.Ledger) (*raw.Error, raw.Status) {
		return raw.ClockAdvance(ledger, by.Milliseconds())
	})
}

func (l *Ledger) withHandle(call func(*raw.Ledger) (*raw.Error, raw.Status)) error {
	defer runtime.KeepAlive(l)
	if err := l.core.enter(); err != nil {
		return err
	}
	defer l.core.leave()
	if failure, status := call(l.core.ledger); status != raw.StatusOk {
		return takeError(failure, status)
	}
	return nil
}

// An instant as the library reads it; nil for the zero time, which is left out of requests.
func instant(at time.Time) *string {
	if at.IsZero() {
		return nil
	}
	return Ptr(at.UTC().Format("2006-01-02T15:04:05.000000Z"))
}
