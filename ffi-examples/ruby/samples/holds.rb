# frozen_string_literal: true

require_relative "sample"

open_ledger do |ledger|
  journal = ledger.journals.create(name: "Main", code: code("MAIN"))[:id]
  alice, shop = %w[ALICE SHOP].map { |name| ledger.accounts.create(code: code(name), name: name)[:id] }
  bank = ledger.accounts.create(code: code("BANK"), name: "Bank", normal_balance_type: "debit")[:id]
  { "DEPOSIT" => "SETTLED", "AUTHORISE" => "PENDING" }.each do |name, layer|
    ledger.tx_templates.create(
      code: code(name), params: params(debit: "uuid", credit: "uuid", amount: "decimal"),
      transaction: { effective: "date()", journal_id: "uuid('#{journal}')" },
      entries: entries(layer, debit: "params.debit", credit: "params.credit")
    )
  end
  show = lambda do
    balance = ledger.balances.find(journal_id: journal, account_id: alice, currency: "USD")
    puts "  ALICE  settled #{balance[:settled][:net]}  pending #{balance[:pending][:net]}  " \
         "available #{balance[:available][:pending]}"
  end
  hold = lambda do |amount, **more|
    request = { tx_template_code: code("AUTHORISE"), params: { debit: alice, credit: shop, amount: amount }, **more }
    ledger.holds.create(**request)[:hold][:id]
  end

  ledger.post(code("DEPOSIT"), { debit: bank, credit: alice, amount: "100.00" })
  hotel = hold.call("60.00", expires_at: "2999-01-01T00:00:00Z")
  puts "held 60.00 of 100.00"
  show.call
  part = ledger.holds.capture(hold_id: hotel, amount: "20.00", final: false)[:hold]
  puts "captured 20.00, #{part[:left]} left"
  show.call
  begin
    ledger.holds.capture(hold_id: hotel, amount: "50.00")
  rescue Cala::RejectedError => e
    puts "#{e.code}: #{e.details[:requested]} of #{e.details[:left]}"
  end

  last = { hold_id: hotel, id: SecureRandom.uuid, amount: "25.00" } # with an id of its own it can be repeated
  captured = ledger.holds.capture(**last)[:hold]
  puts "captured #{captured[:captured]} of #{captured[:amount]}, and the rest is released"
  show.call
  puts "the same again: replayed #{ledger.holds.capture(**last)[:replayed]}"
  begin
    ledger.holds.release(hold_id: hotel)
  rescue Cala::RejectedError => e
    puts "#{e.code}: #{e.details[:status]}"
  end

  ledger.holds.release(hold_id: hold.call("30.00"))
  puts "released 30.00"
  show.call
  hold.call("10.00", expires_at: "2020-01-01T00:00:00Z")
  ledger.holds.expire
  expired, open = %w[expired open].map { |status| ledger.holds.list(account_id: alice, status: status).count }
  puts "expired 10.00, holds that have expired: #{expired}, open ones: #{open}"
  show.call
end
