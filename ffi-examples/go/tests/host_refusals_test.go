package tests

import (
	"errors"

	"libcala.dev/cala"
)

func rejectionLeavesTheTransactionUsable(s *shop) {
	tx := s.begin()
	s.order(tx)
	inside := tx.In(s.ledger)
	lopsided := s.transfer(s.alice, s.bob, "1")
	lopsided["credit"] = "2"
	_, err := inside.Post(s.ctx, "LOPSIDED", lopsided)
	equal(s.t, expectError(s.t, err, cala.ErrRejected, "posting.unbalanced").TxState, cala.TxUsable)
	_, err = inside.Post(s.ctx, "TRANSFER", s.transfer(s.alice, s.carol, "1"))
	failure := expectError(s.t, err, cala.ErrRejected, "account.locked")
	equal(s.t, failure.TxState, cala.TxUsable)
	equal(s.t, failure.Detail("account_id"), s.carol)
	equal(s.t, errors.Is(err, cala.ErrRejected), true)
	must[*cala.Posted](s.t)(s.post(s.ctx, &inside.Operations, "2"))
	check(s.t, tx.Commit(s.ctx))
	s.expect(1, "2")
}

// A taken code is answered without an SQL error, with every store.
func takenCodeLeavesTheTransactionUsable(s *shop) {
	tx := s.begin()
	s.order(tx)
	_, err := tx.In(s.ledger).CreateAccount(s.ctx, cala.NewAccount{Code: "BOB", Name: "Another"})
	failure := expectError(s.t, err, cala.ErrConflict, "account.exists")
	equal(s.t, failure.Detail("column"), "code")
	equal(s.t, failure.TxState, cala.TxUsable)
	must[*cala.Posted](s.t)(s.post(s.ctx, &tx.In(s.ledger).Operations, "1"))
	check(s.t, tx.Commit(s.ctx))
	s.expect(1, "1")
}

// postBehindALock posts to Bob while another transaction holds his balance for longer than lock_timeout.
func postBehindALock(s *shop, tx transaction, options ...cala.TxOption) *cala.Error {
	s.t.Helper()
	holder := s.begin()
	must[[]cala.BalanceKey](s.t)(holder.In(s.ledger).LockAccounts(s.ctx, s.key(s.bob)))
	check(s.t, tx.Exec(s.ctx, "SET LOCAL lock_timeout = '20ms'"))
	_, err := s.post(s.ctx, &tx.In(s.ledger, options...).Operations, "1")
	failure := expectError(s.t, err, cala.ErrBusy, "store.lock_timeout")
	equal(s.t, failure.SQLState, "55P03")
	equal(s.t, errors.Unwrap(failure) != nil, true)
	check(s.t, holder.Rollback(s.ctx))
	return failure
}

// postIntoARefusal posts while the database refuses every new entry.
func postIntoARefusal(s *shop, tx transaction, options ...cala.TxOption) *cala.Error {
	s.t.Helper()
	check(s.t, tx.Exec(s.ctx, "CREATE TRIGGER refuse BEFORE INSERT ON cala_entries BEGIN SELECT RAISE(ABORT, "+
		"'refused'); END"))
	_, err := s.post(s.ctx, &tx.In(s.ledger, options...).Operations, "1")
	failure := expectError(s.t, err, cala.ErrInternal, "store.refused")
	equal(s.t, errors.Unwrap(failure) != nil, true)
	check(s.t, tx.Exec(s.ctx, "DROP TRIGGER refuse"))
	return failure
}

func sqlErrorAbortsTheTransaction(s *shop) {
	if s.sqlite() {
		takenCodeLeavesTheTransactionUsable(s)
		return
	}
	tx := s.begin()
	s.order(tx)
	equal(s.t, postBehindALock(s, tx).TxState, cala.TxAborted)
	_, err := s.post(s.ctx, &tx.In(s.ledger).Operations, "1")
	expectError(s.t, err, cala.ErrMisuse, "transaction.aborted")
	if err := s.orderIn(tx); err == nil {
		s.t.Fatal("the transaction went on")
	}
	check(s.t, tx.Rollback(s.ctx))
	s.expect(0, "none")
}

func sqlErrorBehindASavepointLeavesItUsable(s *shop) {
	tx := s.begin()
	s.order(tx)
	if s.sqlite() {
		equal(s.t, postIntoARefusal(s, tx).TxState, cala.TxAborted)
		equal(s.t, postIntoARefusal(s, tx, cala.WithSavepoints()).TxState, cala.TxUsable)
	} else {
		equal(s.t, postBehindALock(s, tx, cala.WithSavepoints()).TxState, cala.TxUsable)
	}
	must[*cala.Posted](s.t)(s.post(s.ctx, &tx.In(s.ledger, cala.WithSavepoints()).Operations, "3"))
	s.order(tx)
	check(s.t, tx.Commit(s.ctx))
	s.expect(2, "3")
}
