package cala

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"regexp"
	"slices"
	"time"
)

// Expected is a transaction that the program expects in the ledger, by its external id.
// What is given besides is compared.
type Expected struct {
	ExternalID     string
	TxTemplateCode string
	JournalID      string
	Effective      string
	CorrelationID  string
	Description    string
	// What is debited in it, in all layers, by currency: {"USD": "10.00"}. Not compared when nil.
	Amounts map[string]string
	// The program's own; it is handed on and not looked at.
	Row any
}

// ReconcilePlace is how far reconciling has come: to be kept by the program, as JSON for example.
type ReconcilePlace struct {
	// The external id of the last row that was compared.
	Row string `json:"row,omitempty"`
	// The cursor behind the last transaction of the ledger that was looked up.
	Transaction string `json:"transaction,omitempty"`
}

// Reconciliation is what [Ledger.Reconcile] walks.
type Reconciliation struct {
	// What the program expects, in an order of its own: what is behind the one with the external id after, or all ("").
	// Each is looked up in the ledger.
	Rows func(ctx context.Context, after string) iter.Seq2[Expected, error]
	// Which of these the program knows. With it the ledger's transactions are looked up in the program in turn; those
	// without an external id are not.
	Known func(ctx context.Context, externalIDs []string) ([]string, error)
	// The posting of one that is missing, which is then posted, or nil to leave it.
	Replay func(ctx context.Context, expected Expected) (*Posting, error)
	// That of an earlier page, to go on behind it.
	Place ReconcilePlace
	// How many rows, or transactions, are looked up at once, 1 to 1000. Default 500.
	PageSize int64
	// Only transactions that were recorded by then must be known: younger ones may be under way.
	RecordedBy time.Time
	// Only these transactions must be known.
	JournalID, TxTemplateID, AccountID, CorrelationID string
}

// Differing is a transaction that is not as the program expects it, with the names of the fields of [Expected];
// VoidedBy when it has been taken back.
type Differing struct {
	Expected    Expected
	Transaction Transaction
	Fields      []string
}

// NotReplayed is a missing transaction that the ledger did not take.
type NotReplayed struct {
	Expected Expected
	Err      *Error
}

// Reconciled is what came of one page.
type Reconciled struct {
	// How many rows, or transactions, it had.
	Checked int
	// What the ledger has not; with Replay: had not.
	Missing   []Expected
	Differing []Differing
	// What the ledger has and the program does not know; not what has been voided.
	Extra []Transaction
	// What was posted of the missing, and what was refused.
	Replayed []Posted
	Refused  []NotReplayed
	// Where to go on behind this page.
	Place ReconcilePlace
}

const entriesAtOnce = 10_000

// Reconcile walks what the program has against the ledger, page by page; a page is all that is in memory. What fails
// ends it.
//
// Errors: ErrInvalid (request.malformed), those of the lists and of what is posted,
// and what Rows, Known and Replay give.
func (l *Ledger) Reconcile(ctx context.Context, of Reconciliation) iter.Seq2[Reconciled, error] {
	return func(yield func(Reconciled, error) bool) {
		w := reconciling{l, of, of.Place}
		if w.of.PageSize == 0 {
			w.of.PageSize = 500
		}
		if w.of.PageSize < 1 || w.of.PageSize > 1000 {
			yield(Reconciled{}, newError(ErrInvalid, "request.malformed", "PageSize must be 1 to 1000"))
			return
		}
		if of.Rows == nil {
			yield(Reconciled{}, newError(ErrInvalid, "request.malformed", "Rows is needed"))
			return
		}
		if w.rows(ctx, yield) && of.Known != nil {
			w.transactions(ctx, yield)
		}
	}
}

type reconciling struct {
	ledger *Ledger
	of     Reconciliation
	place  ReconcilePlace
}

// Compares the program's rows; false when it is over.
func (w *reconciling) rows(ctx context.Context, yield func(Reconciled, error) bool) bool {
	var rows []Expected
	give := func() bool {
		page, err := w.compare(ctx, rows)
		rows = nil
		return yield(page, err) && err == nil
	}
	for row, err := range w.of.Rows(ctx, w.place.Row) {
		if err == nil {
			err = row.check()
		}
		if err != nil {
			yield(Reconciled{}, err)
			return false
		}
		if rows = append(rows, row); int64(len(rows)) == w.of.PageSize && !give() {
			return false
		}
	}
	return len(rows) == 0 || give()
}

// What Rat reads besides, "1/2" and "0x10", is no amount.
var amountText = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

func (e Expected) check() error {
	if e.ExternalID == "" {
		return newError(ErrInvalid, "request.malformed", "what is expected of a transaction needs an ExternalID")
	}
	for currency, text := range e.Amounts {
		if !amountText.MatchString(text) {
			return newError(ErrInvalid, "request.malformed",
				fmt.Sprintf("what is expected of a transaction has the amount %q in %q, and must have one as \"10.00\"", text,
					currency))
		}
	}
	return nil
}

func (w *reconciling) compare(ctx context.Context, rows []Expected) (Reconciled, error) {
	page := Reconciled{Checked: len(rows), Place: w.place}
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.ExternalID
	}
	found, err := w.ledger.FindTransactionsByExternalID(ctx, ids)
	if err != nil {
		return page, err
	}
	there := map[string]*Transaction{}
	for i := range found {
		there[found[i].ExternalID] = &found[i]
	}
	debited, err := w.debits(ctx, rows, there)
	if err != nil {
		return page, err
	}
	for _, row := range rows {
		transaction := there[row.ExternalID]
		if transaction == nil {
			page.Missing = append(page.Missing, row)
			continue
		}
		if fields := row.differences(transaction, debited[transaction.ID]); len(fields) > 0 {
			page.Differing = append(page.Differing, Differing{row, *transaction, fields})
		}
	}
	if w.of.Replay != nil {
		for _, row := range page.Missing {
			if err := w.replay(ctx, row, &page); err != nil {
				return page, err
			}
		}
	}
	w.place.Row = rows[len(rows)-1].ExternalID
	page.Place = w.place
	return page, nil
}

// What is debited by currency, of the transactions whose amounts are compared.
func (w *reconciling) debits(ctx context.Context, rows []Expected,
	there map[string]*Transaction) (map[string]map[string]*big.Rat, error) {
	var ids []string
	seen := map[string]bool{}
	for _, row := range rows {
		if transaction := there[row.ExternalID]; row.Amounts != nil && transaction != nil && !seen[row.ExternalID] {
			seen[row.ExternalID] = true
			ids = append(ids, transaction.EntryIDs...)
		}
	}
	debited := map[string]map[string]*big.Rat{}
	for len(ids) > 0 {
		count := min(len(ids), entriesAtOnce)
		entries, err := w.ledger.FindEntries(ctx, ids[:count])
		if err != nil {
			return nil, err
		}
		ids = ids[count:]
		for _, entry := range entries {
			units, ok := new(big.Rat).SetString(entry.Units)
			if entry.Direction != Debit || !ok {
				continue
			}
			sums := debited[entry.TransactionID]
			if sums == nil {
				sums = map[string]*big.Rat{}
				debited[entry.TransactionID] = sums
			}
			if sums[entry.Currency] == nil {
				sums[entry.Currency] = new(big.Rat)
			}
			sums[entry.Currency].Add(sums[entry.Currency], units)
		}
	}
	return debited, nil
}

func (e Expected) differences(transaction *Transaction, debited map[string]*big.Rat) (fields []string) {
	for _, one := range []struct{ name, expected, is string }{
		{"TxTemplateCode", e.TxTemplateCode, transaction.TxTemplateCode}, {"JournalID", e.JournalID, transaction.JournalID},
		{"Effective", e.Effective, transaction.Effective}, {"CorrelationID", e.CorrelationID, transaction.CorrelationID},
		{"Description", e.Description, transaction.Description},
	} {
		if one.expected != "" && one.expected != one.is {
			fields = append(fields, one.name)
		}
	}
	if transaction.VoidedBy != "" {
		fields = append(fields, "VoidedBy")
	}
	if e.Amounts == nil {
		return fields
	}
	same := len(e.Amounts) == len(debited)
	for currency, text := range e.Amounts {
		amount, _ := new(big.Rat).SetString(text)
		same = same && debited[currency] != nil && debited[currency].Cmp(amount) == 0
	}
	if !same {
		fields = append(fields, "Amounts")
	}
	return fields
}

// Posts what is missing, after a look at whether it would have its external id: else it were missing for ever.
func (w *reconciling) replay(ctx context.Context, expected Expected, page *Reconciled) error {
	posting, err := w.of.Replay(ctx, expected)
	if err != nil || posting == nil {
		return err
	}
	posted, err := w.post(ctx, expected, *posting)
	var failure *Error
	switch {
	case err == nil:
		page.Replayed = append(page.Replayed, *posted)
	case errors.As(err, &failure) && !failure.Retryable && failure.isRefusal():
		page.Refused = append(page.Refused, NotReplayed{expected, failure})
	default:
		return err
	}
	return nil
}

func (e *Error) isRefusal() bool {
	return e.Status == ErrInvalid || e.Status == ErrNotFound || e.Status == ErrConflict || e.Status == ErrRejected
}

func (w *reconciling) post(ctx context.Context, expected Expected, posting Posting) (*Posted, error) {
	seen, err := w.ledger.PreviewTransaction(ctx, posting)
	if err != nil {
		return nil, err
	}
	if seen.WouldPost && seen.Transaction.ExternalID != expected.ExternalID {
		return nil, fmt.Errorf("cala: the posting of %q has the external id %q", expected.ExternalID,
			seen.Transaction.ExternalID)
	}
	return w.ledger.Post(ctx, posting.TxTemplateCode, posting.Params, WithID(posting.ID))
}

// The other way round: what the ledger has, in the order in which it was posted.
func (w *reconciling) transactions(ctx context.Context, yield func(Reconciled, error) bool) {
	for more := true; more; {
		listed, err := w.recorded(ctx)
		page := Reconciled{Place: w.place}
		if err == nil {
			page.Checked = len(listed.Items)
			page.Extra, err = w.unknown(ctx, listed.Items)
		}
		if err != nil {
			yield(page, err)
			return
		}
		if listed.EndCursor != "" {
			w.place.Transaction = listed.EndCursor
			page.Place = w.place
		}
		more = listed.HasNextPage
		if page.Checked > 0 && !yield(page, nil) {
			return
		}
	}
}

func (w *reconciling) unknown(ctx context.Context, items []Transaction) (extra []Transaction, err error) {
	items = slices.DeleteFunc(slices.Clone(items), func(item Transaction) bool {
		return item.ExternalID == "" || item.VoidedBy != "" || item.VoidOf != ""
	})
	var ids []string
	for _, item := range items {
		ids = append(ids, item.ExternalID)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := w.of.Known(ctx, ids)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, id := range found {
		known[id] = true
	}
	for _, item := range items {
		if !known[item.ExternalID] {
			extra = append(extra, item)
		}
	}
	return extra, nil
}

// A page, which ends before the first that is younger than asked.
func (w *reconciling) recorded(ctx context.Context) (*Page[Transaction], error) {
	filter := TransactionFilter{JournalID: w.of.JournalID, TxTemplateID: w.of.TxTemplateID, AccountID: w.of.AccountID,
		CorrelationID: w.of.CorrelationID, Stable: true}
	filter.First, filter.After = w.of.PageSize, w.place.Transaction
	listed, err := w.ledger.TransactionsPage(ctx, filter)
	if err != nil || w.of.RecordedBy.IsZero() {
		return listed, err
	}
	for count, item := range listed.Items {
		if !item.CreatedAt.After(w.of.RecordedBy) {
			continue
		}
		listed = new(Page[Transaction])
		if count > 0 {
			filter.First = int64(count)
			if listed, err = w.ledger.TransactionsPage(ctx, filter); err != nil {
				return nil, err
			}
		}
		listed.HasNextPage = false
		break
	}
	return listed, nil
}
