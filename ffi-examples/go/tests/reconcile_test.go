package tests

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"libcala.dev/cala"
)

var beginning = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A ledger with a manual clock and the template NAMED, whose transactions have external ids.
func openNamed(t *testing.T) (*cala.Ledger, books) {
	config := cala.Config{Store: "sqlite::memory:", Clock: &cala.Clock{Manual: beginning.Format(time.RFC3339)}}
	ledger := must[*cala.Ledger](t)(cala.Open(t.Context(), config))
	t.Cleanup(func() { check(t, ledger.Close()) })
	b := openBooks(t, t.Context(), &ledger.Operations)
	named := transferTemplate("NAMED", "params.amount")
	named.Params = append(named.Params, cala.Param{Name: "external_id", Type: cala.ParamString})
	named.Transaction.ExternalID = "params.external_id"
	must[*cala.TxTemplate](t)(ledger.CreateTxTemplate(t.Context(), named))
	return ledger, b
}

func (b books) named(externalID, to string) *cala.Posting {
	params := b.transfer(b.alice, to, "10.00")
	params["external_id"] = externalID
	return &cala.Posting{TxTemplateCode: "NAMED", Params: params}
}

func pagesOf(ctx context.Context, ledger *cala.Ledger, walk cala.Reconciliation,
	rows ...cala.Expected) (pages []cala.Reconciled, err error) {
	walk.Rows = func(context.Context, string) iter.Seq2[cala.Expected, error] {
		return func(yield func(cala.Expected, error) bool) {
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
	for page, err := range ledger.Reconcile(ctx, walk) {
		if err != nil {
			return pages, err
		}
		pages = append(pages, page)
	}
	return pages, nil
}

func TestReconcile_compares_every_field_that_is_given(t *testing.T) {
	ledger, b := openNamed(t)
	posted := must[*cala.Posted](t)(ledger.Post(t.Context(), "NAMED", b.named("one", b.bob).Params)).Transaction
	same := cala.Expected{ExternalID: "one", TxTemplateCode: "NAMED", JournalID: b.journal, Effective: posted.Effective,
		CorrelationID: posted.CorrelationID, Amounts: map[string]string{"USD": "10.0000"}}
	equal(t, len(must[[]cala.Reconciled](t)(pagesOf(t.Context(), ledger, cala.Reconciliation{}, same))[0].Differing), 0)
	for field, change := range map[string]func(*cala.Expected){
		"TxTemplateCode": func(e *cala.Expected) { e.TxTemplateCode = "OTHER" },
		"JournalID":      func(e *cala.Expected) { e.JournalID = posted.ID },
		"Effective":      func(e *cala.Expected) { e.Effective = "2020-01-01" },
		"CorrelationID":  func(e *cala.Expected) { e.CorrelationID = "c" },
		"Description":    func(e *cala.Expected) { e.Description = "d" },
		"Amounts":        func(e *cala.Expected) { e.Amounts = map[string]string{"USD": "10", "EUR": "1"} },
	} {
		other := same
		change(&other)
		page := must[[]cala.Reconciled](t)(pagesOf(t.Context(), ledger, cala.Reconciliation{}, other))[0]
		equal(t, len(page.Differing), 1)
		equal(t, strings.Join(page.Differing[0].Fields, " "), field)
	}
	for _, amount := range []string{"", "x", "1/2", "0x10", "1e1", " 1", "+1", "1.", "NaN", "10.00\n"} {
		for _, externalID := range []string{"one", "missing"} {
			_, err := pagesOf(t.Context(), ledger, cala.Reconciliation{},
				cala.Expected{ExternalID: externalID, Amounts: map[string]string{"USD": amount}})
			equal(t, errors.Is(err, cala.ErrInvalid), true)
		}
	}
	_, err := pagesOf(t.Context(), ledger, cala.Reconciliation{}, cala.Expected{})
	equal(t, errors.Is(err, cala.ErrInvalid), true)
	_, err = pagesOf(t.Context(), ledger, cala.Reconciliation{PageSize: 1001})
	equal(t, errors.Is(err, cala.ErrInvalid), true)
}

func TestReconcile_tells_what_is_refused_and_posts_the_rest(t *testing.T) {
	ledger, b := openNamed(t)
	postings := map[string]*cala.Posting{"a": b.named("a", b.carol), "b": b.named("b", b.bob), "c": nil}
	walk := cala.Reconciliation{Replay: func(_ context.Context, expected cala.Expected) (*cala.Posting, error) {
		return postings[expected.ExternalID], nil
	}}
	rows := []cala.Expected{{ExternalID: "a"}, {ExternalID: "b"}, {ExternalID: "c"}}
	page := must[[]cala.Reconciled](t)(pagesOf(t.Context(), ledger, walk, rows...))[0]
	equal(t, len(page.Missing), 3)
	equal(t, len(page.Refused), 1)
	equal(t, page.Refused[0].Err.Code, cala.CodeAccountLocked)
	equal(t, len(page.Replayed), 1)
	equal(t, page.Replayed[0].Transaction.ExternalID, "b")

	postings["c"] = b.named("other", b.bob)
	_, err := pagesOf(t.Context(), ledger, walk, rows[2])
	equal(t, err != nil && strings.Contains(err.Error(), `"other"`), true)
	equal(t, must[*cala.Info](t)(ledger.Info(t.Context())).Transactions, 1)
}

func TestReconcile_leaves_what_is_younger_for_the_next_time(t *testing.T) {
	ledger, b := openNamed(t)
	must[*cala.Posted](t)(ledger.Post(t.Context(), "NAMED", b.named("one", b.bob).Params))
	check(t, ledger.AdvanceClock(time.Second))
	must[*cala.Posted](t)(ledger.Post(t.Context(), "NAMED", b.named("two", b.bob).Params))
	walk := cala.Reconciliation{RecordedBy: beginning, PageSize: 2,
		Known: func(context.Context, []string) ([]string, error) { return nil, nil }}
	pages := must[[]cala.Reconciled](t)(pagesOf(t.Context(), ledger, walk))
	equal(t, len(pages), 1)
	equal(t, len(pages[0].Extra), 1)
	equal(t, pages[0].Extra[0].ExternalID, "one")
	walk.Place = pages[0].Place
	equal(t, len(must[[]cala.Reconciled](t)(pagesOf(t.Context(), ledger, walk))), 0)
	walk.RecordedBy = time.Time{}
	pages = must[[]cala.Reconciled](t)(pagesOf(t.Context(), ledger, walk))
	equal(t, pages[0].Extra[0].ExternalID, "two")
}

func TestReconcile_tells_what_was_voided_as_differing_and_not_as_extra(t *testing.T) {
	ledger, b := openNamed(t)
	posted := must[*cala.Posted](t)(ledger.Post(t.Context(), "NAMED", b.named("one", b.bob).Params)).Transaction
	must[*cala.Posted](t)(ledger.VoidTransaction(t.Context(), cala.TransactionVoidRequest{ID: posted.ID}))
	walk := cala.Reconciliation{Known: func(context.Context, []string) ([]string, error) { return nil, nil }}
	var differing []cala.Differing
	for _, page := range must[[]cala.Reconciled](t)(pagesOf(t.Context(), ledger, walk, cala.Expected{ExternalID: "one"})) {
		differing = append(differing, page.Differing...)
		equal(t, len(page.Extra), 0)
	}
	equal(t, len(differing), 1)
	equal(t, strings.Join(differing[0].Fields, " "), "VoidedBy")
}

func TestReconcile_needs_rows(t *testing.T) {
	ledger, _ := openNamed(t)
	for _, err := range ledger.Reconcile(t.Context(), cala.Reconciliation{}) {
		equal(t, errors.Is(err, cala.ErrInvalid), true)
		return
	}
	t.Fatal("nothing was said")
}
