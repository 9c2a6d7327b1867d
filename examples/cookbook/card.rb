# frozen_string_literal: true

# A card: an authorisation holds money in the pending layer, captures take parts of it, the rest is released.
require "cala"
require_relative "book"
include Book

Cala::Ledger.open(store: "sqlite::memory:") do |ledger|
  main = ledger.journals.create(code: "MAIN", name: "Main")[:id]
  bank = "uuid('#{account(ledger, "BANK", "debit")}')"
  # What is authorised counts: settled and pending together are never below zero.
  alice = account(ledger, "ALICE", min_available: "0", available_layer: "pending")

  params = { card: "uuid", amount: "decimal" }
  held = { **params, authorisation: "string" }
  together = { correlation_id: "params.authorisation" }
  hold = [debit("params.card", layer: "PENDING"), credit(bank, layer: "PENDING")]
  release = [credit("params.card", layer: "PENDING"), debit(bank, layer: "PENDING")]
  template(ledger, main, "DEPOSIT", params, [debit(bank), credit("params.card")])
  template(ledger, main, "AUTHORISE", held, hold, **together)
  # A capture undoes its part of the authorisation and moves the money, in one transaction.
  template(ledger, main, "CAPTURE", held, [*release, debit("params.card"), credit(bank)], **together)
  template(ledger, main, "RELEASE", held, release, **together)

  post = lambda do |code, amount, **more|
    ledger.post(code, { card: alice, amount: amount, **more })
    balance = ledger.balances.find(journal_id: main, account_id: alice, currency: "USD")
    puts format("%-9s %6s  settled %6s  pending %6s  available %6s", code, amount, balance[:settled][:net],
                balance[:pending][:net], balance[:available][:pending])
  rescue Cala::RejectedError => e
    puts format("%-9s %6s  refused: %s", code, amount, e.code)
  end

  post.call("DEPOSIT", "100.00")
  post.call("AUTHORISE", "60.00", authorisation: "hotel")
  post.call("AUTHORISE", "50.00", authorisation: "shop")
  post.call("CAPTURE", "45.00", authorisation: "hotel")
  post.call("RELEASE", "15.00", authorisation: "hotel")
  hotel = ledger.transactions.list(correlation_id: "hotel").map { |transaction| transaction[:tx_template_code] }
  puts "hotel: #{hotel.join(", ")}"
end
