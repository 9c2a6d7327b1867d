package tests

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Each way to live and end runs in a process of its own, CALA_RUNS times (default 20): this test's program, told what to do.
var lives = map[string]func(store string) error{
	"exit_with_work_in_flight": exitWithWorkInFlight,
	"exit_without_close":       exitWithoutClose,
	"close_while_busy":         closeWhileBusy,
	"collection_under_stress":  collectionUnderStress,
	"finalizer_after_close":    finalizerAfterClose,
	"threads_share_a_ledger":   threadsShareALedger,
	"a_throwing_handler":       aThrowingHandler,
	"library_missing":          libraryMissing,
}

func TestMain(m *testing.M) {
	if name := os.Getenv("CALA_LIFE"); name != "" {
		if err := lives[name](os.Getenv("CALA_LIFE_STORE")); err != nil {
			fmt.Fprintln(os.Stderr, describe(err))
			os.Exit(1)
		}
		fmt.Println("lived")
		return
	}
	os.Exit(m.Run())
}

func TestLifeCycle(t *testing.T) {
	runs, err := strconv.Atoi(os.Getenv("CALA_RUNS"))
	if err != nil {
		runs = 20
	}
	program := must[string](t)(os.Executable())
	for name := range lives {
		t.Run(name, func(t *testing.T) {
			for run := range runs {
				live(t, program, name, run)
			}
		})
	}
}

func live(t *testing.T, program, name string, run int) {
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute) // a hang is a failure
	defer stop()
	var output, complaints bytes.Buffer
	command := exec.CommandContext(ctx, program)
	command.Env = append(os.Environ(), "CALA_LIFE="+name, "CALA_LIFE_STORE="+sqliteStore(t))
	command.Stdout, command.Stderr = &output, &complaints
	if name == "library_missing" {
		command.Env = append(command.Env, "CALA_LIBRARY=/nowhere/libcala.so.1")
	}
	if err := command.Run(); err != nil || strings.TrimSpace(output.String()) != "lived" {
		t.Fatalf("run %d: %v, ended too long ago: %v\n%s%s", run, err, ctx.Err(), output.String(), complaints.String())
	}
}
