package cala

import (
	"context"
	"iter"
	"time"

	"libcala.dev/cala/raw"
)

// BalanceKey names a balance: an account's, in a journal and a currency.
type BalanceKey struct {
	JournalID string `json:"journal_id"`
	AccountID string `json:"account_id"`
	Currency  string `json:"currency"`
}

// LayerBalance is what one layer of a balance sums up to. Amounts are decimals.
type LayerBalance struct {
	// Debit and Credit are sums, never netted.
	Debit  string `json:"debit"`
	Credit string `json:"credit"`
	// Net is signed by the account's normal balance type.
	Net string `json:"net"`
	// EntryID is the entry that moved the layer last; "" when none has.
	EntryID    string    `json:"entry_id,omitempty"`
	ModifiedAt time.Time `json:"modified_at"`
}

// Available is what is available on each layer, signed by the normal balance type: Settled; Settled + Pending; Settled + Pending +
// Encumbrance.
type Available struct {
	Settled     string `json:"settled"`
	Pending     string `json:"pending"`
	Encumbrance string `json:"encumbrance"`
}

// Balance is a balance, or one of its versions.
type Balance struct {
	BalanceKey
	// Version counts the entries that moved it.
	Version           int64        `json:"version"`
	CreatedAt         time.Time    `json:"created_at"`
	ModifiedAt        time.Time    `json:"modified_at"`
	EntryID           string       `json:"entry_id"`
	NormalBalanceType Direction    `json:"normal_balance_type"`
	Settled           LayerBalance `json:"settled"`
	Pending           LayerBalance `json:"pending"`
	Encumbrance       LayerBalance `json:"encumbrance"`
	Available         Available    `json:"available"`
}

// BalanceFilter says which balances are listed, and the page. Both fields are needed.
type BalanceFilter struct {
	PageRequest
	JournalID  string   `json:"journal_id"`
	AccountIDs []string `json:"account_ids"`
}

type balanceKeys struct {
	Keys []BalanceKey `json:"keys"`
}

// FindBalance finds a balance. Errors: ErrNotFound (balance.not_found, also when the account has no entry yet).
func (o *Operations) FindBalance(ctx context.Context, key BalanceKey) (*Balance, error) {
	return call[Balance](ctx, o, raw.BalanceFind, key)
}

// FindBalances finds balances, 10,000 at most, in the order asked; missing ones are left out.
func (o *Operations) FindBalances(ctx context.Context, keys []BalanceKey) ([]Balance, error) {
	type balances struct {
		Balances []Balance `json:"balances"`
	}
	return callFor(ctx, o, raw.BalanceFindMany, balanceKeys{list(keys)}, func(b *balances) []Balance { return b.Balances })
}

// Balances goes through balances by account id and currency.
func (o *Operations) Balances(ctx context.Context, filter BalanceFilter) iter.Seq2[Balance, error] {
	return pages(func(after string) (*Page[Balance], error) {
		filter.After = after
		return o.BalancesPage(ctx, filter)
	}, filter.After)
}

// BalancesPage gives one page of balances by account id and currency.
func (o *Operations) BalancesPage(ctx context.Context, filter BalanceFilter) (*Page[Balance], error) {
	filter.AccountIDs = list(filter.AccountIDs)
	return call[Page[Balance]](ctx, o, raw.BalanceList, filter)
}

// BalanceHistory goes through every version of a balance.
func (o *Operations) BalanceHistory(ctx context.Context, key BalanceKey, page PageRequest) iter.Seq2[Balance, error] {
	return pages(func(after string) (*Page[Balance], error) {
		page.After = after
		return o.BalanceHistoryPage(ctx, key, page)
	}, page.After)
}

// BalanceHistoryPage gives one page of the versions of a balance.
func (o *Operations) BalanceHistoryPage(ctx context.Context, key BalanceKey, page PageRequest) (*Page[Balance], error) {
	request := struct {
		BalanceKey
		PageRequest
	}{key, page}
	return call[Page[Balance]](ctx, o, raw.BalanceHistory, request)
}

// BalanceAtVersion gives a version of a balance. Errors: ErrNotFound (balance.not_found).
func (o *Operations) BalanceAtVersion(ctx context.Context, key BalanceKey, version int64) (*Balance, error) {
	request := struct {
		BalanceKey
		Version int64 `json:"version"`
	}{key, version}
	return call[Balance](ctx, o, raw.BalanceAt, request)
}

// BalanceAtTime gives a balance as it had been written at an instant, to the microsecond. Errors: ErrNotFound (balance.not_found).
func (o *Operations) BalanceAtTime(ctx context.Context, key BalanceKey, recordedAt time.Time) (*Balance, error) {
	request := struct {
		BalanceKey
		RecordedAt *string `json:"recorded_at"`
	}{key, instant(recordedAt)}
	return call[Balance](ctx, o, raw.BalanceAt, request)
}
