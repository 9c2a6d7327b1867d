// Post first, reconcile: the program posts, then writes its own row.
// What a crash leaves in between is found and mended.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"strings"

	"libcala.dev/cala"
	"libcala.dev/cala/samples/sample"
)

type shop struct {
	sample.Ledger
	payments string // the table, which outlives a run on a store that does
	isSQLite bool
}

func main() {
	ctx := context.Background()
	store := "sqlite::memory:"
	if len(os.Args) > 1 {
		store = os.Args[1]
	}
	ledger := sample.Open(ctx, store)
	defer ledger.Close()
	shop := shop{ledger, `"payments` + ledger.Suffix + `"`, strings.HasPrefix(store, "sqlite")}
	journal := ledger.Journal(ctx)
	shop.template(ctx, journal)

	shop.sql(ctx, "CREATE TABLE "+shop.payments+" (external_id text PRIMARY KEY, amount text)")
	for number := range 7 {
		shop.insert(ctx, ledger.Code(fmt.Sprintf("pay%d", number+1)), fmt.Sprintf("%d.00", number+1))
	}
	for _, number := range []int{1, 3, 4, 5, 6, 7, 8} {
		amount := fmt.Sprintf("%d.00", number)
		if number == 5 {
			amount = "50.00"
		}
		posting := shop.posting(ledger.Code(fmt.Sprintf("pay%d", number)), amount)
		sample.Must(ledger.Post(ctx, posting.TxTemplateCode, posting.Params))
	}

	fmt.Println("the first page:")
	walk := cala.Reconciliation{Rows: shop.rows, Known: shop.known, JournalID: journal, PageSize: 3}
	var kept []byte
	for page, err := range ledger.Reconcile(ctx, walk) {
		shop.show(sample.Must(page, err))
		kept = sample.Must(json.Marshal(page.Place))
		break
	}
	fmt.Println("and on from there, in another process:")
	sample.Check(json.Unmarshal(kept, &walk.Place))
	for page, err := range ledger.Reconcile(ctx, walk) {
		shop.show(sample.Must(page, err))
		for _, transaction := range page.Extra {
			shop.insert(ctx, transaction.ExternalID, "8.00")
		}
	}
	fmt.Println("once more, and what is missing is posted:")
	walk = cala.Reconciliation{Rows: shop.rows, Known: shop.known, JournalID: journal, Replay: shop.replay}
	for page, err := range ledger.Reconcile(ctx, walk) {
		shop.show(sample.Must(page, err))
	}
	fmt.Println("and now:")
	walk.Replay = nil
	for page, err := range ledger.Reconcile(ctx, walk) {
		shop.show(sample.Must(page, err))
	}
}

func (s shop) template(ctx context.Context, journal string) {
	cash, alice := s.Account(ctx, "CASH", "Cash", cala.Debit), s.Account(ctx, "ALICE", "Alice", cala.Credit)
	entry := func(direction, account string) cala.TxTemplateEntry {
		return cala.TxTemplateEntry{EntryType: "'PAYMENT'", AccountID: "uuid('" + account + "')", Layer: "SETTLED",
			Direction: direction, Units: "params.amount", Currency: "'USD'"}
	}
	sample.Must(s.CreateTxTemplate(ctx, cala.NewTxTemplate{
		Code:   s.Code("PAYMENT"),
		Params: []cala.Param{{Name: "external_id", Type: cala.ParamString}, {Name: "amount", Type: cala.ParamDecimal}},
		Transaction: cala.TxTemplateTransaction{Effective: "date()", JournalID: "uuid('" + journal + "')",
			ExternalID: "params.external_id"},
		Entries: []cala.TxTemplateEntry{entry("DEBIT", cash), entry("CREDIT", alice)},
	}))
}

func (s shop) posting(externalID, amount string) cala.Posting {
	return cala.Posting{TxTemplateCode: s.Code("PAYMENT"),
		Params: cala.Params{"external_id": externalID, "amount": amount}}
}

// sql runs a statement with texts for its ?s, in a transaction of its own.
func (s shop) sql(ctx context.Context, text string, values ...string) [][]*string {
	params := make([]any, len(values))
	for i := range values {
		params[i] = values[i]
		if !s.isSQLite {
			text = strings.Replace(text, "?", fmt.Sprintf("$%d", i+1), 1)
		}
	}
	tx := sample.Must(s.Begin(ctx))
	defer tx.Rollback(ctx)
	done := sample.Must(tx.Exec(ctx, text, params...))
	sample.Check(tx.Commit(ctx))
	return done.Rows
}

func (s shop) insert(ctx context.Context, externalID, amount string) {
	s.sql(ctx, "INSERT INTO "+s.payments+" (external_id, amount) VALUES (?, ?)", externalID, amount)
}

// What the program expects, page by page, behind one.
func (s shop) rows(ctx context.Context, after string) iter.Seq2[cala.Expected, error] {
	return func(yield func(cala.Expected, error) bool) {
		for {
			page := s.sql(ctx, "SELECT external_id, amount FROM "+s.payments+
				" WHERE external_id > ? ORDER BY external_id LIMIT 2", after)
			if len(page) == 0 {
				return
			}
			for _, row := range page {
				after = *row[0]
				if !yield(cala.Expected{ExternalID: after, Amounts: map[string]string{"USD": *row[1]}, Row: *row[1]}, nil) {
					return
				}
			}
		}
	}
}

// Those of which the program has a row.
func (s shop) known(ctx context.Context, externalIDs []string) (known []string, err error) {
	places := strings.TrimSuffix(strings.Repeat("?, ", len(externalIDs)), ", ")
	for _, row := range s.sql(ctx, "SELECT external_id FROM "+s.payments+" WHERE external_id IN ("+places+")",
		externalIDs...) {
		known = append(known, *row[0])
	}
	return known, nil
}

func (s shop) replay(_ context.Context, expected cala.Expected) (*cala.Posting, error) {
	return cala.Ptr(s.posting(expected.ExternalID, expected.Row.(string))), nil
}

func (s shop) show(page cala.Reconciled) {
	var found []string
	for _, one := range page.Missing {
		found = append(found, "missing "+s.Shown(one.ExternalID))
	}
	for _, one := range page.Differing {
		found = append(found, "differing "+s.Shown(one.Expected.ExternalID)+" in "+strings.ToLower(strings.Join(one.Fields,
			", ")))
	}
	for _, one := range page.Extra {
		found = append(found, "extra "+s.Shown(one.ExternalID))
	}
	for _, one := range page.Replayed {
		found = append(found, "posted "+s.Shown(one.Transaction.ExternalID))
	}
	if found == nil {
		found = []string{"as expected"}
	}
	fmt.Printf("  %d: %s\n", page.Checked, strings.Join(found, "; "))
}
