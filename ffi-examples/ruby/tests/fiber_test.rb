# frozen_string_literal: true

require_relative "support"
require_relative "behaviour/drivers"
require_relative "behaviour/fiber_scheduler"

# Under a Fiber scheduler whoever waits for the ledger lets the other fibers of its thread run.
class FiberTest < Minitest::Test
  def test_one_fiber_waits_while_another_works
    events = []
    Cala::Ledger.open(store: "sqlite::memory:") do |ledger|
      fixture = Fixture.new(ledger)
      under_a_scheduler do
        %i[a b].each do |name|
          Fiber.schedule do
            3.times { events << name && fixture.pay(ledger) }
          end
        end
      end
      assert_equal "60.00", fixture.bobs(ledger)
    end
    assert_equal %i[a b], events.first(2)
  end

  def test_own_transactions_and_closing_yield_too
    other_ran = false
    under_a_scheduler do
      Fiber.schedule do
        Cala::Ledger.open(store: "sqlite::memory:") do |ledger|
          fixture = Fixture.new(ledger)
          ledger.begin { |tx| fixture.pay(tx) }
          assert_equal "10.00", fixture.bobs(ledger)
        end
      end
      Fiber.schedule { other_ran = true }
    end
    assert other_ran
  end

  # The fiber that pays first holds Bob's balance until it has slept: the second waits on its own connection, in the
  # same thread.
  def test_two_fibers_with_connections_of_their_own
    skip "CALA_TEST_POSTGRES is not set" unless POSTGRES
    Cala::Ledger.open(store: POSTGRES, migrate: true, schema: "cala_ruby_fiber") do |ledger|
      fixture = Fixture.new(ledger)
      under_a_scheduler { 2.times { Fiber.schedule { pay_and_linger(ledger, fixture) } } }
      assert_equal "20.00", fixture.bobs(ledger)
    end
  end

  private

  def pay_and_linger(ledger, fixture)
    driver = PgDriver.new(POSTGRES, "none")
    driver.transaction do |handle|
      fixture.pay(ledger.in(handle))
      sleep 0.05
    end
    driver.close
  end

  def under_a_scheduler(&block)
    Thread.new do
      Fiber.set_scheduler(SmallScheduler.new)
      block.call
    end.join
  end
end
