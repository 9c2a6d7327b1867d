# frozen_string_literal: true

require_relative "program"

def pumps
  Thread.list.count { |thread| thread.name == "cala" }
end

# In frames of their own, so that no stack still refers to a ledger.
def use(close:)
  ledger = open_ledger
  ledger.info
  ledger.close if close
end

def deeply(depth, &block)
  depth.zero? ? block.call : deeply(depth - 1, &block)
end

deeply(20) { 5.times { use(close: true) } }
expect(pumps.zero?, "a closed ledger has no thread")
GC.start

Thread.new { deeply(20) { 5.times { use(close: false) } } }.join
Timeout.timeout(30) do
  until pumps <= 1 # the collector may take something on the stack for a reference
    GC.start
    sleep 0.01
  end
end
open_ledger.close
puts "ok"
