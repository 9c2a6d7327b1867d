package tests

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"libcala.dev/cala"
)

// A PostgreSQL behind ../../cutting_proxy: its connection string, and what tells the proxy.
func cuttingProxy(t *testing.T) (store string, say func(word string)) {
	address := must[*url.URL](t)(url.Parse(postgresStore(t)))
	port := address.Query().Get("port")
	if port == "" {
		port = "5432"
	}
	proxy := exec.Command("../../cutting_proxy", address.Query().Get("host"), port)
	input := must[io.WriteCloser](t)(proxy.StdinPipe())
	output := bufio.NewReader(must[io.ReadCloser](t)(proxy.StdoutPipe()))
	check(t, proxy.Start())
	t.Cleanup(func() { input.Close(); proxy.Wait() })
	listens := strings.TrimSpace(must[string](t)(output.ReadString('\n')))
	store = fmt.Sprintf("host=127.0.0.1 port=%s user=%s dbname=%s sslmode=disable", listens, address.User.Username(),
		address.Path[1:])
	return store, func(word string) {
		must[int](t)(fmt.Fprintln(input, word))
		equal(t, must[string](t)(output.ReadString('\n')), "ok\n")
	}
}

func TestLostCommit_names_every_transaction_of_the_batch(t *testing.T) {
	store, say := cuttingProxy(t)
	schema := freshSchema(t, postgresAdapters[0].open(t, postgresStore(t), false).Exec)
	ledger := openLedger(t, cala.Config{Store: store, Schema: schema, Migrate: cala.Ptr(true),
		FailoverWaitMS: cala.Ptr(200)})
	b := openBooks(t, t.Context(), &ledger.Operations)
	postings := make([]cala.Posting, 3)
	for i := range postings {
		postings[i] = cala.Posting{TxTemplateCode: "TRANSFER", Params: b.transfer(b.alice, b.bob, "1")}
	}
	postings[1].ID = postingID
	say("cut")
	_, err := ledger.PostMany(t.Context(), postings)
	failure := expectError(t, err, cala.ErrOutcomeUnknown, "store.outcome_unknown")
	equal(t, failure.Retryable, false)
	var details struct {
		TransactionIDs []string `json:"transaction_ids"`
	}
	check(t, json.Unmarshal(failure.Details, &details))
	equal(t, len(details.TransactionIDs), 3)
	equal(t, details.TransactionIDs[1], postingID)
	say("accept")
	for i := range postings {
		postings[i].ID = details.TransactionIDs[i]
	}
	for _, again := range must[[]cala.Posted](t)(ledger.PostMany(t.Context(), postings)) {
		equal(t, again.Replayed, true)
	}
	equal(t, b.net(t, t.Context(), &ledger.Operations, b.bob), "3")
}
