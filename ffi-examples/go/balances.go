package cala

import (
	"context"
	"iter"
	"time"

	"libcala.dev/cala/raw"
)

// BalanceHistory goes through every version of a balance, by version.
//
// Errors: ErrInvalid (currency.unknown).
func (o *Operations) BalanceHistory(ctx context.Context, key BalanceKey, page PageRequest) iter.Seq2[Balance, error] {
	return pages(func(after string) (*Page[Balance], error) {
		page.After = after
		return o.BalanceHistoryPage(ctx, key, page)
	}, page.After)
}

// BalanceHistoryPage gives one page of what [Operations.BalanceHistory] goes through.
//
// Errors: ErrInvalid (currency.unknown).
func (o *Operations) BalanceHistoryPage(ctx context.Context, key BalanceKey, page PageRequest) (*Page[Balance], error) {
	return call[Page[Balance]](ctx, o, raw.BalanceHistory, BalanceHistoryRequest{page, key})
}

// BalanceAtVersion gives a version of a balance.
//
// Errors: ErrNotFound (balance.not_found), ErrInvalid (currency.unknown); by effective date
// ([Operations.BalanceAtDate]) also ErrInvalid (amount.range), ErrRejected (journal.no_effective_balances).
func (o *Operations) BalanceAtVersion(ctx context.Context, key BalanceKey, version int64) (*Balance, error) {
	return call[Balance](ctx, o, raw.BalanceAt, BalanceAtRequest{BalanceKey: key, Version: &version})
}

// BalanceAtTime gives a balance as it had been written at an instant, to the microsecond.
//
// Errors: ErrNotFound (balance.not_found), ErrInvalid (currency.unknown); by effective date
// ([Operations.BalanceAtDate]) also ErrInvalid (amount.range), ErrRejected (journal.no_effective_balances).
func (o *Operations) BalanceAtTime(ctx context.Context, key BalanceKey, recordedAt time.Time) (*Balance, error) {
	return call[Balance](ctx, o, raw.BalanceAt, BalanceAtRequest{BalanceKey: key, RecordedAt: recordedAt})
}

// BalanceAtDate gives what a balance's entries up to the end of an effective date (YYYY-MM-DD) add up to, whenever they
// were posted, in a journal with effective balances.
//
// Errors: ErrNotFound (balance.not_found), ErrRejected (journal.no_effective_balances),
// ErrInvalid (currency.unknown, amount.range).
func (o *Operations) BalanceAtDate(ctx context.Context, key BalanceKey, effective string) (*Balance, error) {
	return call[Balance](ctx, o, raw.BalanceAt, BalanceAtRequest{BalanceKey: key, Effective: effective})
}

// AccountStatement gives a page of the statement of an account or an account set in one layer.
//
// Errors: ErrNotFound (account.not_found), ErrRejected (journal.no_effective_balances), ErrInvalid (currency.unknown,
// request.malformed, amount.range).
func (o *Operations) AccountStatement(ctx context.Context, request AccountStatementRequest) (*Statement, error) {
	return call[Statement](ctx, o, raw.AccountStatement, request)
}

// TrialBalance gives a page of what the accounts of a journal, or those below an account set, have in one layer.
//
// Errors: ErrNotFound (journal.not_found, account_set.not_found), ErrRejected (journal.no_effective_balances),
// ErrInvalid (currency.unknown, amount.range).
func (o *Operations) TrialBalance(ctx context.Context, request TrialBalanceRequest) (*TrialBalance, error) {
	return call[TrialBalance](ctx, o, raw.TrialBalance, request)
}
