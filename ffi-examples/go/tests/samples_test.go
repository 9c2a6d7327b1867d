package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Each sample prints what samples/<name>.txt says, on both stores, and again on a store that has been used.
func TestSamples(t *testing.T) {
	programs := t.TempDir()
	build := exec.Command("go", "build", "-o", programs, "./...")
	build.Dir = "../samples"
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	quick := must[[]byte](t)(exec.CommandContext(t.Context(), filepath.Join(programs, "quickstart")).Output())
	equal(t, string(quick), "Alice has 100.00 USD\n")
	for _, name := range []string{"basic", "templates", "two-layer", "own-transaction", "host-transaction",
		"queue-worker", "projection", "velocity", "holds", "sets", "statement", "reconcile", "two-phase", "telemetry"} {
		want := string(must[[]byte](t)(os.ReadFile("../../samples/" + name + ".txt")))
		run := func(t *testing.T, arguments ...string) {
			t.Helper()
			command := exec.CommandContext(t.Context(), filepath.Join(programs, name), arguments...)
			command.Stderr = os.Stderr
			equal(t, string(must[[]byte](t)(command.Output())), want)
		}
		if name != "two-phase" {
			t.Run(name+"/default", func(t *testing.T) { run(t) })
			t.Run(name+"/sqlite_file", func(t *testing.T) {
				store := sqliteStore(t)
				run(t, store)
				run(t, store)
			})
		}
		t.Run(name+"/postgres", func(t *testing.T) {
			run(t, postgresStore(t))
			run(t, postgresStore(t))
		})
	}
}
