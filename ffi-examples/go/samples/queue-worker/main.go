// The program first, a queue worker: the program queues postings in a table of its own, in the transaction that they
// belong to. Workers take them from there; each posts and marks its row in one transaction, so whatever is killed when,
// it happened once. The program is its own worker: queue-worker STORE worker TABLE
package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/lib/pq"
	_ "github.com/mattn/go-sqlite3"
	"libcala.dev/cala"
	"libcala.dev/cala/samples/sample"
)

// queue is a queue of postings in a table of the program's.
type queue struct {
	db       *sql.DB
	isSQLite bool
	table    string
}

func openQueue(store, table string) queue {
	path, isSQLite := strings.CutPrefix(store, "sqlite:")
	if isSQLite { // whoever begins is the one that writes
		return queue{sample.Must(sql.Open("sqlite3", "file:"+path+"?_busy_timeout=30000&_txlock=immediate")), true, table}
	}
	return queue{sample.Must(sql.Open("postgres", store)), false, table}
}

// The statement with the table's name for TABLE; both stores know $1.
func (q queue) sql(statement string) string { return strings.ReplaceAll(statement, "TABLE", q.table) }

func (q queue) make(ctx context.Context) {
	sample.Must(q.db.ExecContext(ctx,
		"CREATE TABLE "+q.table+` (id integer PRIMARY KEY, transaction_id text NOT NULL UNIQUE,
		template text NOT NULL, params text NOT NULL, status text NOT NULL DEFAULT 'queued', error text)`))
}

func (q queue) add(ctx context.Context, id int, template string, params cala.Params) {
	text := sample.Must(json.Marshal(params))
	sample.Must(q.db.ExecContext(ctx,
		q.sql("INSERT INTO TABLE (id, transaction_id, template, params) VALUES ($1, $2, $3, $4)"),
		id, sample.NewID(), template, string(text)))
}

func (q queue) count(ctx context.Context, status string) (count int) {
	sample.Check(q.db.QueryRowContext(ctx, q.sql("SELECT count(*) FROM TABLE WHERE status = $1"), status).Scan(&count))
	return count
}

// What became of one: posted, or why not; nothing at all where the queue is empty.
type outcome struct {
	posted *cala.Posted
	code   string
}

// workOne posts what is first, and marks it; with the ledger in another database, the posting commits by itself.
func (q queue) workOne(ctx context.Context, ledger *cala.Ledger, oneDatabase bool, beforeCommit func() error) (outcome,
	error) {
	tx, err := q.db.BeginTx(ctx, nil)
	if err != nil {
		return outcome{}, err
	}
	defer tx.Rollback()
	statement := "SELECT id, transaction_id, template, params FROM TABLE WHERE status = 'queued' ORDER BY id LIMIT 1"
	if !q.isSQLite {
		statement += " FOR UPDATE SKIP LOCKED" // workers pass over each other's rows
	}
	var id int
	var transactionID, template, text string
	err = tx.QueryRowContext(ctx, q.sql(statement)).Scan(&id, &transactionID, &template, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return outcome{}, nil
	}
	if err != nil {
		return outcome{}, err
	}
	where := &ledger.Operations
	if oneDatabase {
		where = &ledger.InSQL(tx).Operations
	}
	var done outcome
	status := "posted"
	var params cala.Params
	if json.Unmarshal([]byte(text), &params) != nil {
		status, done.code = "failed", "params are no JSON" // the rows behind it go on
	} else if done.posted, err = where.Post(ctx, template, params, cala.WithID(transactionID)); err != nil {
		var refused *cala.Error
		if !errors.As(err, &refused) || !isRefusal(refused) {
			return outcome{}, err // the row stays queued
		}
		status, done.code = "failed", refused.Code
	}
	if _, err = tx.ExecContext(ctx, q.sql("UPDATE TABLE SET status = $1, error = $2 WHERE id = $3"), status, done.code,
		id); err != nil {
		return outcome{}, err
	}
	if beforeCommit != nil {
		if err = beforeCommit(); err != nil {
			return outcome{}, err
		}
	}
	return done, tx.Commit()
}

// Whether the ledger says it of the posting itself, and trying again does not help.
func isRefusal(err *cala.Error) bool {
	switch err.Status {
	case cala.ErrInvalid, cala.ErrNotFound, cala.ErrConflict, cala.ErrRejected:
		return !err.Retryable && err.TxState == cala.TxUsable
	}
	return false
}

// The worker: until the queue is empty.
func work(ctx context.Context, store, table string, doomed bool) {
	ledger := sample.Must(cala.Open(ctx, cala.Config{Store: store}))
	defer ledger.Close()
	q := openQueue(store, table)
	defer q.db.Close()
	var beforeCommit func() error
	if doomed {
		beforeCommit = func() error {
			fmt.Println("posted")
			time.Sleep(time.Minute)
			return nil
		}
	}
	for q.count(ctx, "queued") > 0 {
		var done outcome
		sample.Check(cala.Retrying(ctx, func(ctx context.Context) (err error) {
			done, err = q.workOne(ctx, ledger, true, beforeCommit)
			return err
		}))
		if done == (outcome{}) {
			time.Sleep(20 * time.Millisecond) // the others' rows may yet come back
		}
	}
}

func main() {
	ctx := context.Background()
	if len(os.Args) > 3 && os.Args[2] == "worker" {
		work(ctx, os.Args[1], os.Args[3], len(os.Args) > 4)
		return
	}
	folder := sample.Must(os.MkdirTemp("", "cala-sample-"))
	defer os.RemoveAll(folder)
	store := "sqlite:" + filepath.Join(folder, "ledger.db")
	if len(os.Args) > 1 {
		store = os.Args[1]
	}
	ledger := sample.Open(ctx, store)
	defer ledger.Close()
	journal := ledger.Journal(ctx)
	cash, alice := ledger.Account(ctx, "CASH", "Cash", cala.Debit), ledger.Account(ctx, "ALICE", "Alice", cala.Credit)
	closed := ledger.Account(ctx, "CLOSED", "Closed", cala.Credit)
	sample.Must(ledger.LockAccount(ctx, closed))
	ledger.Transfer(ctx, "PAYMENT")
	payment := func(account string) cala.Params {
		return cala.Params{"journal": journal, "debit": cash, "credit": account, "amount": "5.00"}
	}
	balance := func() string {
		found := sample.Must(ledger.FindBalances(ctx, []cala.BalanceKey{{JournalID: journal, AccountID: alice,
			Currency: "USD"}}))
		if len(found) == 0 {
			return "ALICE has no balance"
		}
		return "ALICE has " + found[0].Settled.Net + " USD"
	}

	q := openQueue(store, `"due`+ledger.Suffix+`"`)
	defer q.db.Close()
	q.make(ctx)
	for id := 1; id <= 10; id++ {
		account := alice
		if id == 4 {
			account = closed
		}
		q.add(ctx, id, ledger.Code("PAYMENT"), payment(account))
	}
	sample.Must(q.db.ExecContext(ctx, q.sql("UPDATE TABLE SET params = 'no JSON' WHERE id = 7")))
	fmt.Println(q.count(ctx, "queued"), "payments are queued")

	doomed := worker(store, q.table, "doomed")
	says := sample.Must(doomed.StdoutPipe())
	sample.Check(doomed.Start())
	sample.Must(bufio.NewReader(says).ReadString('\n'))
	fmt.Printf("a worker posted one, and before its commit: %d queued, %s\n", q.count(ctx, "queued"), balance())
	other := worker(store, q.table)
	sample.Check(other.Start())
	sample.Check(doomed.Process.Kill())
	_ = doomed.Wait()
	sample.Check(other.Wait())
	fmt.Printf("it was killed, and another went on: %d posted, %d queued\n", q.count(ctx, "posted"),
		q.count(ctx, "queued"))
	failed := sample.Must(q.db.QueryContext(ctx, q.sql("SELECT id, error FROM TABLE WHERE status = 'failed' ORDER BY id")))
	for failed.Next() {
		var id int
		var why string
		sample.Check(failed.Scan(&id, &why))
		fmt.Printf("  %d failed: %s\n", id, why)
	}
	sample.Check(failed.Err())
	transactions := sample.Must(ledger.TransactionsPage(ctx, cala.TransactionFilter{JournalID: journal}))
	fmt.Printf("%s by %d transactions\n", balance(), len(transactions.Items))

	// Two databases: the posting commits by itself, before the mark.
	far := queue{q.db, q.isSQLite, `"far_due` + ledger.Suffix + `"`}
	if q.isSQLite {
		far = openQueue("sqlite:"+filepath.Join(folder, "queue.db"), far.table)
		defer far.db.Close()
	}
	far.make(ctx)
	far.add(ctx, 1, ledger.Code("PAYMENT"), payment(alice))
	_, err := far.workOne(ctx, ledger.Ledger, false, func() error { return errors.New("killed") })
	if err != nil {
		fmt.Printf("with the queue in another database, killed between the two: %d queued, %s\n", far.count(ctx, "queued"),
			balance())
	}
	again := sample.Must(far.workOne(ctx, ledger.Ledger, false, nil))
	what := "posted"
	if again.posted.Replayed {
		what = "replayed"
	}
	fmt.Printf("again: %s, %d queued, %s\n", what, far.count(ctx, "queued"), balance())
}

func worker(store, table string, more ...string) *exec.Cmd {
	command := exec.Command(sample.Must(os.Executable()), append([]string{store, "worker", table}, more...)...)
	command.Stderr = os.Stderr
	return command
}
