package cala

import (
	"context"
	"encoding/json"
	"time"

	"libcala.dev/cala/raw"
)

// Info is what a ledger is, and how much is in it.
type Info struct {
	Version              string    `json:"version"`
	Store                string    `json:"store"`
	SchemaVersion        int64     `json:"schema_version"`
	LibrarySchemaVersion int64     `json:"library_schema_version"`
	Accounts             int64     `json:"accounts"`
	Journals             int64     `json:"journals"`
	TxTemplates          int64     `json:"tx_templates"`
	Transactions         int64     `json:"transactions"`
	Entries              int64     `json:"entries"`
	Balances             int64     `json:"balances"`
	Clock                string    `json:"clock"`
	Now                  time.Time `json:"now"`
}

// Migration is from which version of the tables to which a migration went.
type Migration struct {
	FromVersion int64 `json:"from_version"`
	ToVersion   int64 `json:"to_version"`
}

// CELRequest is an expression to be evaluated. The library's docs/cel.md has the typed values.
type CELRequest struct {
	Expr string `json:"expr"`
	// As is the type to coerce the result to: string, decimal, uuid, date, timestamp, bool, layer, direction, currency, json, any.
	As string `json:"as,omitempty"`
	// Clock is the instant of date(). Default: the ledger's clock.
	Clock     string              `json:"clock,omitempty"`
	Params    []CELParam          `json:"params,omitempty"`
	Vars      map[string]CELValue `json:"vars,omitempty"`
	Bindings  map[string]CELValue `json:"bindings,omitempty"`
	Container string              `json:"container,omitempty"`
}

// CELParam is a param that an expression may read.
type CELParam struct {
	Name string    `json:"name"`
	Type ParamType `json:"type"`
	// Value is what is given for it; nil when it is not given.
	Value *CELValue `json:"value,omitempty"`
	// Default is a CEL expression.
	Default string `json:"default,omitempty"`
}

// CELValue is a value with its type.
type CELValue struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

// CELText is a value of a type whose values are written as text: string, decimal, uuid, date, timestamp.
func CELText(kind, text string) *CELValue {
	quoted, _ := json.Marshal(text) // a string never fails
	return &CELValue{Type: kind, Value: quoted}
}

// Text is the value without its quotes when it is a string, as decimals are.
func (v CELValue) Text() string {
	var text string
	if json.Unmarshal(v.Value, &text) != nil {
		return string(v.Value)
	}
	return text
}

// EvaluateCEL evaluates a CEL expression, for authors of tx templates. No store is asked.
// Errors: ErrInvalid (cel.compile, cel.params, cel.eval, cel.coerce).
func (o *Operations) EvaluateCEL(ctx context.Context, request CELRequest) (*CELValue, error) {
	type result struct {
		Value CELValue `json:"value"`
	}
	return callFor(ctx, o, raw.CelEvaluate, request, func(r *result) *CELValue { return &r.Value })
}

// Info says what the ledger is.
func (o *Operations) Info(ctx context.Context) (*Info, error) {
	return call[Info](ctx, o, raw.LedgerInfo, struct{}{})
}

// Migrate brings the tables to the library's version; several processes may do it at once. In a [HostTx] each statement is run by
// the program's driver. Errors: ErrUnsupported (store.newer).
func (o *Operations) Migrate(ctx context.Context) (*Migration, error) {
	return call[Migration](ctx, o, raw.LedgerMigrate, struct{}{})
}
