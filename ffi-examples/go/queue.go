package cala

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"

	"libcala.dev/cala/raw"
)

const shutdownTag = 0 // operations count from 1

// One finished operation: its result, or its error as a document.
type answer struct {
	status raw.Status
	data   []byte
}

// The program's side of a cala_queue: one goroutine reads it and hands answers to those who wait.
type pump struct {
	queue *raw.Queue
	wake  *os.File
	log   *slog.Logger
	ended chan struct{} // closed when the ledger has shut down

	mu      sync.Mutex
	lastTag uint64
	waiting map[uint64]chan answer
}

func newPump(log *slog.Logger) (*pump, error) {
	queue, failure, status := raw.QueueNew()
	if status != raw.StatusOk {
		return nil, takeError(failure, status)
	}
	fd := raw.QueueFd(queue)
	if fd < 0 {
		raw.QueueFree(queue)
		return nil, statusError(raw.Status(-fd))
	}
	return &pump{queue: queue, wake: os.NewFile(uintptr(fd), "cala-queue"), log: log, ended: make(chan struct{}),
		waiting: make(map[uint64]chan answer)}, nil
}

// A tag, and where its answer will come.
func (p *pump) expect() (uint64, chan answer) {
	arrival := make(chan answer, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastTag++
	p.waiting[p.lastTag] = arrival
	return p.lastTag, arrival
}

// For an operation that was not started after all.
func (p *pump) forget(tag uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, tag)
}

// Reads until the ledger has shut down. The bytes of the descriptor only say that there may be something.
func (p *pump) run() {
	defer close(p.ended)
	hints := make([]byte, 256)
	buffer := make([]byte, 64<<10)
	for {
		if _, err := p.wake.Read(hints); err != nil {
			return
		}
		for {
			used, status := raw.QueueRead(p.queue, buffer)
			if status == raw.StatusInvalid && used > len(buffer) {
				buffer = make([]byte, used)
				continue
			}
			if status != raw.StatusOk || used == 0 {
				break
			}
			if p.deliver(buffer[:used]) {
				return
			}
		}
	}
}

// Hands out a batch of records; true after the last one of all.
func (p *pump) deliver(batch []byte) bool {
	for len(batch) > 0 {
		size := binary.NativeEndian.Uint32(batch)
		header := binary.NativeEndian.Uint16(batch[4:])
		kind := binary.NativeEndian.Uint16(batch[6:])
		tag := binary.NativeEndian.Uint64(batch[8:])
		status := raw.Status(binary.NativeEndian.Uint32(batch[16:]))
		data := batch[header : uint32(header)+binary.NativeEndian.Uint32(batch[20:])]
		batch = batch[size:]
		switch kind {
		case raw.RecordShutdown:
			return true
		case raw.RecordCompletion:
			p.answer(tag, answer{status, append([]byte(nil), data...)})
		case raw.RecordLog:
			p.tell(data)
		case raw.RecordDropped:
			logSafely(p.log, slog.LevelWarn, "cala: log records were lost, because nobody read them in time", "dropped",
				string(data))
		}
	}
	return false
}

// A record of the library's log.
func (p *pump) tell(data []byte) {
	var record LogRecord
	var fields map[string]any
	var level slog.Level
	numbers := json.NewDecoder(bytes.NewReader(data))
	numbers.UseNumber()
	if json.Unmarshal(data, &record) != nil || numbers.Decode(&fields) != nil ||
		level.UnmarshalText([]byte(record.Level)) != nil {
		return
	}
	arguments := []any{"event", record.Event}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		switch key {
		case "at", "level", "event", "message": // the handler has its own
		default:
			if number, is := fields[key].(json.Number); is {
				if whole, err := number.Int64(); err == nil {
					fields[key] = whole // for handlers a json.Number would be a text
				}
			}
			arguments = append(arguments, key, fields[key])
		}
	}
	logSafely(p.log, level, "cala: "+record.Message, arguments...)
}

func (p *pump) answer(tag uint64, finished answer) {
	p.mu.Lock()
	arrival := p.waiting[tag]
	delete(p.waiting, tag)
	p.mu.Unlock()
	if arrival != nil {
		arrival <- finished
	}
}

func (p *pump) free() {
	p.wake.Close()
	raw.QueueFree(p.queue)
}

// What an answer says: the result, or an *Error.
func (a answer) outcome() ([]byte, error) {
	if a.status == raw.StatusOk {
		return a.data, nil
	}
	failure := newError(Status(a.status), "", "")
	if err := json.Unmarshal(a.data, failure); err != nil {
		return nil, newError(ErrInternal, "call.failed", fmt.Sprintf("the library's error cannot be read: %v", err))
	}
	return nil, failure
}

// A handler of the program's that panics must not stop the answers of everybody else.
func logSafely(log *slog.Logger, level slog.Level, message string, arguments ...any) {
	if log == nil {
		return
	}
	defer func() { _ = recover() }()
	log.Log(context.Background(), level, message, arguments...)
}
