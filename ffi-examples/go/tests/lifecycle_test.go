package tests

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Each way to live and end runs in a process of its own, CALA_RUNS times (default 20): this test's program, told what
// to do.
var lives = map[string]func(store string) error{
	"exit_with_work_in_flight": exitWithWorkInFlight,
	"exit_without_close":       exitWithoutClose,
	"close_while_busy":         closeWhileBusy,
	"collection_under_stress":  collectionUnderStress,
	"finalizer_after_close":    finalizerAfterClose,
	"threads_share_a_ledger":   threadsShareALedger,
	"a_throwing_handler":       aThrowingHandler,
	"library_missing":          libraryMissing,
	"another_library":          anotherLibrary("has 2.3"),
	"older_library":            anotherLibrary("0.0.0 is too old"),
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

// The codes that docs/errors.md has of this wrapper, and what produces each.
func TestCodes_of_the_wrapper_are_produced(t *testing.T) {
	produced := map[string]string{"library.missing": "library_missing", "library.version": "another_library"}
	listed := map[string]string{}
	_, section, _ := strings.Cut(string(must[[]byte](t)(os.ReadFile("../../../docs/errors.md"))), "## Of the wrappers")
	for _, line := range regexp.MustCompile("(?m)^- `([a-z_.]+)`, [A-Z_]+, ([A-Za-z, ]+)").FindAllStringSubmatch(section,
		-1) {
		if strings.Contains(line[2], "Go") || strings.TrimSpace(line[2]) == "everywhere" {
			listed[line[1]] = produced[line[1]]
		}
	}
	equal(t, fmt.Sprint(listed), fmt.Sprint(produced))
	for _, life := range produced {
		equal(t, lives[life] != nil, true)
	}
}

func live(t *testing.T, program, name string, run int) {
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute) // a hang is a failure
	defer stop()
	var output, complaints bytes.Buffer
	command := exec.CommandContext(ctx, program)
	command.Env = append(os.Environ(), "CALA_LIFE="+name, "CALA_LIFE_STORE="+sqliteStore(t))
	command.Stdout, command.Stderr = &output, &complaints
	switch name {
	case "library_missing":
		command.Env = append(command.Env, "CALA_LIBRARY=/nowhere/libcala.so.1")
	case "another_library", "older_library":
		stub := filepath.Join(t.TempDir(), "libcala.so.1")
		is := map[string][]string{"another_library": {"0x20003"}, "older_library": {"0x10000", "cala_lost_race"}}[name]
		arguments := append([]string{stub}, is...)
		if said, err := exec.CommandContext(ctx, "../../stub_library", arguments...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		command.Env = append(command.Env, "CALA_LIBRARY="+stub)
	}
	if err := command.Run(); err != nil || strings.TrimSpace(output.String()) != "lived" {
		t.Fatalf("run %d: %v, ended too long ago: %v\n%s%s", run, err, ctx.Err(), output.String(), complaints.String())
	}
}
