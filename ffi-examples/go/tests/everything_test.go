package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"testing"
	"time"

	"libcala.dev/cala"
)

// useEverything calls each operation that works with and without a transaction, and looks at what it answers.
func useEverything(t *testing.T, ctx context.Context, o *cala.Operations) {
	useAccounts(t, ctx, o)
	useJournals(t, ctx, o)
	usePostings(t, ctx, o)
	value := must[*cala.CELValue](t)(o.EvaluateCEL(ctx, cala.CELRequest{Expr: "params.a * decimal('3')",
		Params: []cala.CELParam{{Name: "a", Type: cala.ParamDecimal, Value: cala.CELText("decimal", "1.10")}}}))
	equal(t, value.Text(), "3.30")
	equal(t, value.Type, "decimal")
}

func useAccounts(t *testing.T, ctx context.Context, o *cala.Operations) {
	metadata := json.RawMessage(`{"tier":1.5,"tags":["a","b"]}`)
	one := must[*cala.Account](t)(o.CreateAccount(ctx, cala.NewAccount{Code: "E1", Name: "One", ExternalID: "x1",
		NormalBalanceType: cala.Debit, Description: "first", Metadata: metadata}))
	equal(t, string(one.Metadata), string(metadata))
	equal(t, one.NormalBalanceType, cala.Debit)
	equal(t, one.CreatedAt.IsZero(), false)
	more := must[[]cala.Account](t)(o.CreateAccounts(ctx, []cala.NewAccount{{Code: "E2", Name: "Two"},
		{Code: "E3", Name: "Three"}}))
	equal(t, more[1].Code, "E3")
	equal(t, must[*cala.Account](t)(o.FindAccount(ctx, cala.ByExternalID("x1"))).ID, one.ID)
	equal(t, len(must[[]cala.Account](t)(o.FindAccounts(ctx, []string{more[0].ID, one.ID}))), 2)
	updated := must[*cala.Account](t)(o.UpdateAccount(ctx, one.ID, cala.AccountUpdate{Name: cala.Set("Uno"),
		Description: cala.Clear[string](), Metadata: cala.Set(json.RawMessage(`[1]`))}))
	equal(t, updated.Name+updated.Description+string(updated.Metadata), "Uno[1]")
	equal(t, updated.Version, 2)
	equal(t, must[*cala.Account](t)(o.LockAccount(ctx, one.ID)).Status, cala.Locked)
	equal(t, must[*cala.Account](t)(o.UnlockAccount(ctx, one.ID)).Status, cala.Active)
	filter := cala.AccountFilter{CodePrefix: "E", PageRequest: cala.PageRequest{First: 2}}
	equal(t, collect(t, o.Accounts(ctx, filter), func(a cala.Account) string { return a.Code }), "E1 E2 E3")
	filter.Order = cala.Descending
	equal(t, collect(t, o.Accounts(ctx, filter), func(a cala.Account) string { return a.Code }), "E3 E2 E1")
	page := must[*cala.Page[cala.Account]](t)(o.AccountsPage(ctx, filter))
	equal(t, len(page.Items), 2)
	equal(t, page.HasNextPage, true)
	filter.After = page.EndCursor
	equal(t, collect(t, o.Accounts(ctx, filter), func(a cala.Account) string { return a.Code }), "E1")
}

func useJournals(t *testing.T, ctx context.Context, o *cala.Operations) {
	journal := must[*cala.Journal](t)(o.CreateJournal(ctx,
		cala.NewJournal{Name: "Everything", Code: "E", Description: "all"}))
	equal(t, must[*cala.Journal](t)(o.FindJournal(ctx, cala.ByCode("E"))).ID, journal.ID)
	journal = must[*cala.Journal](t)(o.UpdateJournal(ctx, journal.ID,
		cala.JournalUpdate{Description: cala.Clear[string]()}))
	equal(t, journal.Description, "")
	equal(t, must[*cala.Journal](t)(o.LockJournal(ctx, journal.ID)).Status, cala.Locked)
	equal(t, collect(t, o.Journals(ctx, cala.JournalFilter{Status: cala.Locked}),
		func(j cala.Journal) string { return j.Name }),
		"Everything")
	equal(t, must[*cala.Journal](t)(o.UnlockJournal(ctx, journal.ID)).Status, cala.Active)
	closed := must[*cala.Journal](t)(o.CloseJournal(ctx, cala.JournalCloseRequest{ID: journal.ID, Until: "2020-12-31"}))
	equal(t, closed.ClosedUntil, "2020-12-31")
	earlier := cala.JournalReopenRequest{ID: journal.ID, Until: cala.Ptr("2020-11-30")}
	equal(t, must[*cala.Journal](t)(o.ReopenJournal(ctx, earlier)).ClosedUntil, "2020-11-30")
	equal(t, must[*cala.Journal](t)(o.ReopenJournal(ctx, cala.JournalReopenRequest{ID: journal.ID})).ClosedUntil, "")
	equal(t, len(must[*cala.Page[cala.Journal]](t)(o.JournalsPage(ctx, cala.JournalFilter{Status: cala.Locked})).Items), 0)
}

func usePostings(t *testing.T, ctx context.Context, o *cala.Operations) {
	journal := must[*cala.Journal](t)(o.FindJournal(ctx, cala.ByCode("E"))).ID
	find := func(code string) string { return must[*cala.Account](t)(o.FindAccount(ctx, cala.ByCode(code))).ID }
	b := books{journal: journal, alice: find("E2"), bob: find("E3")}
	template := must[*cala.TxTemplate](t)(o.CreateTxTemplate(ctx, transferTemplate("E_TRANSFER", "params.amount")))
	equal(t, must[*cala.TxTemplate](t)(o.FindTxTemplate(ctx, cala.ByID(template.ID))).Params[4].Default, "decimal('0')")
	equal(t, collect(t, o.TxTemplates(ctx, cala.TxTemplateFilter{}), func(x cala.TxTemplate) string { return x.Code }),
		"E_TRANSFER LOPSIDED TRANSFER")
	equal(t, len(must[*cala.Page[cala.TxTemplate]](t)(o.TxTemplatesPage(ctx, cala.TxTemplateFilter{})).Items), 3)

	posted := must[*cala.Posted](t)(o.Post(ctx, "E_TRANSFER", b.transfer(b.alice, b.bob, "10.00")))
	many := must[[]cala.Posted](t)(o.PostMany(ctx, []cala.Posting{
		{TxTemplateCode: "E_TRANSFER", Params: b.transfer(b.alice, b.bob, "1.5")},
		{TxTemplateCode: "E_TRANSFER", Params: b.transfer(b.bob, b.alice, "0.5")}}))
	ids := []string{posted.Transaction.ID, many[0].Transaction.ID, many[1].Transaction.ID}
	equal(t, must[*cala.Transaction](t)(o.FindTransaction(ctx, cala.ByID(ids[0]))).TxTemplateCode, "E_TRANSFER")
	equal(t, len(must[[]cala.Transaction](t)(o.FindTransactions(ctx, ids))), 3)
	filter := cala.TransactionFilter{JournalID: journal, PageRequest: cala.PageRequest{First: 1}}
	equal(t, collect(t, o.Transactions(ctx, filter), func(x cala.Transaction) string { return x.ID }),
		fmt.Sprintf("%s %s %s", ids[0], ids[1], ids[2]))
	equal(t, len(must[*cala.Page[cala.Transaction]](t)(o.TransactionsPage(ctx, filter)).Items), 1)

	entries := cala.EntryFilter{AccountID: b.bob, CreatedFrom: time.Now().Add(-time.Hour),
		CreatedTo: time.Now().Add(time.Hour)}
	equal(t, collect(t, o.Entries(ctx, entries), func(e cala.Entry) string { return string(e.Direction) + " " + e.Units }),
		"credit 10.00 credit 1.5 debit 0.5")
	equal(t, len(must[*cala.Page[cala.Entry]](t)(o.EntriesPage(ctx, cala.EntryFilter{TransactionID: ids[0]})).Items), 2)
	equal(t, must[[]cala.Entry](t)(o.FindEntries(ctx, posted.Transaction.EntryIDs))[1].AccountID, b.bob)
	useBalances(t, ctx, o, b)
}

func useBalances(t *testing.T, ctx context.Context, o *cala.Operations, b books) {
	balance := must[*cala.Balance](t)(o.FindBalance(ctx, b.key(b.bob)))
	equal(t, balance.Settled.Net+" "+balance.Settled.Debit+" "+balance.Settled.Credit+" "+balance.Available.Encumbrance,
		"11.00 0.5 11.50 11.00")
	equal(t, balance.BalanceKey, b.key(b.bob))
	equal(t, len(must[[]cala.Balance](t)(o.FindBalances(ctx, []cala.BalanceKey{b.key(b.bob), b.key(b.alice)}))), 2)
	nets := func(x cala.Balance) string { return x.Settled.Net }
	filter := cala.BalanceFilter{JournalID: b.journal, AccountIDs: []string{b.bob}}
	equal(t, collect(t, o.Balances(ctx, filter), nets), "11.00")
	equal(t, len(must[*cala.Page[cala.Balance]](t)(o.BalancesPage(ctx, filter)).Items), 1)
	equal(t, collect(t, o.BalanceHistory(ctx, b.key(b.bob), cala.PageRequest{First: 2}), nets), "10.00 11.50 11.00")
	equal(t, len(must[*cala.Page[cala.Balance]](t)(o.BalanceHistoryPage(ctx, b.key(b.bob),
		cala.PageRequest{First: 2})).Items), 2)
	equal(t, must[*cala.Balance](t)(o.BalanceAtVersion(ctx, b.key(b.bob), 2)).Settled.Net, "11.50")
	equal(t, must[*cala.Balance](t)(o.BalanceAtTime(ctx, b.key(b.bob), time.Now().Add(time.Hour))).Settled.Net, "11.00")
	_, err := o.BalanceAtTime(ctx, b.key(b.bob), time.Now().Add(-time.Hour))
	expectError(t, err, cala.ErrNotFound, "balance.not_found")
}

// collect goes through a list and shows its items, one word each.
func collect[Item any](t *testing.T, all iter.Seq2[Item, error], show func(Item) string) (shown string) {
	t.Helper()
	for item, err := range all {
		check(t, err)
		if shown != "" {
			shown += " "
		}
		shown += show(item)
	}
	return shown
}
