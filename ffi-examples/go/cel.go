package cala

import (
	"context"
	"encoding/json"

	"libcala.dev/cala/raw"
)

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

// EvaluateCEL evaluates a CEL expression, for authors of tx templates. No store is asked. The library's docs/cel.md has
// the typed values.
//
// Errors: ErrInvalid (cel.compile, cel.params, cel.eval, cel.coerce).
func (o *Operations) EvaluateCEL(ctx context.Context, request CELRequest) (*CELValue, error) {
	return callFor(ctx, o, raw.CelEvaluate, request, func(result *CELEvaluateResult) *CELValue { return &result.Value })
}
