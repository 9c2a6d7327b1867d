package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"libcala.dev/cala"
	"libcala.dev/cala/raw"
)

// The scenario files that every binding runs, through Call; ../../../tests/scenarios/README.md describes them.
const (
	scenarioFolder   = "../../../tests/scenarios"
	fewestScenarios  = 103
	includeOfAFile   = "include "
	beginOfAScenario = "scenario "
)

type scenarioLine struct{ place, text string }

type scenario struct {
	title string
	lines []scenarioLine
}

// A file's lines without comments, continuations joined, includes in place.
func scenarioLines(t *testing.T, name string) []scenarioLine {
	var lines []scenarioLine
	for i, text := range strings.Split(string(must[[]byte](t)(os.ReadFile(filepath.Join(scenarioFolder, name)))), "\n") {
		switch {
		case text == "" || text[0] == '#':
		case text[0] == ' ' && len(lines) > 0:
			lines[len(lines)-1].text += " " + strings.TrimLeft(text, " ")
		default:
			lines = append(lines, scenarioLine{fmt.Sprintf("%s:%d", name, i+1), text})
		}
	}
	var all []scenarioLine
	for _, line := range lines {
		if included, is := strings.CutPrefix(line.text, includeOfAFile); is {
			all = append(all, scenarioLines(t, included)...)
		} else {
			all = append(all, line)
		}
	}
	return all
}

// Every scenario but those that except this wrapper.
func readScenarios(t *testing.T) (told []scenario) {
	var leftOut []string
	for _, path := range must[[]string](t)(filepath.Glob(scenarioFolder + "/*.txt")) {
		name := filepath.Base(path)
		var current *scenario
		var here []*scenario
		for _, line := range scenarioLines(t, name) {
			if title, is := strings.CutPrefix(line.text, beginOfAScenario); is {
				current = &scenario{title: title}
				here = append(here, current)
			} else if current != nil {
				current.lines = append(current.lines, line)
			}
		}
		for _, one := range here {
			except, excepts := strings.CutPrefix(one.lines[0].text, "except ")
			hosts, _, reasoned := strings.Cut(except, ": ")
			if excepts {
				one.lines = one.lines[1:]
			}
			if excepts && reasoned && slices.Contains(strings.Fields(hosts), "go") {
				leftOut = append(leftOut, one.title)
			} else {
				told = append(told, *one)
			}
		}
	}
	if len(told) < fewestScenarios {
		t.Fatalf("only %d scenarios were found in %s", len(told), scenarioFolder)
	}
	equal(t, strings.Join(leftOut, "\n"), "Fractions in a param of type json are kept exactly")
	return told
}

// One scenario's run.
type story struct {
	t               *testing.T
	ctx             context.Context
	ledger          *cala.Ledger
	tx              *cala.Tx
	names           map[string]string
	result, refusal any // one of them is nil
	counts          any
	unchecked       bool
}

var scenarioName = regexp.MustCompile(`\$\{([^}]*)\}`)

func (s *story) place() *cala.Operations {
	if s.tx != nil {
		return &s.tx.Operations
	}
	return &s.ledger.Operations
}

func (s *story) count() any {
	info := *must[*cala.Info](s.t)(s.place().Info(s.ctx))
	info.Now = time.Time{}
	return info
}

// Does what a line says, and gives what is wrong, if anything.
func (s *story) read(line string) string {
	word, rest := cutWord(scenarioName.ReplaceAllStringFunc(line, func(name string) string {
		value, known := s.names[name[2:len(name)-1]]
		if !known {
			s.t.Fatalf("nothing is named %s", name)
		}
		return value
	}))
	if word == "ok" || word == "error" {
		return s.check(word, rest)
	}
	if s.unchecked {
		return "the answer before this line is not checked"
	}
	first, more := cutWord(rest)
	switch word {
	case "do":
		s.keep(func() (any, error) {
			answer, err := s.place().Call(s.ctx, first, json.RawMessage(more))
			return document(s.t, string(answer)), err
		})
	case "clock":
		s.keep(func() (any, error) { return map[string]any{}, s.moveClock(first, more) })
	case "set":
		s.names[first] = more
	case "take":
		s.names[first] = fmt.Sprint(valueAt(s.result, more))
	case "begin":
		s.tx = must[*cala.Tx](s.t)(s.ledger.Begin(s.ctx))
	case "commit":
		check(s.t, s.tx.Commit(s.ctx))
		s.tx = nil
	case "rollback":
		check(s.t, s.tx.Rollback(s.ctx))
		s.tx = nil
	default:
		return "no line begins with " + word
	}
	return ""
}

func cutWord(text string) (string, string) {
	first, rest, _ := strings.Cut(text, " ")
	return first, strings.TrimLeft(rest, " ")
}

// The wrapper's clock takes times; what is none cannot be said with it, and is refused by the library alone.
func (s *story) moveClock(how, value string) error {
	if how == "set" {
		at, err := time.Parse(time.RFC3339Nano, value)
		if err != nil {
			return &cala.Error{Status: cala.ErrInvalid, Code: "request.malformed", Message: err.Error(),
				Details: json.RawMessage("{}"), PostingIndex: -1}
		}
		return s.ledger.SetClock(at)
	}
	return s.ledger.AdvanceClock(time.Duration(must[int64](s.t)(strconv.ParseInt(value, 10, 64))) * time.Millisecond)
}

func (s *story) keep(work func() (any, error)) {
	s.counts, s.unchecked = s.count(), true
	s.result, s.refusal = nil, nil
	result, err := work()
	if err == nil {
		s.result = result
		return
	}
	var failure *cala.Error
	if !errors.As(err, &failure) {
		s.t.Fatal(err)
	}
	s.refusal = map[string]any{"status": raw.StatusName(raw.Status(failure.Status)), "code": failure.Code,
		"message":   failure.Message,
		"retryable": failure.Retryable, "sqlstate": failure.SQLState,
		"tx_state":      json.Number(fmt.Sprint(int(failure.TxState))),
		"posting_index": json.Number(fmt.Sprint(failure.PostingIndex)), "details": document(s.t, string(failure.Details))}
}

func (s *story) check(word, rest string) string {
	s.unchecked = false
	if word == "ok" {
		if s.refusal != nil {
			return fmt.Sprint("refused: ", s.refusal)
		}
		return s.compare(rest, s.result)
	}
	code, expected := cutWord(rest)
	if s.refusal == nil || valueAt(s.refusal, "/code") != code {
		return fmt.Sprint("not refused with ", code, ": ", s.refusal, s.result)
	}
	if !reflect.DeepEqual(s.count(), s.counts) {
		return "refused and yet written"
	}
	return s.compare(expected, s.refusal)
}

func (s *story) compare(expected string, found any) string {
	if expected == "" {
		return ""
	}
	if wrong := mismatch(document(s.t, expected), found, true, ""); wrong != "" {
		return fmt.Sprint(wrong, "\nin ", found)
	}
	return ""
}

// A JSON text, its numbers as they are written; nil for no text.
func document(t *testing.T, text string) (value any) {
	if text == "" {
		return nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	check(t, decoder.Decode(&value))
	return value
}

func valueAt(value any, pointer string) any {
	for _, key := range strings.Split(pointer, "/")[1:] {
		if items, is := value.([]any); is {
			index, _ := strconv.Atoi(key)
			value = items[index]
		} else {
			value = value.(map[string]any)[key]
		}
	}
	return value
}

// Where an answer is not as it should be; "" when it is.
func mismatch(wanted, found any, there bool, at string) string {
	switch wanted := wanted.(type) {
	case nil:
		if found == nil {
			return ""
		}
	case string:
		if wanted == found || wanted == "*" && there {
			return ""
		}
	case json.Number:
		if number, is := found.(json.Number); is {
			a, _ := wanted.Float64()
			b, _ := number.Float64()
			if a == b {
				return ""
			}
		}
	case map[string]any:
		if members, is := found.(map[string]any); is {
			for key, value := range wanted {
				member, there := members[key]
				if wrong := mismatch(value, member, there, at+"/"+key); wrong != "" {
					return wrong
				}
			}
			return ""
		}
	case []any:
		if items, is := found.([]any); is && len(items) == len(wanted) {
			for i := range wanted {
				if wrong := mismatch(wanted[i], items[i], true, fmt.Sprint(at, "/", i)); wrong != "" {
					return wrong
				}
			}
			return ""
		}
	default:
		if wanted == found {
			return ""
		}
	}
	return fmt.Sprintf("%s should be %v, not %v", at, wanted, found)
}

func (s *story) tell(lines []scenarioLine) {
	s.names = map[string]string{}
	for _, line := range lines {
		if wrong := s.read(line.text); wrong != "" {
			s.t.Fatalf("%s: %s\n%s", line.place, line.text, wrong)
		}
	}
	if s.unchecked {
		s.t.Fatal("the last answer is not checked")
	}
}

func tellOn(t *testing.T, config func(*testing.T) cala.Config) {
	for _, scenario := range readScenarios(t) {
		t.Run(scenario.title, func(t *testing.T) {
			settings := config(t)
			settings.Migrate = cala.Ptr(true)
			settings.Clock = &cala.Clock{Manual: "2026-01-01T00:00:00Z"}
			ledger := must[*cala.Ledger](t)(cala.Open(t.Context(), settings))
			defer func() { check(t, ledger.Close()) }()
			(&story{t: t, ctx: t.Context(), ledger: ledger}).tell(scenario.lines)
		})
	}
}

func TestScenarios_hold_on_sqlite(t *testing.T) {
	tellOn(t, func(*testing.T) cala.Config { return cala.Config{Store: "sqlite::memory:"} })
}

func TestScenarios_hold_on_postgres(t *testing.T) {
	store := postgresStore(t)
	db := postgresAdapters[0].open(t, store, false)
	tellOn(t, func(t *testing.T) cala.Config { return cala.Config{Store: store, Schema: freshSchema(t, db.Exec)} })
}
