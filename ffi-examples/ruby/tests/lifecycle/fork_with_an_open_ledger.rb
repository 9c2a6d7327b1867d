# frozen_string_literal: true

require_relative "program"

def in_child
  pid = fork { yield }
  _, status = Process.wait2(pid)
  expect(status.success?, "the child ends well")
end

def forked?
  yield
  false
rescue Cala::ForkedError => e
  e.code == "process.forked" && e.message.include?("open one in the child")
end

ledger = open_ledger
fixture = Fixture.new(ledger)
fixture.pay(ledger)
busy = Thread.new { 20.times { fixture.pay(ledger) } }
tx = nil

in_child do
  expect(forked? { ledger.info }, "an operation says that the ledger is the parent's")
  expect(forked? { ledger.begin { |own| own.info } }, "so does a transaction")
  expect(forked? { ledger.accounts.list.first }, "so does a list")
  ledger.close # nothing of the parent's
  own = open_ledger
  fixture.pay(own)
  own.close
  ObjectSpace.garbage_collect
end
busy.join

ledger.begin do |parents|
  tx = parents
  fixture.pay(tx)
  in_child do
    expect(forked? { tx.info }, "an inherited transaction says so too")
    tx = parents = nil # rubocop:disable Lint/UselessAssignment -- for the collector
    GC.start
  end
  fixture.pay(parents)
end

expect(fixture.bobs(ledger) == "240.00", "all postings of both are there")
ledger.close
puts "ok"
