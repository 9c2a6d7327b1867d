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
// Errors: ErrNotFound (balance.not_found), ErrInvalid (currency.unknown).
func (o *Operations) BalanceAtVersion(ctx context.Context, key BalanceKey, version int64) (*Balance, error) {
	return call[Balance](ctx, o, raw.BalanceAt, BalanceAtRequest{BalanceKey: key, Version: &version})
}

// BalanceAtTime gives a balance as it had been written at an instant, to the microsecond.
//
// Errors: ErrNotFound (balance.not_found), ErrInvalid (currency.unknown).
func (o *Operations) BalanceAtTime(ctx context.Context, key BalanceKey, recordedAt time.Time) (*Balance, error) {
	return call[Balance](ctx, o, raw.BalanceAt, BalanceAtRequest{BalanceKey: key, RecordedAt: recordedAt})
}
