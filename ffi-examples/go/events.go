package cala

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"runtime"
	"sync"
	"time"

	"libcala.dev/cala/raw"
)

// Events gives a page of what happened, in order; read on with the page's Place as After, while HasNextPage or at any
// later time. Nothing is missed and nothing comes twice.
//
// Errors: ErrUnavailable (list.no_mark); ErrNotFound (event.pruned).
func (o *Operations) Events(ctx context.Context, request EventFilter) (*EventPage, error) {
	return call[EventPage](ctx, o, raw.EventList, request)
}

// ListenOptions says what a listener hears.
type ListenOptions struct {
	// Where it begins, behind that: "start", "now" or the place of an event. Default "now".
	From any `json:"from,omitempty"`
	// A listener whose place the ledger keeps, where [Operations.AckListener] moves it.
	Name string `json:"name,omitempty"`
	// Only events of these types.
	Types []EventType `json:"types,omitempty"`
	// Only what belongs to this journal.
	JournalID string `json:"journal_id,omitempty"`
	// With the entries of transactions, and the balances of accounts as a transaction left them.
	Entries  bool `json:"entries,omitempty"`
	Balances bool `json:"balances,omitempty"`
	// How many events are read ahead at most, 1 to 10000. Default 500.
	Buffer int64 `json:"buffer,omitempty"`
	// How long what others commit may go unseen, in milliseconds. Default 100.
	PollMs int64 `json:"poll_ms,omitempty"`
}

// EventListener hears events as they happen, in order, each at least once, none missed.
// What is not taken waits in the ledger.
type EventListener struct {
	core     *core
	listener *raw.Listener
	queue    *raw.Queue
	wake     *os.File

	mu     sync.Mutex // of who reads
	closed bool
	ready  []Event
	done   int64 // the place of the last event that was given out, while others are ready
	failed error
	buffer []byte
}

// Listen opens a listener, to be closed. Errors: ErrInvalid, ErrBusy (listener.too_many),
// ErrClosed, ErrMisuse (op.host_only).
func (l *Ledger) Listen(ctx context.Context, options ListenOptions) (*EventListener, error) {
	text, err := json.Marshal(options)
	if err != nil {
		return nil, newError(ErrInvalid, "request.malformed", "the options cannot be written as JSON: "+err.Error())
	}
	queue, failure, status := raw.QueueNew()
	if status != raw.StatusOk {
		return nil, takeError(failure, status)
	}
	heard := &EventListener{core: l.core, queue: queue, buffer: make([]byte, 64<<10)}
	open := func() error {
		defer runtime.KeepAlive(l)
		if err := l.core.enter(); err != nil {
			return err
		}
		defer l.core.leave()
		listener, failure, status := raw.ListenerOpen(l.core.ledger, string(text), queue, nil, 0)
		if status != raw.StatusOk {
			return takeError(failure, status)
		}
		heard.listener = listener
		fd := raw.QueueFd(queue)
		if fd < 0 {
			return statusError(raw.Status(-fd))
		}
		heard.wake = os.NewFile(uintptr(fd), "cala-listener")
		return nil
	}
	if err := blocking(ctx, open, heard.free); err != nil {
		return nil, err
	}
	return heard, nil
}

func (e *EventListener) free() {
	if e.wake != nil {
		e.wake.Close()
	}
	raw.ListenerFree(e.listener)
	raw.QueueFree(e.queue)
}

// Next waits for the next event. Errors: ErrCancelled when the context ends; ErrClosed when the listener or its ledger
// is closed; and why no event will come any more. One goroutine at a time waits; the others take their turns.
func (e *EventListener) Next(ctx context.Context) (*Event, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	hints := make([]byte, 64)
	for {
		if e.closed || e.core.isClosing() {
			return nil, closedError()
		}
		if ctx.Err() != nil {
			return nil, cancelledError(ctx)
		}
		if len(e.ready) == 0 {
			e.read()
		}
		if len(e.ready) > 0 {
			event := e.ready[0]
			e.ready = e.ready[1:]
			e.done = event.Place
			return &event, nil
		}
		if e.failed != nil {
			return nil, e.failed
		}
		// Now and then, for a ledger that is closed says nothing here.
		_ = e.wake.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		stop := context.AfterFunc(ctx, func() { _ = e.wake.SetReadDeadline(time.Now()) })
		_, _ = e.wake.Read(hints)
		stop()
	}
}

func (e *EventListener) read() {
	e.done = raw.ListenerReached(e.listener)
	used, status := raw.QueueRead(e.queue, e.buffer)
	if status == raw.StatusInvalid && used > len(e.buffer) {
		e.buffer = make([]byte, used)
		used, status = raw.QueueRead(e.queue, e.buffer)
	}
	if status != raw.StatusOk {
		return
	}
	for batch := e.buffer[:used]; len(batch) > 0; {
		size := binary.NativeEndian.Uint32(batch)
		header := binary.NativeEndian.Uint16(batch[4:])
		kind := binary.NativeEndian.Uint16(batch[6:])
		said := answer{raw.Status(binary.NativeEndian.Uint32(batch[16:])),
			batch[header : uint32(header)+binary.NativeEndian.Uint32(batch[20:])]}
		batch = batch[size:]
		if kind != raw.RecordEvent {
			continue
		}
		var event Event
		data, err := said.outcome()
		if err == nil {
			err = json.Unmarshal(data, &event)
		}
		if err != nil {
			e.failed = err
			return
		}
		e.ready = append(e.ready, event)
	}
}

// All goes through the events as they come, until the context ends, the listener or its ledger is closed, or the loop
// is left; what else ends it comes as an error.
func (e *EventListener) All(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			event, err := e.Next(ctx)
			switch {
			case errors.Is(err, ErrClosed), errors.Is(err, ErrCancelled) && ctx.Err() != nil:
				return
			case err != nil:
				yield(Event{}, err)
				return
			case !yield(*event, nil):
				return
			}
		}
	}
}

// Reached gives the place up to which Next gave all there is, to be acknowledged as soon as what it gave is dealt with;
// -1 when closed.
func (e *EventListener) Reached() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return -1
	}
	if len(e.ready) > 0 {
		return e.done
	}
	return raw.ListenerReached(e.listener)
}

// Close ends the listener. Whoever waits in Next gets ErrClosed, soon. Closing again does nothing.
func (e *EventListener) Close() error {
	_ = e.wake.SetReadDeadline(time.Now())
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.closed = true
		e.free()
	}
	return nil
}
