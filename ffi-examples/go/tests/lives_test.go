package tests

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"libcala.dev/cala"
)

var background = context.Background()

// open gives a ledger on a file, and what to post with.
func openLife(store string, options ...cala.Option) (*cala.Ledger, books, error) {
	ledger, err := cala.Open(background, cala.Config{Store: store}, options...)
	if err != nil {
		return nil, books{}, err
	}
	var b books
	accounts, err := ledger.CreateAccounts(background, []cala.NewAccount{{Code: "ALICE", Name: "Alice"},
		{Code: "BOB", Name: "Bob"}})
	if err != nil {
		return nil, b, err
	}
	b.alice, b.bob = accounts[0].ID, accounts[1].ID
	journal, err := ledger.CreateJournal(background, cala.NewJournal{Name: "Main"})
	if err != nil {
		return nil, b, err
	}
	b.journal = journal.ID
	_, err = ledger.CreateTxTemplate(background, transferTemplate("TRANSFER", "params.amount"))
	return ledger, b, err
}

// postForever posts from many goroutines until the ledger closes, and counts what was posted. The first failure of
// another kind is kept.
type crowd struct {
	group  sync.WaitGroup
	posted atomic.Int64
	first  sync.Once
	begun  chan struct{} // closed when something has been posted
	failed atomic.Pointer[error]
}

func postForever(ledger *cala.Ledger, b books) *crowd {
	c := &crowd{begun: make(chan struct{})}
	for range 64 {
		c.group.Add(1)
		go func() {
			defer c.group.Done()
			for {
				_, err := b.post(background, &ledger.Operations, "1")
				if err != nil {
					if !errors.Is(err, cala.ErrClosed) && !errors.Is(err, cala.ErrCancelled) {
						c.failed.Store(&err)
					}
					return
				}
				c.posted.Add(1)
				c.first.Do(func() { close(c.begun) })
			}
		}()
	}
	return c
}

func exitWithWorkInFlight(store string) error {
	ledger, b, err := openLife(store)
	if err != nil {
		return err
	}
	<-postForever(ledger, b).begun
	fmt.Println("lived")
	os.Exit(0)
	return nil
}

func exitWithoutClose(store string) error {
	ledger, b, err := openLife(store)
	if err != nil {
		return err
	}
	if _, err = ledger.Begin(background); err != nil {
		return err
	}
	_, err = ledger.FindAccount(background, cala.ByID(b.alice))
	return err
}

func closeWhileBusy(store string) error {
	ledger, b, err := openLife(store)
	if err != nil {
		return err
	}
	crowd := postForever(ledger, b)
	<-crowd.begun
	var closers sync.WaitGroup
	for range 4 {
		closers.Add(1)
		go func() {
			defer closers.Done()
			ledger.Close()
		}()
	}
	closers.Wait()
	crowd.group.Wait()
	if failed := crowd.failed.Load(); failed != nil {
		return *failed
	}
	again, err := cala.Open(background, cala.Config{Store: store})
	if err != nil {
		return err
	}
	defer again.Close()
	info, err := again.Info(background)
	if err == nil && info.Transactions != crowd.posted.Load() {
		err = fmt.Errorf("%d were answered as posted, %d are there", crowd.posted.Load(), info.Transactions)
	}
	return err
}

// Ledgers and transactions are dropped, and collected while others work.
func collectionUnderStress(store string) error {
	debug.SetGCPercent(1)
	ledger, b, err := openLife(store)
	if err != nil {
		return err
	}
	defer ledger.Close()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	for i := range 20 {
		dropped, err := cala.Open(background, cala.Config{Store: "sqlite::memory:"})
		if err != nil {
			return err
		}
		if _, err = dropped.Begin(background); err != nil {
			return err
		}
		if i%5 == 0 {
			if _, err = ledger.Begin(background); err != nil { // waits until the one that was dropped before is rolled back
				return fmt.Errorf("begin %d: %w", i, err)
			}
		}
		if err := cala.Retrying(background, func(ctx context.Context) error {
			_, err := b.post(ctx, &ledger.Operations, "1")
			return err
		}); err != nil {
			return fmt.Errorf("post %d: %w", i, err)
		}
	}
	info, err := ledger.Info(background)
	if err == nil && info.Transactions != 20 {
		err = fmt.Errorf("%d transactions", info.Transactions)
	}
	return err
}

func finalizerAfterClose(store string) error {
	for range 5 {
		ledger, err := cala.Open(background, cala.Config{Store: store})
		if err != nil {
			return err
		}
		if _, err = ledger.Begin(background); err != nil {
			return err
		}
		host := ledger.InHost(&panickingHost{})
		if err = ledger.Close(); err != nil {
			return err
		}
		if _, err = host.Info(background); !errors.Is(err, cala.ErrClosed) {
			return fmt.Errorf("a host transaction of a closed ledger: %w", err)
		}
		ledger, host = nil, nil
		for range 3 {
			runtime.GC()
		}
	}
	return nil
}

func threadsShareALedger(store string) error {
	const threads, each = 16, 20
	ledger, b, err := openLife(store)
	if err != nil {
		return err
	}
	defer ledger.Close()
	failures := make(chan error, threads)
	for range threads {
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for range each {
				if _, err := b.post(background, &ledger.Operations, "1"); err != nil {
					failures <- err
					return
				}
			}
			failures <- nil
		}()
	}
	for range threads {
		if err := <-failures; err != nil {
			return err
		}
	}
	balance, err := ledger.FindBalance(background, b.key(b.bob))
	if err == nil && balance.Settled.Net != fmt.Sprint(threads*each) {
		err = fmt.Errorf("Bob has %s", balance.Settled.Net)
	}
	return err
}

type panickingHost struct{}

func (*panickingHost) QueryText(context.Context, string, []string) (string, error) { panic("driver") }
func (*panickingHost) Exec(context.Context, string, []string) error                { panic("driver") }
func (h *panickingHost) Transaction() any                                          { return h }

type panickingHandler struct{ slog.Handler }

func (panickingHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (panickingHandler) Handle(context.Context, slog.Record) error { panic("handler") }

// What the program gives the ledger panics: a driver, a logger, the body of a loop over a list. The ledger goes on.
func aThrowingHandler(store string) error {
	ledger, b, err := openLife(store, cala.WithLogger(slog.New(panickingHandler{})))
	if err != nil {
		return err
	}
	if _, err = ledger.FindAccount(background, cala.ByCode("NOBODY")); !errors.Is(err, cala.ErrNotFound) {
		return err
	}
	host := &panickingHost{}
	for range 2 { // the second would wait for ever if the first still had its turn
		if reason := recovered(func() {
			_, _ = b.post(background, &ledger.InHost(host).Operations,
				"1")
		}); reason != "driver" {
			return fmt.Errorf("recovered %v", reason)
		}
	}
	if reason := recovered(func() {
		for range ledger.Accounts(background, cala.AccountFilter{}) {
			panic("loop")
		}
	}); reason != "loop" {
		return fmt.Errorf("recovered %v", reason)
	}
	if _, err = b.post(background, &ledger.Operations, "1"); err != nil {
		return err
	}
	return ledger.Close()
}

func recovered(call func()) (reason any) {
	defer func() { reason = recover() }()
	call()
	return nil
}

func anotherLibrary(says string) func(store string) error {
	return func(store string) error {
		for range 2 { // whoever asks
			_, err := cala.Open(background, cala.Config{Store: store})
			failure := asError(err)
			if failure == nil || failure.Status != cala.ErrUnsupported || failure.Code != "library.version" {
				return fmt.Errorf("opened with another library: %w", err)
			}
			if !strings.Contains(failure.Message, says) {
				return fmt.Errorf("the message does not say which: %w", err)
			}
		}
		return nil
	}
}

func libraryMissing(store string) error {
	_, err := cala.Open(background, cala.Config{Store: store})
	failure := asError(err)
	if failure == nil || failure.Status != cala.ErrUnavailable || failure.Code != "library.missing" {
		return fmt.Errorf("opened without a library: %w", err)
	}
	for _, word := range []string{"/nowhere/libcala.so.1", "Install libcala", "CALA_LIBRARY"} {
		if !strings.Contains(failure.Message, word) {
			return fmt.Errorf("the message does not say %s: %w", word, err)
		}
	}
	return nil
}
