package tests

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"libcala.dev/cala"
)

// A ledger in a schema of its own in which these are prepared, of accounts that are in nobody's way; and what runs SQL.
func openPrepared(t *testing.T, gids ...string) (*cala.Ledger, string, func(string)) {
	store := postgresStore(t)
	db := postgresAdapters[0].open(t, store, false)
	schema := freshSchema(t, db.Exec)
	ledger := must[*cala.Ledger](t)(cala.Open(t.Context(), cala.Config{
		Store: store, Schema: schema, Migrate: cala.Ptr(true),
	}))
	t.Cleanup(func() {
		ctx := context.Background()
		for one, err := range ledger.Prepared(ctx, cala.PreparedFilter{}) {
			check(t, err)
			must[*cala.TxFinishResult](t)(ledger.FinishPrepared(ctx, cala.TxFinishRequest{
				GID: one.GID, Outcome: cala.OutcomeRollback,
			}))
		}
		check(t, ledger.Close())
	})
	for _, gid := range gids {
		tx := must[*cala.Tx](t)(ledger.Begin(t.Context()))
		must[*cala.Account](t)(tx.CreateAccount(t.Context(), cala.NewAccount{Code: gid, Name: "An account"}))
		check(t, tx.Prepare(t.Context(), gid))
	}
	return ledger, schema, func(statement string) { check(t, db.Exec(context.Background(), statement)) }
}

func gidsOf(prepared []cala.Prepared) string {
	var gids []string
	for _, one := range prepared {
		gids = append(gids, one.GID)
	}
	return strings.Join(gids, " ")
}

func stillPrepared(t *testing.T, ledger *cala.Ledger) string {
	return gidsOf(must[*cala.Page[cala.Prepared]](t)(ledger.PreparedPage(t.Context(), cala.PreparedFilter{})).Items)
}

func deciding(outcomes map[string]cala.PreparedOutcome) cala.Recovery {
	return cala.Recovery{Decided: func(_ context.Context, prepared cala.Prepared) (cala.PreparedOutcome, error) {
		return outcomes[prepared.GID], nil
	}}
}

func TestRecover_leaves_what_is_not_decided_or_too_young(t *testing.T) {
	ledger, _, _ := openPrepared(t, "a", "b", "c")
	by := deciding(map[string]cala.PreparedOutcome{"a": cala.OutcomeCommit, "c": "ROLLBACK"})
	by.MinAge = time.Hour
	done := must[cala.Recovered](t)(ledger.Recover(t.Context(), by))
	equal(t, len(done.Committed)+len(done.RolledBack)+len(done.Ended)+len(done.Left)+len(done.Failed), 0)
	by.MinAge = 0
	done = must[cala.Recovered](t)(ledger.Recover(t.Context(), by))
	equal(t, fmt.Sprint(gidsOf(done.Committed), "/", gidsOf(done.RolledBack), "/", gidsOf(done.Left)), "a/c/b")
	equal(t, len(done.Ended)+len(done.Failed), 0)
	equal(t, stillPrepared(t, ledger), "b")
}

func TestRecover_ends_nothing_by_what_is_no_decision(t *testing.T) {
	ledger, _, _ := openPrepared(t, "order")
	_, err := ledger.Recover(t.Context(), deciding(map[string]cala.PreparedOutcome{"order": "maybe"}))
	expectError(t, err, cala.ErrInvalid, "request.malformed")
	_, err = ledger.Recover(t.Context(), cala.Recovery{})
	expectError(t, err, cala.ErrInvalid, "request.malformed")
	by := deciding(map[string]cala.PreparedOutcome{"order": cala.OutcomeCommit})
	by.MinAge = -1
	_, err = ledger.Recover(t.Context(), by)
	expectError(t, err, cala.ErrInvalid, "request.malformed")
	equal(t, stillPrepared(t, ledger), "order")
}

func TestRecover_tells_what_ended_or_is_anothers_and_finishes_the_rest(t *testing.T) {
	ledger, schema, sql := openPrepared(t, "a", "b", "c")
	clerk := strings.Replace(schema, "go_", "clerk_", 1)
	sql(fmt.Sprintf("CREATE ROLE %[1]s LOGIN; GRANT USAGE ON SCHEMA %[2]s TO %[1]s; "+
		"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %[2]s TO %[1]s",
		clerk, schema))
	t.Cleanup(func() { sql(fmt.Sprintf("DROP OWNED BY %[1]s; DROP ROLE %[1]s", clerk)) })
	config := cala.Config{Store: strings.Replace(postgresStore(t), "//cala@", "//"+clerk+"@", 1), Schema: schema}
	theirs := must[*cala.Ledger](t)(cala.Open(t.Context(), config))
	committed := map[string]cala.PreparedOutcome{"b": cala.OutcomeCommit}
	done := must[cala.Recovered](t)(theirs.Recover(t.Context(), deciding(committed)))
	check(t, theirs.Close())
	equal(t, len(done.Failed), 1)
	equal(t, done.Failed[0].Prepared.GID+" "+done.Failed[0].Err.Code, "b store.permission")
	equal(t, gidsOf(done.Left), "a c")
	done = must[cala.Recovered](t)(ledger.Recover(t.Context(), cala.Recovery{Decided: func(ctx context.Context,
		prepared cala.Prepared) (cala.PreparedOutcome, error) {
		if prepared.GID == "b" { // by another recovery, meanwhile
			_, err := ledger.FinishPrepared(ctx, cala.TxFinishRequest{GID: "b", Outcome: cala.OutcomeRollback})
			return cala.OutcomeCommit, err
		}
		return cala.OutcomeCommit, nil
	}}))
	equal(t, gidsOf(done.Committed)+"/"+gidsOf(done.Ended), "a c/b")
}

func TestRecover_ends_with_an_error_of_the_program_and_goes_on_the_next_time(t *testing.T) {
	ledger, _, _ := openPrepared(t, "a", "b")
	away := errors.New("the program's database is away")
	done, err := ledger.Recover(t.Context(), cala.Recovery{Decided: func(_ context.Context,
		prepared cala.Prepared) (cala.PreparedOutcome, error) {
		if prepared.GID == "b" {
			return cala.OutcomeCommit, away
		}
		return cala.OutcomeCommit, nil
	}})
	equal(t, errors.Is(err, away), true)
	equal(t, gidsOf(done.Committed), "a")
	rolledBack := map[string]cala.PreparedOutcome{"b": cala.OutcomeRollback}
	done = must[cala.Recovered](t)(ledger.Recover(t.Context(), deciding(rolledBack)))
	equal(t, gidsOf(done.RolledBack), "b")
}

func TestRecover_has_nothing_to_do_where_nothing_can_be_prepared(t *testing.T) {
	done := must[cala.Recovered](t)(openInMemory(t).Recover(t.Context(), deciding(nil)))
	equal(t, len(done.Committed)+len(done.RolledBack)+len(done.Ended)+len(done.Left)+len(done.Failed), 0)
}
