package tests

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"libcala.dev/cala"
)

// Every behaviour, with every driver, on a real database.
func TestHost(t *testing.T) {
	behaviours := []struct {
		name string
		test func(*shop)
	}{
		{"commit_leaves_both", commitLeavesBoth},
		{"rollback_leaves_neither", rollbackLeavesNeither},
		{"rejection_leaves_the_transaction_usable", rejectionLeavesTheTransactionUsable},
		{"taken_code_leaves_the_transaction_usable", takenCodeLeavesTheTransactionUsable},
		{"sql_error_aborts_the_transaction", sqlErrorAbortsTheTransaction},
		{"sql_error_behind_a_savepoint_leaves_it_usable", sqlErrorBehindASavepointLeavesItUsable},
		{"duplicate_returns_the_first_result", duplicateReturnsTheFirstResult},
		{"without_begin_nothing_is_written", withoutBeginNothingIsWritten},
		{"interleaved_operations_take_turns", interleavedOperationsTakeTurns},
		{"cancelled_midway_leaves_nothing", cancelledMidwayLeavesNothing},
		{"retry_runs_the_whole_transaction_again", retryRunsTheWholeTransactionAgain},
		{"reading_inside_sees_it_outside_does_not", readingInsideSeesItOutsideDoesNot},
		{"read_only_is_refused", readOnlyIsRefused},
		{"a_transaction_that_is_over_is_told", aTransactionThatIsOverIsTold},
		{"every_operation_works_inside", everyOperationWorksInside},
	}
	for _, kind := range []struct {
		adapters []adapter
		store    func(*testing.T) string
	}{{postgresAdapters, postgresStore}, {sqliteAdapters, sqliteStore}} {
		for _, adapter := range kind.adapters {
			for _, behaviour := range behaviours {
				t.Run(adapter.name+"/"+behaviour.name, func(t *testing.T) {
					behaviour.test(newShop(t, adapter, kind.store(t)))
				})
			}
		}
	}
}

func commitLeavesBoth(s *shop) {
	tx := s.begin()
	s.order(tx)
	posted := must[*cala.Posted](s.t)(s.post(s.ctx, &tx.In(s.ledger).Operations, "4.00"))
	equal(s.t, posted.Replayed, false)
	check(s.t, tx.Commit(s.ctx))
	s.expect(1, "4.00")
}

func rollbackLeavesNeither(s *shop) {
	tx := s.begin()
	s.order(tx)
	inside := tx.In(s.ledger)
	must[*cala.Posted](s.t)(s.post(s.ctx, &inside.Operations, "4.00"))
	must[*cala.Account](s.t)(inside.CreateAccount(s.ctx, cala.NewAccount{Code: "DAVE", Name: "Dave"}))
	check(s.t, tx.Rollback(s.ctx))
	s.expect(0, "none")
	_, err := s.ledger.FindAccount(s.ctx, cala.ByCode("DAVE"))
	expectError(s.t, err, cala.ErrNotFound, "account.not_found")
}

func duplicateReturnsTheFirstResult(s *shop) {
	tx := s.begin()
	inside := tx.In(s.ledger)
	first := must[*cala.Posted](s.t)(s.post(s.ctx, &inside.Operations, "5", cala.WithID(postingID)))
	again := must[*cala.Posted](s.t)(s.post(s.ctx, &inside.Operations, "5", cala.WithID(postingID)))
	equal(s.t, again.Replayed, true)
	equal(s.t, again.Entries[1].ID, first.Entries[1].ID)
	_, err := s.post(s.ctx, &inside.Operations, "6", cala.WithID(postingID))
	equal(s.t, expectError(s.t, err, cala.ErrConflict, "transaction.replay_differs").TxState, cala.TxUsable)
	check(s.t, tx.Commit(s.ctx))
	equal(s.t, s.transactions(), 1)
	s.expect(0, "5")
}

func withoutBeginNothingIsWritten(s *shop) {
	if !s.sqlite() {
		_, err := s.post(s.ctx, &s.db.Outside(s.ledger).Operations, "4")
		expectError(s.t, err, cala.ErrMisuse, "transaction.none")
		s.expect(0, "none")
		return
	}
	// SQLite has no name for a transaction; it notices when somebody else writes between the statements.
	between := func(statement int) {
		if statement > 1 {
			must[*cala.Posted](s.t)(s.post(s.ctx, &s.ledger.Operations, "1"))
		}
	}
	host := &watchedHost{tx: s.db.(sqlDatabase).DB, before: between}
	_, err := s.post(s.ctx, &s.ledger.InSQL(host).Operations, "4")
	expectError(s.t, err, cala.ErrMisuse, "transaction.none")
	equal(s.t, s.transactions(), int64(host.count-1))
}

func interleavedOperationsTakeTurns(s *shop) {
	tx := s.begin()
	var group sync.WaitGroup
	failures := make(chan error, 8)
	for range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			_, err := s.post(s.ctx, &tx.In(s.ledger).Operations, "1")
			failures <- err
		}()
	}
	group.Wait()
	for range 8 {
		check(s.t, <-failures)
	}
	check(s.t, tx.Commit(s.ctx))
	equal(s.t, s.transactions(), 8)
	s.expect(0, "8")
}

func cancelledMidwayLeavesNothing(s *shop) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	tx := s.begin()
	s.order(tx)
	inside := tx.In(s.ledger)
	if sqlTx, ok := tx.(sqlTransaction); ok {
		inside = s.ledger.InSQL(&watchedHost{tx: sqlTx.Tx, before: func(statement int) {
			if statement == 2 {
				cancel()
			}
		}})
	} else {
		cancelWhenItWaits(s, cancel)
	}
	_, err := s.post(ctx, &inside.Operations, "4")
	if !errors.Is(err, cala.ErrCancelled) || !errors.Is(err, context.Canceled) {
		s.t.Fatalf("got %s, want a cancelled operation", describe(err))
	}
	_ = tx.Rollback(s.ctx) // the driver may have done so
	s.expect(0, "none")
	equal(s.t, s.transactions(), 0)
}

// Another transaction holds Bob's balance until the posting that waits for it has been cancelled.
func cancelWhenItWaits(s *shop, cancel func()) {
	holder := s.begin()
	must[[]cala.BalanceKey](s.t)(holder.In(s.ledger).LockAccounts(s.ctx, s.key(s.bob)))
	go func() {
		defer cancel()
		for {
			waiting, err := s.db.Number(s.ctx, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "+
				"AND datname = current_database()")
			if err != nil || waiting > 0 {
				return
			}
		}
	}()
}

func retryRunsTheWholeTransactionAgain(s *shop) {
	attempts := 0
	err := cala.Retrying(s.ctx, func(ctx context.Context) error {
		attempts++
		tx, err := s.db.Begin(ctx, beginOptions{isolation: s.level(sql.LevelRepeatableRead)})
		if err != nil {
			return err
		}
		defer tx.Rollback(ctx)
		if _, err := tx.Number(ctx, "SELECT count(*) FROM "+s.orders); err != nil { // from here on it sees the past
			return err
		}
		if attempts == 1 {
			must[*cala.Posted](s.t)(s.post(ctx, &s.ledger.Operations, "1"))
		}
		if _, err := s.post(ctx, &tx.In(s.ledger).Operations, "2", cala.WithID(postingID)); err != nil {
			if attempts > 1 || !cala.LostRace(err) {
				s.t.Errorf("attempt %d: %s", attempts, describe(err))
			}
			return err
		}
		if err := s.orderIn(tx); err != nil {
			return err
		}
		return tx.Commit(ctx)
	})
	check(s.t, err)
	equal(s.t, attempts, 2)
	s.expect(1, "3")
}

// SQLite has one level only, and its drivers refuse to be asked for others.
func (s *shop) level(level sql.IsolationLevel) sql.IsolationLevel {
	if s.sqlite() {
		return sql.LevelDefault
	}
	return level
}

func readingInsideSeesItOutsideDoesNot(s *shop) {
	tx := s.begin()
	inside := tx.In(s.ledger)
	must[*cala.Posted](s.t)(s.post(s.ctx, &inside.Operations, "4"))
	equal(s.t, s.net(s.t, s.ctx, &inside.Operations, s.bob), "4")
	equal(s.t, s.net(s.t, s.ctx, &s.ledger.Operations, s.bob), "none")
	check(s.t, tx.Commit(s.ctx))
	equal(s.t, s.net(s.t, s.ctx, &s.ledger.Operations, s.bob), "4")
}

func readOnlyIsRefused(s *shop) {
	options := beginOptions{readOnly: true}
	if s.sqlite() {
		s.db = s.adapter.open(s.t, s.store, true)
		options.readOnly = false
	}
	tx := s.begin(options)
	_, err := s.post(s.ctx, &tx.In(s.ledger).Operations, "4")
	expectError(s.t, err, cala.ErrPermission, "store.read_only")
	check(s.t, tx.Rollback(s.ctx))
	s.expect(0, "none")
}

func aTransactionThatIsOverIsTold(s *shop) {
	tx := s.begin()
	check(s.t, tx.Commit(s.ctx))
	_, err := s.post(s.ctx, &tx.In(s.ledger).Operations, "4")
	expectError(s.t, err, cala.ErrMisuse, "transaction.none")
	equal(s.t, errors.Is(err, sql.ErrTxDone), true)
	s.expect(0, "none")
}

func everyOperationWorksInside(s *shop) {
	tx := s.begin()
	inside := tx.In(s.ledger)
	useEverything(s.t, s.ctx, &inside.Operations)
	keys := must[[]cala.BalanceKey](s.t)(inside.LockAccounts(s.ctx, s.key(s.bob), s.key(s.alice), s.key(s.bob)))
	equal(s.t, len(keys), 2)
	check(s.t, tx.Commit(s.ctx))
}
