# frozen_string_literal: true

require_relative "program"

ledger = open_ledger
fixture = Fixture.new(ledger)
fixture.pay(ledger)
tx = ledger.begin
fixture.pay(tx)
puts "ok"
