package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lib/pq"
	"github.com/mattn/go-sqlite3"
	"libcala.dev/cala"
)

// Each test of the ledger's own connections runs on SQLite in memory and on PostgreSQL.
func onEachStore(t *testing.T, test func(t *testing.T, ctx context.Context, ledger *cala.Ledger)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, t.Context(), openLedger(t, cala.Config{Store: "sqlite::memory:"}))
	})
	t.Run("postgres", func(t *testing.T) {
		db := openSQL(t, "postgres", postgresStore(t)+"&sslmode=disable")
		test(t, t.Context(), openLedger(t, cala.Config{Store: postgresStore(t), Migrate: cala.Ptr(true),
			Schema: freshSchema(t, db.Exec)}))
	})
}

func openLedger(t *testing.T, config cala.Config, options ...cala.Option) *cala.Ledger {
	t.Helper()
	ledger := must[*cala.Ledger](t)(cala.Open(t.Context(), config, options...))
	t.Cleanup(func() { check(t, ledger.Close()) })
	return ledger
}

func openInMemory(t *testing.T, options ...cala.Option) *cala.Ledger {
	t.Helper()
	return openLedger(t, cala.Config{Store: "sqlite::memory:"}, options...)
}

func TestLedger_every_operation_works(t *testing.T) {
	onEachStore(t, func(t *testing.T, ctx context.Context, ledger *cala.Ledger) {
		openBooks(t, ctx, &ledger.Operations)
		useEverything(t, ctx, &ledger.Operations)
		equal(t, must[*cala.Info](t)(ledger.Info(ctx)).Transactions, 3)
		migration := must[*cala.Migration](t)(ledger.Migrate(ctx))
		equal(t, migration.FromVersion, migration.ToVersion)
	})
}

func TestTx_every_operation_works_inside(t *testing.T) {
	onEachStore(t, func(t *testing.T, ctx context.Context, ledger *cala.Ledger) {
		b := openBooks(t, ctx, &ledger.Operations)
		tx := must[*cala.Tx](t)(ledger.Begin(ctx))
		useEverything(t, ctx, &tx.Operations)
		keys := must[[]cala.BalanceKey](t)(tx.LockAccounts(ctx, b.key(b.bob), b.key(b.bob)))
		equal(t, len(keys), 1)
		check(t, tx.Commit(ctx))
		equal(t, must[*cala.Info](t)(ledger.Info(ctx)).Transactions, 3)
	})
}

func TestTx_rows_and_postings_land_together(t *testing.T) {
	onEachStore(t, func(t *testing.T, ctx context.Context, ledger *cala.Ledger) {
		b := openBooks(t, ctx, &ledger.Operations)
		info := must[*cala.Info](t)(ledger.Info(ctx))
		insert := "INSERT INTO orders VALUES ($1, CAST($2 AS int))"
		if info.Store == "sqlite" {
			insert = "INSERT INTO orders VALUES (?, CAST(? AS int))"
		}
		tx := must[*cala.Tx](t)(ledger.Begin(ctx))
		must[*cala.ExecResult](t)(tx.Exec(ctx, "CREATE TEMPORARY TABLE orders (note text, pieces int)"))
		equal(t, must[*cala.ExecResult](t)(tx.Exec(ctx, insert, "first", "3")).Affected, 1)
		must[*cala.ExecResult](t)(tx.Exec(ctx, insert, nil, "4"))
		must[*cala.Posted](t)(b.post(ctx, &tx.Operations, "7"))
		rows := must[*cala.ExecResult](t)(tx.Exec(ctx, "SELECT note, pieces FROM orders ORDER BY pieces"))
		equal(t, strings.Join(rows.Columns, " "), "note pieces")
		equal(t, rows.Text(0, 0)+rows.Text(0, 1), "first3")
		equal(t, rows.Rows[1][0] == nil, true)
		for _, param := range []any{[]string{"no text"}, 1, 1.5, true, time.Now()} {
			_, err := tx.Exec(ctx, insert, "a", param)
			equal(t, expectError(t, err, cala.ErrInvalid, "request.malformed").Detail("pointer"), "/params/1")
		}
		_, err := tx.Exec(ctx, "COMMIT")
		expectError(t, err, cala.ErrInvalid, "tx.control_statement")
		equal(t, b.net(t, ctx, &tx.Operations, b.bob), "7")
		check(t, tx.Rollback(ctx))
		equal(t, b.net(t, ctx, &ledger.Operations, b.bob), "none")
	})
}

func TestTx_is_prepared_and_finished_by_whoever_decides(t *testing.T) {
	onEachStore(t, func(t *testing.T, ctx context.Context, ledger *cala.Ledger) {
		b := openBooks(t, ctx, &ledger.Operations)
		if must[*cala.Info](t)(ledger.Info(ctx)).Store == "sqlite" {
			tx := must[*cala.Tx](t)(ledger.Begin(ctx))
			must[*cala.Posted](t)(b.post(ctx, &tx.Operations, "7"))
			equal(t, expectError(t, tx.Prepare(ctx, "order"), cala.ErrUnsupported, "tx.not_postgres").TxState, cala.TxUsable)
			check(t, tx.Commit(ctx))
			equal(t, b.net(t, ctx, &ledger.Operations, b.bob), "7")
			equal(t, len(must[*cala.Page[cala.Prepared]](t)(ledger.PreparedPage(ctx, cala.PreparedFilter{})).Items), 0)
			return
		}
		for _, ends := range []struct {
			outcome cala.PreparedOutcome
			net     string
		}{{cala.OutcomeRollback, "none"}, {cala.OutcomeCommit, "7"}} {
			gid := "o'rder\n" + string(ends.outcome)
			tx := must[*cala.Tx](t)(ledger.Begin(ctx))
			must[*cala.Posted](t)(b.post(ctx, &tx.Operations, "7"))
			check(t, tx.Prepare(ctx, gid))
			expectError(t, tx.Commit(ctx), cala.ErrMisuse, "tx.over")
			equal(t, b.net(t, ctx, &ledger.Operations, b.bob), "none")
			listed := must[*cala.Page[cala.Prepared]](t)(ledger.PreparedPage(ctx, cala.PreparedFilter{})).Items
			equal(t, len(listed), 1)
			equal(t, listed[0].GID, gid)
			again := must[*cala.Tx](t)(ledger.Begin(ctx))
			expectError(t, again.Prepare(ctx, gid), cala.ErrConflict, "prepared.exists")
			must[*cala.Info](t)(again.Info(ctx))
			check(t, again.Rollback(ctx))
			finish := cala.TxFinishRequest{GID: gid, Outcome: ends.outcome}
			equal(t, must[*cala.TxFinishResult](t)(ledger.FinishPrepared(ctx, finish)).Outcome, ends.outcome)
			equal(t, b.net(t, ctx, &ledger.Operations, b.bob), ends.net)
			_, err := ledger.FinishPrepared(ctx, finish)
			expectError(t, err, cala.ErrNotFound, "prepared.not_found")
		}
	})
}

func TestTx_is_over_after_its_end(t *testing.T) {
	ctx, ledger := t.Context(), openInMemory(t)
	tx := must[*cala.Tx](t)(ledger.Begin(ctx))
	check(t, tx.Commit(ctx))
	expectError(t, tx.Rollback(ctx), cala.ErrMisuse, "tx.over")
	expectError(t, tx.Commit(ctx), cala.ErrMisuse, "tx.over")
	_, err := tx.Info(ctx)
	expectError(t, err, cala.ErrMisuse, "tx.over")
}

func TestTx_a_cancelled_context_commits_nothing_and_rolls_back(t *testing.T) {
	ctx, ledger := t.Context(), openInMemory(t)
	cancelled, cancel := context.WithCancel(ctx)
	tx := must[*cala.Tx](t)(ledger.Begin(ctx))
	must[*cala.Account](t)(tx.CreateAccount(ctx, cala.NewAccount{Code: "ALICE", Name: "Alice"}))
	cancel()
	expectError(t, tx.Commit(cancelled), cala.ErrCancelled, "op.cancelled")
	check(t, tx.Rollback(cancelled))
	equal(t, must[*cala.Info](t)(ledger.Info(ctx)).Accounts, 0)
}

func TestTx_operations_take_turns(t *testing.T) {
	onEachStore(t, func(t *testing.T, ctx context.Context, ledger *cala.Ledger) {
		b := openBooks(t, ctx, &ledger.Operations)
		tx := must[*cala.Tx](t)(ledger.Begin(ctx))
		var group sync.WaitGroup
		for range 8 {
			group.Add(1)
			go func() {
				defer group.Done()
				if _, err := b.post(ctx, &tx.Operations, "1"); err != nil {
					t.Error(err)
				}
			}()
		}
		group.Wait()
		check(t, tx.Commit(ctx))
		equal(t, b.net(t, ctx, &ledger.Operations, b.bob), "8")
	})
}

func TestTx_with_savepoints_goes_on_after_a_refused_statement(t *testing.T) {
	onEachStore(t, func(t *testing.T, ctx context.Context, ledger *cala.Ledger) {
		sqlite := must[*cala.Info](t)(ledger.Info(ctx)).Store == "sqlite"
		for _, savepoints := range []bool{false, true} {
			var options []cala.TxOption
			if savepoints {
				options = append(options, cala.WithSavepoints())
			}
			tx := must[*cala.Tx](t)(ledger.Begin(ctx, options...))
			_, err := tx.Exec(ctx, "SELECT * FROM there_is_none")
			state := expectError(t, err, cala.ErrInvalid, "tx.statement").TxState
			usable := savepoints || sqlite
			equal(t, state == cala.TxUsable, usable)
			_, err = tx.Info(ctx)
			equal(t, err == nil, usable)
			check(t, tx.Rollback(ctx))
		}
	})
}

func TestError_names_status_code_place_and_posting(t *testing.T) {
	ctx, ledger := t.Context(), openInMemory(t)
	b := openBooks(t, ctx, &ledger.Operations)
	_, err := ledger.PostMany(ctx, []cala.Posting{
		{TxTemplateCode: "TRANSFER", Params: b.transfer(b.alice, b.bob, "1")},
		{TxTemplateCode: "TRANSFER", Params: b.transfer(b.alice, b.carol, "1")}})
	failure := expectError(t, err, cala.ErrRejected, "account.locked")
	equal(t, failure.PostingIndex, 1)
	equal(t, failure.Retryable, false)
	equal(t, failure.Message != "", true)
	equal(t, errors.Is(err, cala.ErrRejected) && !errors.Is(err, cala.ErrNotFound), true)
	_, err = b.post(ctx, &ledger.Operations, "many")
	failure = expectError(t, err, cala.ErrInvalid, "param.type")
	equal(t, failure.Detail("pointer"), "/params/amount")
	equal(t, failure.PostingIndex, -1)
	_, err = ledger.Post(ctx, "TRANSFER", cala.Params{"amount": 1.5})
	expectError(t, err, cala.ErrInvalid, "param.type")
	_, err = ledger.Post(ctx, "TRANSFER", cala.Params{"amount": make(chan int)})
	expectError(t, err, cala.ErrInvalid, "request.malformed")
}

func TestConfig_is_strict(t *testing.T) {
	_, err := cala.OpenJSON(t.Context(), []byte(`{"store": "sqlite::memory:", "stoer": 1}`))
	equal(t, expectError(t, err, cala.ErrInvalid, "request.unknown_key").Detail("pointer"), "/stoer")
	_, err = cala.OpenJSON(t.Context(), []byte(`{`))
	expectError(t, err, cala.ErrInvalid, "request.malformed")
	// What an environment variable that is not set gives.
	for code, config := range map[string]cala.Config{
		"store.invalid":     {},
		"request.malformed": {Store: "sqlite::memory:", Clock: &cala.Clock{}},
	} {
		opened, err := cala.Open(t.Context(), config)
		expectError(t, err, cala.ErrInvalid, code)
		equal(t, opened == nil, true)
	}
	ledger := must[*cala.Ledger](t)(cala.OpenJSON(t.Context(), []byte(`{"store": "sqlite::memory:"}`)))
	equal(t, must[*cala.Info](t)(ledger.Info(t.Context())).Store, "sqlite")
	check(t, ledger.Close())
}

func TestLedger_what_is_left_at_its_zero_value_is_missing(t *testing.T) {
	ctx, ledger := t.Context(), openInMemory(t)
	for pointer, account := range map[string]cala.NewAccount{"/name": {Code: "B"}, "/code": {Name: "B"}} {
		_, err := ledger.CreateAccount(ctx, account)
		equal(t, expectError(t, err, cala.ErrInvalid, "request.malformed").Detail("pointer"), pointer)
	}
	_, err := ledger.CreateJournal(ctx, cala.NewJournal{})
	equal(t, expectError(t, err, cala.ErrInvalid, "request.malformed").Detail("pointer"), "/name")
	_, err = ledger.CreateAccounts(ctx, []cala.NewAccount{{Code: "A", Name: "A"}, {Code: "B"}})
	equal(t, expectError(t, err, cala.ErrInvalid, "request.malformed").Detail("pointer"), "/accounts/1/name")
	equal(t, must[*cala.Info](t)(ledger.Info(ctx)).Accounts, 0)
}

func TestClock_moves_when_it_is_told_to(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ledger := openLedger(t, cala.Config{Store: "sqlite::memory:", Clock: &cala.Clock{Manual: "2026-01-01T00:00:00Z"}})
	check(t, ledger.AdvanceClock(24*time.Hour))
	equal(t, must[*cala.Info](t)(ledger.Info(t.Context())).Now, start.AddDate(0, 0, 1))
	check(t, ledger.SetClock(start.In(time.FixedZone("east", 3600))))
	equal(t, must[*cala.Info](t)(ledger.Info(t.Context())).Now, start)
	expectError(t, openInMemory(t).AdvanceClock(time.Hour), cala.ErrUnsupported, "clock.not_manual")
}

func TestClose_is_idempotent_and_ends_everything(t *testing.T) {
	ctx, ledger := t.Context(), openInMemory(t)
	tx := must[*cala.Tx](t)(ledger.Begin(ctx))
	check(t, ledger.Close())
	check(t, ledger.Close())
	_, err := ledger.Info(ctx)
	expectError(t, err, cala.ErrClosed, "ledger.closed")
	_, err = tx.Info(ctx)
	expectError(t, err, cala.ErrClosed, "ledger.closed")
	expectError(t, tx.Rollback(ctx), cala.ErrClosed, "ledger.closed")
	_, err = ledger.Begin(ctx)
	expectError(t, err, cala.ErrClosed, "ledger.closed")
	expectError(t, ledger.AdvanceClock(time.Hour), cala.ErrClosed, "ledger.closed")
}

func TestCancel_ends_what_waits(t *testing.T) {
	db := openSQL(t, "postgres", postgresStore(t)+"&sslmode=disable")
	ledger := openLedger(t, cala.Config{Store: postgresStore(t), Migrate: cala.Ptr(true), Schema: freshSchema(t, db.Exec)})
	b := openBooks(t, t.Context(), &ledger.Operations)
	holder := must[*cala.Tx](t)(ledger.Begin(t.Context()))
	must[[]cala.BalanceKey](t)(holder.LockAccounts(t.Context(), b.key(b.bob)))
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the customer left")
	go func() {
		defer cancel(reason)
		for {
			waiting, err := db.Number(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "+
				"AND datname = current_database()")
			if err != nil || waiting > 0 {
				return
			}
		}
	}()
	_, err := b.post(ctx, &ledger.Operations, "1")
	equal(t, errors.Is(err, cala.ErrCancelled), true)
	equal(t, errors.Is(err, context.Canceled) && errors.Is(err, reason), true)
	check(t, holder.Rollback(t.Context()))
	equal(t, b.net(t, t.Context(), &ledger.Operations, b.bob), "none")
}

func TestCancel_before_the_call_does_nothing(t *testing.T) {
	ledger := openInMemory(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := ledger.CreateAccount(ctx, cala.NewAccount{Code: "ALICE", Name: "Alice"})
	equal(t, errors.Is(err, cala.ErrCancelled) && errors.Is(err, context.Canceled), true)
	_, err = cala.Open(ctx, cala.Config{})
	expectError(t, err, cala.ErrCancelled, "op.cancelled")
	_, err = ledger.Begin(ctx)
	expectError(t, err, cala.ErrCancelled, "op.cancelled")
	equal(t, must[*cala.Info](t)(ledger.Info(t.Context())).Accounts, 0)
}

func TestLogger_hears_of_failures(t *testing.T) {
	text := new(lines)
	logger := slog.New(slog.NewJSONHandler(text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ledger := openInMemory(t, cala.WithLogger(logger))
	_, err := ledger.FindAccount(t.Context(), cala.ByCode("NOBODY"))
	expectError(t, err, cala.ErrNotFound, "account.not_found")
	for _, text := range strings.Split(strings.TrimSpace(text.String()), "\n") {
		var line struct{ Level, Code, Msg string }
		check(t, json.Unmarshal([]byte(text), &line))
		if line.Msg == "cala: an operation failed" {
			equal(t, line.Level+" "+line.Code, "DEBUG account.not_found")
			return
		}
	}
	t.Fatal(text.String())
}

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// What a handler wrote, from any goroutine.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestLogger_hears_the_librarys_log(t *testing.T) {
	text := new(lines)
	logger := slog.New(slog.NewJSONHandler(text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ledger := openInMemory(t, cala.WithLogger(logger), cala.WithSlow(0))
	_, err := ledger.FindAccount(cala.WithTraceparent(t.Context(), traceparent), cala.ByCode("NOBODY"))
	expectError(t, err, cala.ErrNotFound, "account.not_found")
	check(t, ledger.Close())
	heard := map[string]map[string]any{}
	for _, line := range strings.Split(strings.TrimSpace(text.String()), "\n") {
		record := map[string]any{}
		check(t, json.Unmarshal([]byte(line), &record))
		if event, is := record["event"].(string); is {
			heard[event] = record
		}
	}
	refused, slow := heard["operation.refused"], heard["operation.slow"]
	equal(t, refused["level"], any("DEBUG"))
	equal(t, refused["code"], any("account.not_found"))
	equal(t, refused["traceparent"], any(traceparent))
	equal(t, slow["level"], any("WARN"))
	equal(t, slow["operation"], any("account_find"))
	equal(t, slow["attempts"], any(1.0))
	_, timed := slow["took_ms"].(float64)
	equal(t, timed, true)
}

func TestLogger_hears_what_it_writes_and_no_more(t *testing.T) {
	text := new(lines)
	ledger := openInMemory(t, cala.WithLogger(slog.New(slog.NewJSONHandler(text,
		&slog.HandlerOptions{Level: slog.LevelWarn}))))
	_, err := ledger.FindAccount(t.Context(), cala.ByCode("NOBODY"))
	expectError(t, err, cala.ErrNotFound, "account.not_found")
	check(t, ledger.Close())
	equal(t, text.String(), "")
	_, err = cala.Open(t.Context(), cala.Config{Store: "sqlite::memory:"}, cala.WithLogger(slog.Default()),
		cala.WithSlow(-time.Second))
	expectError(t, err, cala.ErrInvalid, "request.malformed")
}

func TestLogger_gets_numbers_as_numbers(t *testing.T) {
	kinds := map[string]slog.Kind{}
	noted := func(_ []string, attribute slog.Attr) slog.Attr {
		kinds[attribute.Key] = attribute.Value.Kind()
		return attribute
	}
	logger := slog.New(slog.NewTextHandler(new(lines), &slog.HandlerOptions{ReplaceAttr: noted}))
	ledger := openInMemory(t, cala.WithLogger(logger), cala.WithSlow(0))
	must[*cala.Info](t)(ledger.Info(t.Context()))
	check(t, ledger.Close())
	equal(t, kinds["took_ms"], slog.KindInt64)
	equal(t, kinds["operation"], slog.KindString)
}

func TestTraceparent_is_one_or_refused(t *testing.T) {
	ledger := openInMemory(t)
	_, err := ledger.Info(cala.WithTraceparent(t.Context(), "none"))
	expectError(t, err, cala.ErrInvalid, "request.malformed")
	equal(t, must[*cala.Info](t)(ledger.Info(cala.WithTraceparent(t.Context(), traceparent))).Accounts, 0)
}

func TestLists_end_with_the_error(t *testing.T) {
	ledger := openInMemory(t)
	var failures int
	for _, err := range ledger.Accounts(t.Context(),
		cala.AccountFilter{PageRequest: cala.PageRequest{After: "nonsense"}}) {
		expectError(t, err, cala.ErrInvalid, "request.malformed")
		failures++
	}
	equal(t, failures, 1)
}

func TestRetrying_gives_up_after_its_attempts_and_only_repeats_lost_races(t *testing.T) {
	attempts := 0
	lost := &cala.Error{Status: cala.ErrConflict, TxState: cala.TxRetry}
	err := cala.Retrying(t.Context(), func(context.Context) error { attempts++; return lost }, cala.Attempts(3))
	equal(t, attempts, 3)
	equal(t, errors.Is(err, cala.ErrConflict), true)
	other := errors.New("other")
	attempts = 0
	err = cala.Retrying(t.Context(), func(context.Context) error { attempts++; return other })
	equal(t, attempts, 1)
	equal(t, err, other)
}

// The time here is synctest's, so each pause is measured exactly.
func TestRetrying_pauses_grow_are_random_and_end_at_256_ms(t *testing.T) {
	must[string](t)(cala.LibraryVersion())
	var first []time.Duration
	for range 10 {
		synctest.Test(t, func(t *testing.T) {
			var begun []time.Time
			lost := &cala.Error{Status: cala.ErrConflict, TxState: cala.TxRetry}
			err := cala.Retrying(t.Context(), func(context.Context) error { begun = append(begun, time.Now()); return lost })
			equal(t, err, error(lost))
			equal(t, len(begun), 10)
			first = append(first, begun[1].Sub(begun[0]))
			for attempt := 1; attempt < len(begun); attempt++ {
				most := min(2*time.Millisecond<<attempt, 256*time.Millisecond)
				if pause := begun[attempt].Sub(begun[attempt-1]); pause < most/2 || pause > most {
					t.Errorf("%v before attempt %d", pause, attempt+1)
				}
			}
		})
	}
	slices.Sort(first)
	equal(t, len(slices.Compact(first)) > 1, true)
}

func TestRetrying_ends_its_pause_with_the_context(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		lost := &cala.Error{Status: cala.ErrConflict, TxState: cala.TxRetry}
		begun, attempts := time.Now(), 0
		err := cala.Retrying(ctx, func(context.Context) error { attempts++; return lost })
		equal(t, err, error(lost))
		equal(t, attempts, 1)
		equal(t, time.Since(begun), time.Millisecond)
	})
}

func TestBigAnswers_arrive_whole(t *testing.T) {
	ctx, ledger := t.Context(), openInMemory(t)
	metadata, err := json.Marshal(strings.Repeat("libcala ", 50_000))
	check(t, err)
	account := must[*cala.Account](t)(ledger.CreateAccount(ctx,
		cala.NewAccount{Code: "BIG", Name: "Big", Metadata: metadata}))
	equal(t, string(account.Metadata), string(metadata))
	equal(t, string(must[*cala.Account](t)(ledger.FindAccount(ctx, cala.ByID(account.ID))).Metadata), string(metadata))
}

func TestLedger_floats_are_refused_wherever_they_are_in_params(t *testing.T) {
	ctx, ledger := t.Context(), openInMemory(t)
	b := openBooks(t, ctx, &ledger.Operations)
	type amount struct {
		Value float64 `json:"value"`
	}
	good := b.transfer(b.alice, b.bob, "1")
	for _, value := range []any{10.5, 10.0, float32(1), cala.Ptr(10.0), []any{"1", 10.0}, map[string]any{"deep": 10.0},
		amount{10}} {
		bad := b.transfer(b.alice, b.bob, "1")
		bad["amount"] = value
		_, err := ledger.Post(ctx, "TRANSFER", bad)
		expectError(t, err, cala.ErrInvalid, "param.type")
		_, err = ledger.PreviewTransaction(ctx, cala.Posting{TxTemplateCode: "TRANSFER", Params: bad})
		expectError(t, err, cala.ErrInvalid, "param.type")
		_, err = ledger.CreateHold(ctx, cala.NewHold{TxTemplateCode: "TRANSFER", Params: bad})
		expectError(t, err, cala.ErrInvalid, "param.type")
		_, err = ledger.PostMany(ctx, []cala.Posting{{TxTemplateCode: "TRANSFER", Params: good},
			{TxTemplateCode: "TRANSFER", Params: bad}})
		failure := expectError(t, err, cala.ErrInvalid, "param.type")
		equal(t, failure.PostingIndex, 1)
		equal(t, strings.HasPrefix(failure.Detail("pointer"), "/postings/1/params/amount"), true)
	}
	equal(t, b.net(t, ctx, &ledger.Operations, b.bob), "none")
}

func TestOpenJSON_a_null_or_an_empty_store_is_no_default(t *testing.T) {
	for _, config := range []string{`{"store":null}`, `{"store":"sqlite::memory:","clock":{"manual":null}}`,
		`{"store":""}`} {
		ledger, err := cala.OpenJSON(t.Context(), []byte(config))
		if err == nil {
			check(t, ledger.Close())
		}
		equal(t, errors.Is(err, cala.ErrInvalid), true)
	}
}

func TestLostRace_is_told_through_wrapped_errors(t *testing.T) {
	locked := sqlite3.Error{Code: sqlite3.ErrLocked, ExtendedCode: sqlite3.ErrNoExtended(sqlite3.ErrLocked)}
	busy := sqlite3.Error{Code: sqlite3.ErrBusy, ExtendedCode: sqlite3.ErrBusySnapshot}
	taken := sqlite3.Error{Code: sqlite3.ErrConstraint, ExtendedCode: sqlite3.ErrConstraintUnique}
	for _, wrap := range []func(error) error{
		func(err error) error { return err },
		func(err error) error { return fmt.Errorf("around: %w", err) },
		func(err error) error { return errors.Join(errors.New("beside"), err) },
	} {
		equal(t, cala.LostRace(wrap(busy)), true)
		equal(t, cala.LostRace(wrap(&pq.Error{Code: "40P01"})), true)
		equal(t, cala.LostRace(wrap(&cala.Error{TxState: cala.TxRetry})), true)
		equal(t, cala.LostRace(wrap(locked)), true) // as where the ledger meets it
		equal(t, cala.LostRace(wrap(taken)), false)
		equal(t, cala.LostRace(wrap(&pq.Error{Code: "23505"})), false)
		equal(t, cala.LostRace(wrap(errors.New("40001"))), false)
		equal(t, cala.LostRace(wrap(&cala.Error{Status: cala.ErrBusy, Retryable: true})), false)
	}
}
