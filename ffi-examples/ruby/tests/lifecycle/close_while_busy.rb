# frozen_string_literal: true

require_relative "program"

# Every post is answered: it landed, was cancelled before it began, or came too late.
# What was answered with success is there.
ledger = open_ledger
fixture = Fixture.new(ledger)
landed = Thread::Queue.new
threads = Array.new(8) do
  Thread.new do
    loop { landed << fixture.pay(ledger, "1") }
  rescue Cala::ClosedError, Cala::CancelledError
    :told
  end
end
5.times { landed.pop }
closers = Array.new(2) { Thread.new { ledger.close } }
expect(threads.map(&:value).uniq == [:told], "every thread hears of the closing")
closers.each(&:join)

again = open_ledger
expect(fixture.bobs(again).to_i == landed.size + 5, "what was answered with success is there, and nothing else")
again.close
puts "ok"
