package cala

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"libcala.dev/cala/raw"
)

// Direction is a side of an entry, or the side on which an account's balance normally is.
type Direction string

// The two directions.
const (
	Debit  Direction = "debit"
	Credit Direction = "credit"
)

// State says whether an account or journal takes postings.
type State string

// The two states.
const (
	Active State = "active"
	Locked State = "locked"
)

// Account is an account of the ledger.
type Account struct {
	ID                string          `json:"id"`
	Version           int64           `json:"version"`
	Code              string          `json:"code"`
	Name              string          `json:"name"`
	ExternalID        string          `json:"external_id,omitempty"`
	NormalBalanceType Direction       `json:"normal_balance_type"`
	Status            State           `json:"status"`
	Description       string          `json:"description,omitempty"`
	Metadata          json.RawMessage `json:"metadata,omitempty"`
	BalanceRollup     string          `json:"balance_rollup"`
	CreatedAt         time.Time       `json:"created_at"`
	ModifiedAt        time.Time       `json:"modified_at"`
}

// NewAccount is an account to be created. Code and Name are needed; Code and ExternalID are unique in the ledger.
type NewAccount struct {
	// ID is a UUID; one is made when it is left out.
	ID         string `json:"id,omitempty"`
	Code       string `json:"code"`
	Name       string `json:"name"`
	ExternalID string `json:"external_id,omitempty"`
	// NormalBalanceType is Credit when it is left out.
	NormalBalanceType Direction `json:"normal_balance_type,omitempty"`
	// Status is Active when it is left out.
	Status        State           `json:"status,omitempty"`
	Description   string          `json:"description,omitempty"`
	Metadata      json.RawMessage `json:"metadata,omitempty"`
	BalanceRollup string          `json:"balance_rollup,omitempty"`
}

// AccountUpdate says what changes in an account: see [Set] and [Clear].
type AccountUpdate struct {
	Code              Change[string]          `json:"code,omitzero"`
	Name              Change[string]          `json:"name,omitzero"`
	ExternalID        Change[string]          `json:"external_id,omitzero"`
	NormalBalanceType Change[Direction]       `json:"normal_balance_type,omitzero"`
	Description       Change[string]          `json:"description,omitzero"`
	Metadata          Change[json.RawMessage] `json:"metadata,omitzero"`
}

// AccountFilter says which accounts are listed, and the page.
type AccountFilter struct {
	PageRequest
	CodePrefix string `json:"code_prefix,omitempty"`
	Status     State  `json:"status,omitempty"`
}

// Key names one thing by what is unique: see [ByID], [ByCode], [ByExternalID].
type Key struct {
	ID         string `json:"id,omitempty"`
	Code       string `json:"code,omitempty"`
	ExternalID string `json:"external_id,omitempty"`
}

// ByID is the key of what has this id.
func ByID(id string) Key { return Key{ID: id} }

// ByCode is the key of the account, journal or tx template that has this code.
func ByCode(code string) Key { return Key{Code: code} }

// ByExternalID is the key of the account or transaction that has this external id.
func ByExternalID(id string) Key { return Key{ExternalID: id} }

type idRequest struct {
	ID string `json:"id"`
}

type idsRequest struct {
	IDs []string `json:"ids"`
}

type accounts struct {
	Accounts []Account `json:"accounts"`
}

func (a *accounts) items() []Account { return a.Accounts }

// CreateAccount creates an account. Errors: ErrConflict (account.exists; Details column: id, code or external_id).
func (o *Operations) CreateAccount(ctx context.Context, account NewAccount) (*Account, error) {
	return call[Account](ctx, o, raw.AccountCreate, account)
}

// CreateAccounts creates accounts, 10,000 at most, all or none, and gives them in the same order.
// Errors: ErrConflict (account.exists; Details column and index).
func (o *Operations) CreateAccounts(ctx context.Context, all []NewAccount) ([]Account, error) {
	request := struct {
		Accounts []NewAccount `json:"accounts"`
	}{list(all)}
	return callFor(ctx, o, raw.AccountCreateMany, request, (*accounts).items)
}

// FindAccount finds an account by id, code or external id. Errors: ErrNotFound (account.not_found).
func (o *Operations) FindAccount(ctx context.Context, key Key) (*Account, error) {
	return call[Account](ctx, o, raw.AccountFind, key)
}

// FindAccounts finds accounts, 10,000 at most, in the order asked; missing ones are left out.
func (o *Operations) FindAccounts(ctx context.Context, ids []string) ([]Account, error) {
	return callFor(ctx, o, raw.AccountFindMany, idsRequest{list(ids)}, (*accounts).items)
}

// Accounts goes through accounts by code.
func (o *Operations) Accounts(ctx context.Context, filter AccountFilter) iter.Seq2[Account, error] {
	return pages(func(after string) (*Page[Account], error) {
		filter.After = after
		return o.AccountsPage(ctx, filter)
	}, filter.After)
}

// AccountsPage gives one page of accounts by code.
func (o *Operations) AccountsPage(ctx context.Context, filter AccountFilter) (*Page[Account], error) {
	return call[Page[Account]](ctx, o, raw.AccountList, filter)
}

// UpdateAccount changes an account; its version is one higher when anything changed. A new normal balance type changes the sign in
// which balances are shown, past ones too. Errors: ErrNotFound (account.not_found), ErrConflict (account.exists, account.changed).
func (o *Operations) UpdateAccount(ctx context.Context, id string, update AccountUpdate) (*Account, error) {
	request := struct {
		idRequest
		AccountUpdate
	}{idRequest{id}, update}
	return call[Account](ctx, o, raw.AccountUpdate, request)
}

// LockAccount locks an account: postings to it are rejected until it is unlocked. Locking twice is fine.
// Errors: ErrNotFound (account.not_found), ErrConflict (account.changed).
func (o *Operations) LockAccount(ctx context.Context, id string) (*Account, error) {
	return call[Account](ctx, o, raw.AccountLock, idRequest{id})
}

// UnlockAccount unlocks an account. Errors as for LockAccount.
func (o *Operations) UnlockAccount(ctx context.Context, id string) (*Account, error) {
	return call[Account](ctx, o, raw.AccountUnlock, idRequest{id})
}
