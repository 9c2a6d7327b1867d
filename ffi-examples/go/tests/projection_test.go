package tests

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"libcala.dev/cala"
)

// One of several programs that make the same tables, on a connection of its own.
type program struct {
	s            *shop
	conn         *sql.Conn
	pid          int
	beforeCommit func()
	rolledBack   []string
}

// What a rebuild or a catch-up gave.
type applied struct {
	count int
	err   error
}

// Two programs, of which the first has all but the last of what was posted.
func newPrograms(t *testing.T) (one, other *program, posted []string) {
	s := newShop(t, postgresAdapters[0], postgresStore(t))
	check(t, s.db.Exec(s.ctx, "CREATE TABLE "+s.notes()+" (id text NOT NULL)"))
	programs := [2]*program{}
	for i := range programs {
		p := &program{s: s, conn: must[*sql.Conn](t)(s.db.(sqlDatabase).Conn(s.ctx))}
		t.Cleanup(func() { p.conn.Close() })
		// A deadlock of the test's is no hang.
		must[sql.Result](t)(p.conn.ExecContext(s.ctx, "SET lock_timeout = '30s'"))
		check(t, p.conn.QueryRowContext(s.ctx, "SELECT pg_backend_pid()").Scan(&p.pid))
		programs[i] = p
	}
	post := func() {
		posted = append(posted, must[*cala.Posted](t)(s.post(s.ctx, &s.ledger.Operations, "1")).Transaction.ID)
	}
	post()
	equal(t, must[int](t)(programs[0].projection().CatchUp(s.ctx)), 1)
	post()
	// What was listed is seen by others while a writer is under way.
	must[*cala.EventPage](t)(s.ledger.Events(s.ctx, cala.EventFilter{}))
	return programs[0], programs[1], posted
}

func (s *shop) notes() string { return s.orders[:len(s.orders)-len("orders")] + "notes" }

func (s *shop) noted() (ids []string) {
	s.t.Helper()
	rows := must[*sql.Rows](s.t)(s.db.(sqlDatabase).QueryContext(s.ctx, "SELECT id FROM "+s.notes()))
	defer rows.Close()
	for rows.Next() {
		var id string
		check(s.t, rows.Scan(&id))
		ids = append(ids, id)
	}
	check(s.t, rows.Err())
	return ids
}

func (p *program) projection() *cala.Projection[*sql.Tx] {
	return &cala.Projection[*sql.Tx]{Name: "notes", InTransaction: p.inTransaction, Apply: p.note, Clear: p.clear,
		Within: func(tx *sql.Tx) *cala.Operations { return &p.s.ledger.InSQL(tx).Operations },
		Filter: cala.EventFilter{Types: []cala.EventType{cala.TransactionCreated}, Limit: 3}}
}

func (p *program) inTransaction(ctx context.Context, work func(*sql.Tx) error) error {
	tx, err := p.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err = work(tx); err != nil {
		if failure := asError(err); failure != nil {
			p.rolledBack = append(p.rolledBack, failure.Code)
		}
		_ = tx.Rollback()
		return err
	}
	if p.beforeCommit != nil {
		p.beforeCommit()
	}
	return tx.Commit()
}

func (p *program) note(ctx context.Context, tx *sql.Tx, event cala.Event) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO "+p.s.notes()+" VALUES ($1)", event.SubjectID)
	return err
}

func (p *program) clear(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM "+p.s.notes())
	return err
}

// Runs a rebuild or a catch-up beside the test.
func (p *program) begin(work func(context.Context) (int, error)) chan applied {
	done := make(chan applied, 1)
	go func() {
		count, err := work(p.s.ctx)
		done <- applied{count, err}
	}()
	return done
}

// Waits until a statement of this program's waits for a lock; an error when the test has had its time before.
func (p *program) isHeldUp() error {
	for {
		waiting, err := p.s.db.Number(p.s.ctx, fmt.Sprintf(
			"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = %d", p.pid))
		if err != nil || waiting == 1 {
			return err
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (p *program) gives(done chan applied) int {
	p.s.t.Helper()
	given := <-done
	check(p.s.t, given.err)
	return given.count
}

func equalTexts(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestProjection_rebuild_waits_for_who_has_written_and_clears_that_too(t *testing.T) {
	one, other, posted := newPrograms(t)
	var rebuilding chan applied
	transactions := 0
	one.beforeCommit = func() {
		if transactions++; transactions == 2 { // the first is that of the place
			rebuilding = other.begin(other.projection().Rebuild)
			check(t, other.isHeldUp())
		}
	}
	equal(t, must[int](t)(one.projection().CatchUp(one.s.ctx)), 1)
	equal(t, other.gives(rebuilding), 2)
	equalTexts(t, one.s.noted(), posted)
}

func TestProjection_that_is_overtaken_by_a_rebuild_rolls_back_and_goes_on_behind_it(t *testing.T) {
	one, other, posted := newPrograms(t)
	calls := 0
	overtaken := one.projection()
	overtaken.Apply = func(ctx context.Context, tx *sql.Tx, event cala.Event) error {
		if calls++; calls == 1 {
			equal(t, must[int](t)(other.projection().Rebuild(ctx)), 2)
		}
		return one.note(ctx, tx, event)
	}
	equal(t, must[int](t)(overtaken.CatchUp(one.s.ctx)), 0)
	equal(t, calls, 1)
	equalTexts(t, one.rolledBack, []string{cala.CodeListenerChanged})
	equalTexts(t, other.rolledBack, nil)
	equalTexts(t, one.s.noted(), posted)
}

func TestProjection_begins_again_where_its_name_was_forgotten_meanwhile(t *testing.T) {
	one, other, posted := newPrograms(t)
	calls := 0
	catchUp := one.projection()
	catchUp.Apply = func(ctx context.Context, tx *sql.Tx, event cala.Event) error {
		if calls++; calls == 1 {
			check(t, other.inTransaction(ctx, func(tx *sql.Tx) error {
				must[*cala.Listener](t)(one.s.ledger.InSQL(tx).RemoveListener(ctx, cala.ListenerRemoveRequest{Name: "notes"}))
				return other.clear(ctx, tx)
			}))
		}
		return one.note(ctx, tx, event)
	}
	equal(t, must[int](t)(catchUp.CatchUp(one.s.ctx)), 2)
	equal(t, calls, 3)
	equalTexts(t, one.rolledBack, []string{cala.CodeListenerNotFound})
	equalTexts(t, one.s.noted(), posted)
}

func TestProjection_that_meets_a_rebuild_under_way_waits_for_it_and_begins_again(t *testing.T) {
	one, other, posted := newPrograms(t)
	var rebuilding chan applied
	forgotten := make(chan struct{})
	rebuild, catchUp := other.projection(), one.projection()
	rebuild.Clear = func(ctx context.Context, tx *sql.Tx) error {
		if err := other.clear(ctx, tx); err != nil {
			return err
		}
		close(forgotten)
		return one.isHeldUp()
	}
	calls := 0
	catchUp.Apply = func(ctx context.Context, tx *sql.Tx, event cala.Event) error {
		if calls++; calls == 1 {
			rebuilding = other.begin(rebuild.Rebuild)
			<-forgotten
		}
		return one.note(ctx, tx, event)
	}
	count := must[int](t)(catchUp.CatchUp(one.s.ctx))
	equal(t, count+other.gives(rebuilding), 2)
	equal(t, one.rolledBack[0], cala.CodeListenerChanged)
	noted := one.s.noted()
	slices.Sort(noted)
	slices.Sort(posted)
	equalTexts(t, noted, posted)
}

func TestProjection_two_that_rebuild_at_once_apply_each_event_once(t *testing.T) {
	one, other, posted := newPrograms(t)
	first, second := one.begin(one.projection().Rebuild), other.begin(other.projection().Rebuild)
	one.gives(first)
	other.gives(second)
	noted := one.s.noted()
	slices.Sort(noted)
	slices.Sort(posted)
	equalTexts(t, noted, posted)
}
