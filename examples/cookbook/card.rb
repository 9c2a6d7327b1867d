# frozen_string_literal: true

# A card: an authorisation is a hold; captures take parts of it, and the rest is released,
# by a call or when its time is over.
require "cala"
require_relative "book"
include Book

Cala::Ledger.open(store: "sqlite::memory:") do |ledger|
  main = ledger.journals.create(code: "MAIN", name: "Main")[:id]
  bank = "uuid('#{account(ledger, "BANK", "debit")}')"
  # What is authorised counts: settled and pending together are never below zero.
  alice = account(ledger, "ALICE", min_available: "0", available_layer: "pending")

  params = { card: "uuid", amount: "decimal" }
  template(ledger, main, "DEPOSIT", params, [debit(bank), credit("params.card")])
  template(ledger, main, "AUTHORISE", params,
           [debit("params.card", layer: "PENDING"), credit(bank, layer: "PENDING")])

  show = lambda do |what, amount|
    balance = ledger.balances.find(journal_id: main, account_id: alice, currency: "USD")
    puts format("%-9s %6s  settled %6s  pending %6s  available %6s", what, amount, balance[:settled][:net],
                balance[:pending][:net], balance[:available][:pending])
  end
  authorise = lambda do |amount, till|
    made = ledger.holds.create(tx_template_code: "AUTHORISE", params: { card: alice, amount: amount }, expires_at: till)
    show.call("AUTHORISE", amount)
    made[:hold][:id]
  end

  ledger.post("DEPOSIT", { card: alice, amount: "100.00" })
  show.call("DEPOSIT", "100.00")
  hotel = authorise.call("60.00", "2999-01-01T00:00:00Z")
  begin
    authorise.call("50.00", "2999-01-01T00:00:00Z")
  rescue Cala::RejectedError => e
    puts "AUTHORISE  50.00  refused: #{e.code}"
  end

  # A part, and more is to come. The last part gives back what is left.
  hold = ledger.holds.capture(hold_id: hotel, amount: "20.00", final: false)[:hold]
  show.call("CAPTURE", "20.00")
  puts "hotel: #{hold[:status]}, #{hold[:left]} left"
  hold = ledger.holds.capture(hold_id: hotel, amount: "25.00")[:hold]
  show.call("CAPTURE", "25.00")
  puts "hotel: #{hold[:status]}, #{hold[:captured]} of #{hold[:amount]}"

  ledger.holds.release(hold_id: authorise.call("30.00", "2999-01-01T00:00:00Z"))
  show.call("RELEASE", "30.00")

  # What has expired cannot be captured. Whoever runs the ledger calls this now and then, until it answers 0.
  authorise.call("10.00", "2020-01-01T00:00:00Z")
  expired = ledger.holds.expire[:expired]
  show.call("EXPIRE", "10.00")
  puts "open: #{ledger.holds.list(status: "open").count}, expired: #{expired}"
end
