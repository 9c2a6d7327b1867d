# frozen_string_literal: true

# Following the ledger: a second program is told of everything once, in order, and goes on where it stopped.
require "cala"
require_relative "book"
include Book

Cala::Ledger.open(store: "sqlite::memory:") do |ledger|
  main = ledger.journals.create(code: "MAIN", name: "Main")[:id]
  bank = account(ledger, "BANK", "debit")
  alice = account(ledger, "ALICE")
  names = { bank => "BANK", alice => "ALICE" }
  template(ledger, main, "DEPOSIT", { amount: "decimal" }, [debit("uuid('#{bank}')"), credit("uuid('#{alice}')")])
  ledger.post("DEPOSIT", { amount: "10.00" })

  # Reads what is new; gives the place to keep, in the same transaction as what was made of the events.
  follow = lambda do |place|
    loop do
      page = ledger.events.list(after: place, limit: 2, balances: true)
      page[:items].each do |event|
        puts "  #{event[:type]}"
        event.fetch(:balances, []).each do |balance|
          puts format("    %-5s has %s", names[balance[:account_id]], balance[:settled][:net])
        end
      end
      place = page[:place]
      break place unless page[:has_next_page]
    end
  end

  puts "from the beginning"
  kept = follow.call(0)
  ledger.accounts.lock(alice)
  ledger.accounts.unlock(alice)
  ledger.post("DEPOSIT", { amount: "5.00" })
  puts "and what came since"
  kept = follow.call(kept)
  puts "nothing is left: #{follow.call(kept) == kept ? "yes" : "no"}"
end
