# frozen_string_literal: true

require_relative "program"

# Collecting what is young at every allocation finds whatever is used after it was let go.
fixture = open_ledger.then { |ledger| Fixture.new(ledger).tap { ledger.close } }
GC.stress = 1
ledger = Cala::Ledger.open(store: STORE)
GC.stress = false
ledger.begin.info # nobody ends this transaction but its finalizer
GC.start
GC.stress = 1
fixture.pay(ledger)
ledger.begin { |tx| tx.accounts.list(first: 2).first(1) }
begin
  ledger.accounts.find(code: "NOBODY")
rescue Cala::NotFoundError => e
  expect(e.code == "account.not_found", "an error")
end
ledger.close
GC.stress = false
Cala::Ledger.open(store: STORE) { |again| expect(fixture.bobs(again) == "10.00", "what was posted is there") }
puts "ok"
