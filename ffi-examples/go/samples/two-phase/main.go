// Two-phase commit: the order in the program's database and the payment in the ledger's, both or neither, whenever it
// is killed. On PostgreSQL.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"

	_ "github.com/lib/pq"
	"libcala.dev/cala"
	"libcala.dev/cala/samples/sample"
)

type shop struct {
	sample.Ledger
	// The program's own database. Here it is that of the ledger, and could be any.
	own                     *sql.DB
	orders, decisions       string
	journal, alice, cashier string
}

func main() {
	ctx := context.Background()
	ledger := sample.Open(ctx, "")
	defer ledger.Close()
	s := shop{Ledger: ledger, own: sample.Must(sql.Open("postgres", os.Args[1])), orders: `"orders` + ledger.Suffix + `"`,
		decisions: `"decisions` + ledger.Suffix + `"`, journal: ledger.Journal(ctx)}
	defer s.own.Close()
	s.alice = ledger.Account(ctx, "ALICE", "Alice", cala.Credit)
	s.cashier = ledger.Account(ctx, "CASH", "Cash", cala.Debit)
	ledger.Transfer(ctx, "PAYMENT")
	sample.Must(s.own.ExecContext(ctx, "CREATE TABLE "+s.orders+" (gid text PRIMARY KEY); CREATE TABLE "+s.decisions+
		" (gid text PRIMARY KEY, outcome text NOT NULL CHECK (outcome IN ('commit', 'rollback')))"))

	theirs := sample.Must(ledger.Begin(ctx))
	sample.Must(theirs.CreateAccount(ctx, cala.NewAccount{
		Code: ledger.Code("THEIRS"), Name: "An account of another program's",
	}))
	sample.Check(theirs.Prepare(ctx, ledger.Code("theirs")))
	sample.Check(s.order(ctx, ledger.Code("order1"), ""))
	s.show(ctx, "nobody is killed")
	s.recover(ctx)
	for i, killed := range []string{"before the decision", "after the decision"} {
		sample.Check(s.order(ctx, ledger.Code(fmt.Sprintf("order%d", i+2)), killed))
		s.show(ctx, "killed "+killed)
		s.recover(ctx)
		s.show(ctx, "and then")
	}
	sample.Must(ledger.FinishPrepared(ctx, cala.TxFinishRequest{
		GID: ledger.Code("theirs"), Outcome: cala.OutcomeRollback,
	}))
	sample.Must(s.own.ExecContext(ctx, "DROP TABLE "+s.orders+", "+s.decisions))
}

func (s shop) order(ctx context.Context, gid, killed string) error {
	tx, err := s.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	params := cala.Params{"journal": s.journal, "debit": s.cashier, "credit": s.alice, "amount": "30.00"}
	if _, err := tx.Post(ctx, s.Code("PAYMENT"), params); err != nil {
		return err
	}
	if err := tx.Prepare(ctx, gid); err != nil || killed == "before the decision" {
		return err
	}
	if err := s.decide(ctx, gid); err != nil || killed == "after the decision" {
		return err
	}
	if _, err := s.FinishPrepared(ctx, cala.TxFinishRequest{GID: gid, Outcome: cala.OutcomeCommit}); err != nil {
		return err
	}
	_, err = s.own.ExecContext(ctx, "DELETE FROM "+s.decisions+" WHERE gid = $1", gid)
	return err
}

// The program's own transaction: its commit is the decision.
func (s shop) decide(ctx context.Context, gid string) error {
	tx, err := s.own.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "INSERT INTO "+s.orders+" VALUES ($1)", gid); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO "+s.decisions+" VALUES ($1, 'commit')", gid); err != nil {
		return err
	}
	return tx.Commit()
}

// What the program decided: before anybody else can, that it is rolled back.
func (s shop) decided(ctx context.Context, prepared cala.Prepared) (outcome cala.PreparedOutcome, err error) {
	if !strings.HasPrefix(prepared.GID, "order") || !strings.HasSuffix(prepared.GID, s.Suffix) {
		return "", nil // another program's
	}
	_, err = s.own.ExecContext(ctx,
		"INSERT INTO "+s.decisions+" VALUES ($1, 'rollback') ON CONFLICT DO NOTHING", prepared.GID)
	if err != nil {
		return "", err
	}
	err = s.own.QueryRowContext(ctx, "SELECT outcome FROM "+s.decisions+" WHERE gid = $1", prepared.GID).Scan(&outcome)
	return outcome, err
}

func (s shop) recover(ctx context.Context) {
	done := sample.Must(s.Recover(ctx, cala.Recovery{Decided: s.decided}))
	var said []string
	for _, kind := range []struct {
		words string
		those []cala.Prepared
	}{{"committed", done.Committed}, {"rolled back", done.RolledBack}, {"left", done.Left}} {
		for _, one := range kind.those {
			if strings.HasSuffix(one.GID, s.Suffix) {
				said = append(said, s.Shown(one.GID)+" "+kind.words)
			}
		}
	}
	fmt.Println("  recovery:", strings.Join(said, ", "))
}

func (s shop) show(ctx context.Context, what string) {
	var orders int
	sample.Check(s.own.QueryRowContext(ctx, "SELECT count(*) FROM "+s.orders).Scan(&orders))
	plural := "s"
	if orders == 1 {
		plural = ""
	}
	balance := sample.Must(s.FindBalance(ctx, cala.BalanceKey{JournalID: s.journal, AccountID: s.alice, Currency: "USD"}))
	fmt.Printf("%s: %d order%s, ALICE has %s USD\n", what, orders, plural, balance.Settled.Net)
}
