# frozen_string_literal: true

require_relative "program"
require "logger"

# A logger that raises, in the thread that asked, and threads that are interrupted while they wait: the ledger goes on.
class Unlucky < Logger
  def add(*)
    raise IOError, "no more space for the log"
  end
end

Thread.report_on_exception = false
ledger = open_ledger(logger: Unlucky.new($stderr))
fixture = Fixture.new(ledger)
fixture.pay(ledger)
20.times do
  thread = Thread.new { loop { fixture.pay(ledger, "1") } }
  Thread.pass
  thread.raise(IOError)
  begin
    thread.join
  rescue IOError
    next
  end
end
before = fixture.bobs(ledger).to_i
Array.new(4) { Thread.new { 5.times { fixture.pay(ledger, "1") } } }.each(&:join)
expect(fixture.bobs(ledger).to_i >= before + 20, "the ledger goes on")
ledger.close
puts "ok"
