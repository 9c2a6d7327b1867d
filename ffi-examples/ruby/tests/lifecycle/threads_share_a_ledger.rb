# frozen_string_literal: true

require_relative "program"

ledger = open_ledger
fixture = Fixture.new(ledger)
Array.new(16) { Thread.new { 10.times { fixture.pay(ledger, "1") } } }.each(&:join)
expect(fixture.bobs(ledger) == "160", "each posting of each thread landed once")
expect(ledger.transactions.list(journal_id: fixture.journal).map { |one| one[:id] }.uniq.size == 160,
       "and has an id of its own")
ledger.close
puts "ok"
