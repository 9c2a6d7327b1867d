// Tx templates: refused ones, defaults, params that are missing or unknown, CEL.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"libcala.dev/cala"
	"libcala.dev/cala/samples/sample"
)

var codes = map[string]string{}

func main() {
	ctx := context.Background()
	ledger := sample.Open(ctx, "sqlite::memory:")
	defer ledger.Close()
	params := cala.Params{"journal": ledger.Journal(ctx)}
	for code, param := range map[string]string{"ALICE": "sender", "BOB": "receiver", "FEES": "fees"} {
		id := ledger.Account(ctx, code, code, cala.Credit)
		codes[id], params[param] = code, id
	}

	_, err := ledger.CreateTxTemplate(ctx, transfer(ledger.Code("MISSPELT"), "params.amuont", "params.amount"))
	fmt.Println("refused ", explain(err).Code, "at", explain(err).Detail("pointer"))
	_, err = ledger.CreateTxTemplate(ctx, transfer(ledger.Code("LOPSIDED"), "params.amount",
		"params.amount + decimal('1')"))
	fmt.Println("refused ", explain(err).Code)
	created := sample.Must(ledger.CreateTxTemplate(ctx, feeTransfer(ledger.Code("FEE_TRANSFER"))))
	fmt.Printf("created  %s with params %s\n", ledger.Shown(created.Code), strings.Join(names(created.Params)[:3], ", "))

	params["amount"] = "10.00"
	post(ctx, ledger, "posted with the default fee", params)
	params["fee"] = "2"
	post(ctx, ledger, "posted with a fee of 2", params)
	delete(params, "amount")
	_, err = ledger.Post(ctx, created.Code, params)
	fmt.Printf("refused  %s: %s\n", explain(err).Code, explain(err).Detail("param"))
	params["amount"], params["amonut"] = "10.00", "10.00"
	_, err = ledger.Post(ctx, created.Code, params)
	fmt.Printf("refused  %s: %s\n", explain(err).Code, explain(err).Detail("param"))

	const expression = "decimal('10.00') + decimal('0.50')"
	value := sample.Must(ledger.EvaluateCEL(ctx, cala.CELRequest{Expr: expression}))
	fmt.Println("evaluated ", expression, "=", value.Text())
	fmt.Println("templates")
	for template, err := range ledger.TxTemplates(ctx, cala.TxTemplateFilter{}) {
		sample.Check(err)
		if strings.HasSuffix(template.Code, ledger.Suffix) {
			fmt.Printf("  %s\n", ledger.Shown(template.Code))
		}
	}
}

func explain(err error) *cala.Error {
	var failure *cala.Error
	if !errors.As(err, &failure) {
		sample.Check(fmt.Errorf("expected the ledger to refuse, got %v", err))
	}
	return failure
}

func entry(direction, account, units string) cala.TxTemplateEntry {
	return cala.TxTemplateEntry{EntryType: "'TRANSFER'", AccountID: account, Layer: "SETTLED", Direction: direction,
		Units:    units,
		Currency: "'USD'"}
}

func transfer(code, debit, credit string) cala.NewTxTemplate {
	return cala.NewTxTemplate{
		Code: code,
		Params: []cala.Param{{Name: "amount", Type: cala.ParamDecimal}, {Name: "journal", Type: cala.ParamUUID},
			{Name: "sender", Type: cala.ParamUUID}, {Name: "receiver", Type: cala.ParamUUID}},
		Transaction: cala.TxTemplateTransaction{Effective: "date()", JournalID: "params.journal"},
		Entries: []cala.TxTemplateEntry{entry("DEBIT", "params.sender", debit),
			entry("CREDIT", "params.receiver", credit)},
	}
}

func feeTransfer(code string) cala.NewTxTemplate {
	template := transfer(code, "params.amount + params.fee", "params.amount")
	template.Params = append([]cala.Param{template.Params[0],
		{Name: "fee", Type: cala.ParamDecimal, Default: "decimal('0.50')"}, {Name: "memo", Type: cala.ParamString,
			Default: "''"},
		{Name: "fees", Type: cala.ParamUUID}}, template.Params[1:]...)
	template.Transaction.Description = "params.memo"
	template.Entries = append(template.Entries, entry("CREDIT", "params.fees", "params.fee"))
	return template
}

func names(params []cala.Param) (all []string) {
	for _, param := range params {
		all = append(all, param.Name)
	}
	return all
}

func post(ctx context.Context, ledger sample.Ledger, title string, params cala.Params) {
	posted := sample.Must(ledger.Post(ctx, ledger.Code("FEE_TRANSFER"), params))
	fmt.Println(title)
	for _, entry := range posted.Entries {
		fmt.Printf("  %d  %-5s  %-6s  %s %s\n", entry.Sequence, codes[entry.AccountID], entry.Direction, entry.Units,
			entry.Currency)
	}
}
