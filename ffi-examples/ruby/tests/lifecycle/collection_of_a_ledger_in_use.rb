# frozen_string_literal: true

require_relative "program"

# In frames and a thread of their own, so that no stack still refers to the ledger.
def deeply(depth, &block)
  depth.zero? ? block.call : deeply(depth - 1, &block)
end

tx = nil
Thread.new { deeply(20) { tx = open_ledger.begin } }.join
20.times { GC.start && sleep(0.01) }
Fixture.new(tx).pay(tx) # what works in a ledger keeps it open
tx.commit
puts "ok"
