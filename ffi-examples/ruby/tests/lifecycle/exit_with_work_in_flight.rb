# frozen_string_literal: true

require_relative "program"

ledger = open_ledger
fixture = Fixture.new(ledger)
done = Thread::Queue.new
8.times { Thread.new { loop { done << fixture.pay(ledger) } } }
10.times { done.pop }
puts "ok"
