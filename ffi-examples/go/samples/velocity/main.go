// Velocity: how much may pass in a day, what is left, other params, warnings, detaching.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"libcala.dev/cala"
	"libcala.dev/cala/samples/sample"
)

func main() {
	ctx := context.Background()
	ledger := sample.Open(ctx, "sqlite::memory:")
	defer ledger.Close()
	shop := payments{ledger, ledger.Journal(ctx), ledger.Account(ctx, "ALICE", "Alice", cala.Credit),
		ledger.Account(ctx, "SHOP", "Shop", cala.Credit)}
	ledger.DatedTransfer(ctx, "PAY")

	most := cala.Param{Name: "most", Type: cala.ParamDecimal}
	daily := shop.control(ctx, cala.NewVelocityControl{Name: "Cards"}, "params.most", most)
	shop.attach(ctx, daily, "100", false)
	fmt.Println("at most 100 a day")
	shop.pay(ctx, "60.00", "2026-01-30")
	shop.pay(ctx, "50.00", "2026-01-30")
	shop.pay(ctx, "50.00", "2026-01-31")
	var left []string
	for _, room := range sample.Must(ledger.HeadroomVelocity(ctx,
		cala.VelocityHeadroomRequest{AccountID: shop.alice})).Items {
		left = append(left, room.Left+" of "+room.Limit)
	}
	fmt.Println("left of the days:", strings.Join(left, ", "))

	shop.attach(ctx, daily, "200", true)
	warns := cala.NewVelocityControl{Name: "Watched", Enforcement: cala.VelocityEnforcement{Action: "warn"}}
	shop.attach(ctx, shop.control(ctx, warns, "decimal('30')"), "", false)
	fmt.Println("at most 200 a day, and a warning above 30")
	shop.pay(ctx, "50.00", "2026-01-30")
	shop.pay(ctx, "20.00", "2026-02-01")

	sample.Must(ledger.DetachVelocityControl(ctx, cala.VelocityControlDetachRequest{ControlID: daily,
		AccountIDs: []string{shop.alice}}))
	attached := sample.Must(ledger.VelocityAttachmentsPage(ctx, cala.VelocityAttachmentFilter{AccountID: shop.alice}))
	fmt.Println("without the limit:", len(attached.Items), "control attached")
	shop.pay(ctx, "500.00", "2026-02-01")
}

type payments struct {
	sample.Ledger
	journal, alice, shop string
}

// control creates a limit on what is debited within a day, and a control that has it.
func (p payments) control(ctx context.Context, control cala.NewVelocityControl, amount string,
	params ...cala.Param) string {
	limit := sample.Must(p.CreateVelocityLimit(ctx, cala.NewVelocityLimit{
		Name: "Daily", Currency: "USD", Params: params,
		Window: []cala.VelocityWindowKey{{Alias: "day", Value: "context.vars.transaction.effective.format('%Y-%m-%d')"}},
		Limit: cala.VelocityLimitPart{Balance: []cala.VelocityBalanceLimit{
			{Layer: "SETTLED", Amount: amount, EnforcementDirection: "DEBIT"}}},
	}))
	created := sample.Must(p.CreateVelocityControl(ctx, control))
	sample.Must(p.AddVelocityControlLimit(ctx, cala.VelocityControlAddLimitRequest{ControlID: created.ID,
		LimitID: limit.ID}))
	return created.ID
}

func (p payments) attach(ctx context.Context, control, most string, replace bool) {
	request := cala.VelocityControlAttachRequest{ControlID: control, AccountIDs: []string{p.alice}, Replace: replace}
	if most != "" {
		request.Params = map[string]json.RawMessage{"most": json.RawMessage(`"` + most + `"`)}
	}
	sample.Must(p.AttachVelocityControl(ctx, request))
}

func (p payments) pay(ctx context.Context, amount, day string) {
	params := cala.Params{"journal": p.journal, "debit": p.alice, "credit": p.shop, "amount": amount, "day": day}
	posted, err := p.Post(ctx, p.Code("PAY"), params)
	var failure *cala.Error
	if errors.Is(err, cala.ErrRejected) && errors.As(err, &failure) {
		var numbers struct{ Requested, Allowed string }
		sample.Check(json.Unmarshal(failure.Details, &numbers))
		fmt.Printf("%s  %6s  %s: %s of %s\n", day, amount, failure.Code, numbers.Requested, numbers.Allowed)
		return
	}
	sample.Check(err)
	fmt.Printf("%s  %6s  posted", day, amount)
	for _, warning := range posted.Warnings {
		fmt.Printf(", warned: %s of %s", warning.Requested, warning.Allowed)
	}
	fmt.Println()
}
