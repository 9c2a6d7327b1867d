# frozen_string_literal: true

# A wallet: money comes in, money goes out, never more than there is.
require "cala"
require_relative "book"
include Book

Cala::Ledger.open(store: "sqlite::memory:") do |ledger|
  main = ledger.journals.create(code: "MAIN", name: "Main")[:id]
  bank = account(ledger, "BANK", "debit")
  alice = account(ledger, "ALICE", min_available: "0")

  params = { wallet: "uuid", amount: "decimal", payment: "string" }
  { "DEPOSIT" => ["uuid('#{bank}')", "params.wallet"],
    "WITHDRAWAL" => ["params.wallet", "uuid('#{bank}')"] }.each do |code, (debited, credited)|
    template(ledger, main, code, params, [debit(debited), credit(credited)], external_id: "params.payment")
  end

  wallet = -> { ledger.balances.find(journal_id: main, account_id: alice, currency: "USD")[:settled][:net] }
  pay = lambda do |code, payment, amount|
    posted = ledger.post(code, { wallet: alice, amount: amount, payment: payment })
    puts format("%-10s %6s  %-8s  wallet %s", code, amount, posted[:replayed] ? "replayed" : "posted", wallet.call)
  rescue Cala::RejectedError => e
    puts format("%-10s %6s  refused   wallet %s, %s", code, amount, wallet.call, e.code)
  end

  pay.call("DEPOSIT", "payment-1", "100.00")
  pay.call("WITHDRAWAL", "payment-2", "30.00")
  pay.call("WITHDRAWAL", "payment-3", "80.00")
  pay.call("DEPOSIT", "payment-1", "100.00") # its answer was lost, so it is sent again

  # What would become of it, before anybody is asked to confirm.
  %w[70.00 70.01].each do |amount|
    asked = { wallet: alice, amount: amount, payment: "payment-4" }
    preview = ledger.transactions.preview(tx_template_code: "WITHDRAWAL", params: asked)
    if preview[:would_post]
      puts "#{amount} would be paid"
    else
      puts "#{amount} would be refused: #{preview[:error][:details][:available]} is there"
    end
  end
end
