# frozen_string_literal: true

# Currency exchange: euros for dollars, at a rate, each currency balanced by itself.
require "cala"
require_relative "book"
include Book

Cala::Ledger.open(store: "sqlite::memory:") do |ledger|
  main = ledger.journals.create(code: "MAIN", name: "Main")[:id]
  bank = account(ledger, "BANK", "debit")
  desk = account(ledger, "DESK")
  alice = account(ledger, "ALICE")

  template(ledger, main, "DEPOSIT", { wallet: "uuid", amount: "decimal", currency: "string" },
           [debit("uuid('#{bank}')", currency: "params.currency"),
            credit("params.wallet", currency: "params.currency")])
  # DESK takes what is sold and gives what is bought: its two balances are the house's position.
  bought = "decimal.Round(params.amount * params.rate, 2, 'HALF_EVEN')"
  template(ledger, main, "EXCHANGE",
           { wallet: "uuid", amount: "decimal", sold: "string", bought: "string", rate: "decimal" },
           [debit("params.wallet", currency: "params.sold"),
            credit("uuid('#{desk}')", currency: "params.sold"),
            debit("uuid('#{desk}')", bought, currency: "params.bought"),
            credit("params.wallet", bought, currency: "params.bought")],
           metadata: "{'rate': params.rate}")

  ledger.post("DEPOSIT", { wallet: alice, amount: "250.00", currency: "EUR" })
  exchange = { wallet: alice, amount: "100.00", sold: "EUR", bought: "USD", rate: "1.08335" }
  posted = ledger.post("EXCHANGE", exchange)
  puts "at #{posted[:transaction][:metadata][:rate]}"
  posted[:entries].each do |entry|
    name = entry[:account_id] == alice ? "ALICE" : "DESK"
    puts format("%-6s %-5s %6s %s", entry[:direction], name, entry[:units], entry[:currency])
  end
  { "ALICE" => alice, "DESK" => desk }.each do |code, id|
    ledger.balances.list(journal_id: main, account_ids: [id]).each do |balance|
      puts format("%-5s %7s %s", code, balance[:settled][:net], balance[:currency])
    end
  end
  ledger.trial_balance(journal_id: main)[:totals].each do |total|
    puts "#{total[:currency]}: debits #{total[:debit]}, credits #{total[:credit]}"
  end
end
