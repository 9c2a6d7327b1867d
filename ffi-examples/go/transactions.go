package cala

import (
	"context"

	"libcala.dev/cala/raw"
)

// Params are the params of a posting by name. Decimals, UUIDs, dates and timestamps are strings: a float, which cannot
// hold every amount, is refused wherever it is in them: ErrInvalid param.type.
type Params = map[string]any

// PostOption is a setting of one posting.
type PostOption func(*Posting)

// WithID gives the transaction its id, a UUID. Posting the same id again is safe: it answers with the first result.
func WithID(id string) PostOption { return func(posting *Posting) { posting.ID = id } }

// Post posts a transaction with the tx template of that code. Debits and credits must agree in each currency and layer.
//
// Errors: ErrNotFound (tx_template.not_found, journal.not_found, account.not_found), ErrInvalid (cel.eval, cel.coerce,
// param.missing, param.unknown, param.type, param.range, currency.unknown, amount.range, amount.scale), ErrRejected
// (posting.unbalanced, journal.locked, journal.closed, account.locked, account.is_set, account.below_min,
// account.above_max, velocity.exceeded), ErrConflict (transaction.replay_differs, transaction.exists, balance.changed).
func (o *Operations) Post(ctx context.Context, txTemplateCode string, params Params, options ...PostOption) (*Posted,
	error) {
	posting := Posting{TxTemplateCode: txTemplateCode, Params: params}
	for _, option := range options {
		option(&posting)
	}
	return call[Posted](ctx, o, raw.TransactionPost, posting)
}

// PostMany posts several transactions, 10,000 at most, all or none, as if one after the other.
// Errors as for Post, with [Error].PostingIndex.
func (o *Operations) PostMany(ctx context.Context, postings []Posting) ([]Posted, error) {
	return callFor(ctx, o, raw.TransactionPostMany, TransactionPostManyRequest{list(postings)},
		func(result *TransactionPostManyResult) []Posted { return result.Results })
}

// FindTransactions finds transactions by their ids, in the order asked; missing ones are left out. 10,000 at most.
func (o *Operations) FindTransactions(ctx context.Context, ids []string) ([]Transaction, error) {
	return findTransactions(ctx, o, idsRequest{list(ids)})
}

// FindTransactionsByExternalID finds transactions by their external ids, in the order asked; missing ones are left out.
// 10,000 at most.
func (o *Operations) FindTransactionsByExternalID(ctx context.Context, externalIDs []string) ([]Transaction, error) {
	return findTransactions(ctx, o, struct {
		ExternalIDs []string `json:"external_ids"`
	}{list(externalIDs)})
}

func findTransactions(ctx context.Context, o *Operations, request any) ([]Transaction, error) {
	return callFor(ctx, o, raw.TransactionFindMany, request,
		func(result *TransactionFindManyResult) []Transaction { return result.Transactions })
}
