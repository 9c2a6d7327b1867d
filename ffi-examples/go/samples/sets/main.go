// Account sets: accounts under one name, with balances and entries of their own.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"libcala.dev/cala"
	"libcala.dev/cala/samples/sample"
)

func main() {
	ctx := context.Background()
	ledger := sample.Open(ctx, "sqlite::memory:")
	defer ledger.Close()
	journal := ledger.Journal(ctx)
	liabilities := sample.Must(ledger.CreateAccountSet(ctx,
		cala.NewAccountSet{JournalID: journal, Name: "LIABILITIES"})).ID
	customers := sample.Must(ledger.CreateAccountSet(ctx, cala.NewAccountSet{JournalID: journal, Name: "CUSTOMERS"})).ID
	cash := ledger.Account(ctx, "CASH", "Cash", cala.Debit)
	alice := sample.Must(ledger.CreateAccount(ctx, cala.NewAccount{
		Code: ledger.Code("ALICE"), Name: "Alice", AccountSetID: customers})).ID
	bob := ledger.Account(ctx, "BOB", "Bob", cala.Credit)
	names := map[string]string{liabilities: "LIABILITIES", customers: "CUSTOMERS", alice: "ALICE", bob: "BOB"}
	sample.Check(add(ctx, ledger, cala.Membership{AccountSetID: customers, AccountID: bob},
		cala.Membership{AccountSetID: liabilities, MemberAccountSetID: customers}))
	var found []string
	for member, err := range ledger.AccountSetMembers(ctx, cala.AccountSetListMembersRequest{AccountSetID: customers}) {
		sample.Check(err)
		found = append(found, names[member.AccountID])
	}
	fmt.Println("CUSTOMERS has", strings.Join(found, ", "))
	for parent, err := range ledger.AccountSetParents(ctx, cala.AccountSetListParentsRequest{AccountSetID: customers}) {
		sample.Check(err)
		fmt.Println("CUSTOMERS is in", parent.Name)
	}
	refused("a set in itself", add(ctx, ledger, cala.Membership{AccountSetID: customers, MemberAccountSetID: liabilities}))

	ledger.Transfer(ctx, "DEPOSIT")
	for _, deposit := range [][2]string{{alice, "100.00"}, {bob, "50.00"}} {
		params := cala.Params{"journal": journal, "debit": cash, "credit": deposit[0], "amount": deposit[1]}
		sample.Must(ledger.Post(ctx, ledger.Code("DEPOSIT"), params))
	}
	fmt.Println("balances")
	for _, id := range []string{alice, bob, customers, liabilities} {
		balance := sample.Must(ledger.FindBalance(ctx, cala.BalanceKey{JournalID: journal, AccountID: id, Currency: "USD"}))
		fmt.Printf("  %-11s  %6s USD\n", names[id], balance.Settled.Net)
	}
	fmt.Println("entries of LIABILITIES")
	for entry, err := range ledger.Entries(ctx, cala.EntryFilter{AccountSetID: liabilities}) {
		sample.Check(err)
		fmt.Printf("  %-5s  %s  %6s\n", names[entry.AccountID], entry.Direction, entry.Units)
	}
	refused("an account with entries", add(ctx, ledger, cala.Membership{AccountSetID: liabilities, AccountID: cash}))
}

func add(ctx context.Context, ledger sample.Ledger, members ...cala.Membership) error {
	_, err := ledger.AddAccountSetMembers(ctx, cala.AccountSetAddMembersRequest{Members: members})
	return err
}

func refused(title string, err error) {
	var failure *cala.Error
	if errors.As(err, &failure) {
		fmt.Printf("refused  %s: %s\n", title, failure.Code)
	}
}
