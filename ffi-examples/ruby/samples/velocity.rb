# frozen_string_literal: true

require_relative "sample"

# A limit on what is debited within a day, and a control that has it.
def daily_control(ledger, amount, limit_params: [], **control)
  limit = ledger.velocity_limits.create(
    name: "Daily", currency: "USD", params: limit_params,
    window: [{ alias: "day", value: "context.vars.transaction.effective.format('%Y-%m-%d')" }],
    limit: { balance: [{ layer: "SETTLED", amount: amount, enforcement_direction: "DEBIT" }] }
  )
  created = ledger.velocity_controls.create(**control)
  ledger.velocity_controls.add_limit(control_id: created[:id], limit_id: limit[:id])
  created[:id]
end

open_ledger do |ledger|
  journal = ledger.journals.create(name: "Main", code: code("MAIN"))[:id]
  alice, shop = %w[ALICE SHOP].map { |name| ledger.accounts.create(code: code(name), name: name)[:id] }
  ledger.tx_templates.create(
    code: code("PAY"),
    params: params(journal: "uuid", amount: "decimal", day: "date"),
    transaction: { effective: "params.day", journal_id: "params.journal" },
    entries: entries("SETTLED", debit: "uuid('#{alice}')", credit: "uuid('#{shop}')")
  )
  pay = lambda do |amount, day|
    warnings = ledger.post(code("PAY"), { journal: journal, amount: amount, day: day }).fetch(:warnings, [])
    warned = warnings.map { |warning| ", warned: #{warning[:requested]} of #{warning[:allowed]}" }
    puts format("%s  %6s  posted%s", day, amount, warned.join)
  rescue Cala::RejectedError => e
    puts format("%s  %6s  %s: %s of %s", day, amount, e.code, *e.details.values_at(:requested, :allowed))
  end

  daily = daily_control(ledger, "params.most", limit_params: params(most: "decimal"), name: "Cards")
  ledger.velocity_controls.attach(control_id: daily, account_ids: [alice], params: { most: "100" })
  puts "at most 100 a day"
  pay.call("60.00", "2026-01-30")
  pay.call("50.00", "2026-01-30")
  pay.call("50.00", "2026-01-31")
  rooms = ledger.velocities.headroom(account_id: alice).map { |room| "#{room[:left]} of #{room[:limit]}" }
  puts "left of the days: #{rooms.join(", ")}"

  ledger.velocity_controls.attach(control_id: daily, account_ids: [alice], params: { most: "200" }, replace: true)
  watched = daily_control(ledger, "decimal('30')", name: "Watched", enforcement: { action: "warn" })
  ledger.velocity_controls.attach(control_id: watched, account_ids: [alice])
  puts "at most 200 a day, and a warning above 30"
  pay.call("50.00", "2026-01-30")
  pay.call("20.00", "2026-02-01")

  ledger.velocity_controls.detach(control_id: daily, account_ids: [alice])
  puts "without the limit: #{ledger.velocity_attachments.list(account_id: alice).count} control attached"
  pay.call("500.00", "2026-02-01")
end
