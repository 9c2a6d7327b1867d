# frozen_string_literal: true

# Taking back a mistake: what was posted stays, and its void is posted beside it, once.
require "cala"
require "securerandom"
require_relative "book"
include Book

Cala::Ledger.open(store: "sqlite::memory:") do |ledger|
  main = ledger.journals.create(code: "MAIN", name: "Main")[:id]
  bank = account(ledger, "BANK", "debit")
  alice = account(ledger, "ALICE")
  alan = account(ledger, "ALAN")
  names = { bank => "BANK", alice => "ALICE", alan => "ALAN" }
  template(ledger, main, "DEPOSIT", { wallet: "uuid", amount: "decimal" },
           [debit("uuid('#{bank}')"), credit("params.wallet")], description: "'Paid in'")

  wrong = ledger.post("DEPOSIT", { wallet: alan, amount: "100.00" })[:transaction][:id]
  void = { id: wrong, void_id: SecureRandom.uuid, description: "Meant for Alice" }
  ledger.transactions.void(**void)
  puts "sent again: #{ledger.transactions.void(**void)[:replayed] ? "replayed" : "twice!"}"
  begin
    ledger.transactions.void(id: wrong)
  rescue Cala::RejectedError => e
    puts "another void: #{e.code}"
  end
  ledger.post("DEPOSIT", { wallet: alice, amount: "100.00" })

  ledger.transactions.list(journal_id: main).each do |transaction|
    state = transaction[:voided_by] ? "voided" : (transaction[:void_of] ? "void" : "stands")
    puts "#{transaction[:description]}: #{state}"
    ledger.entries.list(transaction_id: transaction[:id]).each do |entry|
      columns = [entry[:direction], names[entry[:account_id]], entry[:units], entry[:entry_type]]
      puts format("  %-6s %-5s %7s  %s", *columns)
    end
  end
  [alan, alice].each do |id|
    balance = ledger.balances.find(journal_id: main, account_id: id, currency: "USD")
    puts format("%-5s has %s", names[id], balance[:settled][:net])
  end
end
