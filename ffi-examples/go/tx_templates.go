package cala

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"libcala.dev/cala/raw"
)

// ParamType is the type of a param of a tx template.
type ParamType string

// The types of params. Decimals, UUIDs, dates and timestamps are passed as strings.
const (
	ParamString    ParamType = "string"
	ParamInteger   ParamType = "integer"
	ParamDecimal   ParamType = "decimal"
	ParamBoolean   ParamType = "boolean"
	ParamUUID      ParamType = "uuid"
	ParamDate      ParamType = "date"
	ParamTimestamp ParamType = "timestamp"
	ParamJSON      ParamType = "json"
)

// Param is a param that a tx template declares.
type Param struct {
	Name string    `json:"name"`
	Type ParamType `json:"type"`
	// Default is a CEL expression; "" when the param must be given.
	Default string `json:"default,omitempty"`
	// Min and Max are constants in CEL, of an integer, decimal, date or timestamp param; "" when there is no bound.
	Min         string `json:"min,omitempty"`
	Max         string `json:"max,omitempty"`
	Description string `json:"description,omitempty"`
}

// TxTemplateTransaction is how a tx template makes the transaction. Every value is a CEL expression.
type TxTemplateTransaction struct {
	Effective     string `json:"effective"`
	JournalID     string `json:"journal_id"`
	CorrelationID string `json:"correlation_id,omitempty"`
	ExternalID    string `json:"external_id,omitempty"`
	Description   string `json:"description,omitempty"`
	Metadata      string `json:"metadata,omitempty"`
}

// TxTemplateEntry is how a tx template makes one entry. Every value is a CEL expression.
type TxTemplateEntry struct {
	EntryType   string `json:"entry_type"`
	AccountID   string `json:"account_id"`
	Layer       string `json:"layer"`
	Direction   string `json:"direction"`
	Units       string `json:"units"`
	Currency    string `json:"currency"`
	Description string `json:"description,omitempty"`
	Metadata    string `json:"metadata,omitempty"`
}

// TxTemplate is how a kind of transaction is posted.
type TxTemplate struct {
	ID          string                `json:"id"`
	Version     int64                 `json:"version"`
	Code        string                `json:"code"`
	Params      []Param               `json:"params"`
	Transaction TxTemplateTransaction `json:"transaction"`
	Entries     []TxTemplateEntry     `json:"entries"`
	Description string                `json:"description,omitempty"`
	Metadata    json.RawMessage       `json:"metadata,omitempty"`
	CreatedAt   time.Time             `json:"created_at"`
	ModifiedAt  time.Time             `json:"modified_at"`
}

// NewTxTemplate is a tx template to be created. Code, Transaction and Entries are needed.
type NewTxTemplate struct {
	// ID is a UUID; one is made when it is left out.
	ID          string                `json:"id,omitempty"`
	Code        string                `json:"code"`
	Params      []Param               `json:"params,omitempty"`
	Transaction TxTemplateTransaction `json:"transaction"`
	Entries     []TxTemplateEntry     `json:"entries"`
	Description string                `json:"description,omitempty"`
	Metadata    json.RawMessage       `json:"metadata,omitempty"`
}

// TxTemplateFilter is the page of tx templates.
type TxTemplateFilter struct{ PageRequest }

// CreateTxTemplate creates a tx template; its expressions are checked now, and it never changes.
//
// Errors: ErrInvalid (cel.compile; Details pointer, line, column), (param.duplicate, param.type), ErrRejected
// (tx_template.unbalanced: it can never balance), ErrConflict (tx_template.exists; Details column: id or code).
func (o *Operations) CreateTxTemplate(ctx context.Context, template NewTxTemplate) (*TxTemplate, error) {
	return call[TxTemplate](ctx, o, raw.TxTemplateCreate, template)
}

// FindTxTemplate finds a tx template by id or code. Errors: ErrNotFound (tx_template.not_found).
func (o *Operations) FindTxTemplate(ctx context.Context, key Key) (*TxTemplate, error) {
	return call[TxTemplate](ctx, o, raw.TxTemplateFind, key)
}

// TxTemplates goes through tx templates by code.
func (o *Operations) TxTemplates(ctx context.Context, filter TxTemplateFilter) iter.Seq2[TxTemplate, error] {
	return pages(func(after string) (*Page[TxTemplate], error) {
		filter.After = after
		return o.TxTemplatesPage(ctx, filter)
	}, filter.After)
}

// TxTemplatesPage gives one page of tx templates by code.
func (o *Operations) TxTemplatesPage(ctx context.Context, filter TxTemplateFilter) (*Page[TxTemplate], error) {
	return call[Page[TxTemplate]](ctx, o, raw.TxTemplateList, filter)
}
