# frozen_string_literal: true

require_relative "../support"
require_relative "drivers"

# What every driver is held to, on every store; ../../README.md has the list. A class that includes this gives
# driver_class and store.
module SharedBehaviours
  def test_commit_leaves_both
    transaction { |tx| @driver.insert && @fixture.pay(tx) }
    assert_equal [1, "10.00"], [@driver.count, @fixture.bobs(@ledger)]
  end

  def test_rollback_leaves_neither
    assert_raises(Interrupted) do
      transaction do |tx|
        @driver.insert
        @fixture.pay(tx)
        raise Interrupted
      end
    end
    assert_equal [0, "0"], [@driver.count, @fixture.bobs(@ledger)]
  end

  def test_rejection_leaves_the_transaction_usable
    transaction do |tx|
      error = assert_raises(Cala::RejectedError) { @fixture.pay(tx, to: @fixture.carol) }
      assert_equal ["account.locked", :usable], [error.code, error.tx_state]
      error = assert_raises(Cala::RejectedError) { @fixture.pay_lopsided(tx) }
      assert_equal ["posting.unbalanced", :usable], [error.code, error.tx_state]
      @driver.insert
      @fixture.pay(tx)
    end
    assert_equal [1, "10.00"], [@driver.count, @fixture.bobs(@ledger)]
  end

  def test_duplicate_returns_the_first_result
    id = SecureRandom.uuid
    first = @fixture.pay(@ledger, id: id)
    transaction do |tx|
      again = @fixture.pay(tx, id: id)
      assert again[:replayed]
      assert_equal first[:transaction], again[:transaction]
    end
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  def test_without_begin_nothing_is_written
    error = assert_raises(Cala::MisuseError) { @fixture.pay(part(@driver.handle)) }
    assert_equal "transaction.none", error.code
    error = assert_raises(Cala::MisuseError) { part(@driver.handle).accounts.create(code: "NONE",
        name: "Of no transaction") }
    assert_equal "transaction.none", error.code
    assert_raises(Cala::NotFoundError) { @ledger.accounts.find(code: "NONE") }
    assert_equal "0", @fixture.bobs(@ledger)
  end

  # Begun by hand: Active Record's own transaction keeps other threads out until it ends.
  def test_interleaved_operations_take_turns
    @driver.execute("BEGIN")
    handle = @driver.handle
    threads = Array.new(2) { Thread.new { 3.times { @fixture.pay(part(handle)) } } }
    threads.each(&:join)
    @driver.execute("COMMIT")
    assert_equal "60.00", @fixture.bobs(@ledger)
  end

  def test_reading_inside_sees_it_outside_does_not
    transaction do |tx|
      @fixture.pay(tx)
      assert_equal ["10.00", "0"], [@fixture.bobs(tx), @fixture.bobs(@ledger)]
    end
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  # The program goes on after the interruption and commits: still nothing of the ledger's may be there.
  def test_cancelled_between_two_statements_leaves_nothing
    transaction do |tx|
      interrupt_second_statement
      assert_raises(Interrupted) { @fixture.pay(tx) }
      @driver.insert
    end
    assert_equal [1, "0"], [@driver.count, @fixture.bobs(@ledger)]
    transaction { |tx| @fixture.pay(tx) }
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  class Interrupted < StandardError; end

  private

  def part(handle, **options)
    @ledger.in(handle, **options)
  end

  def transaction(mode = "", **options)
    @driver.transaction(mode) { |handle| yield part(handle, **options), handle }
  end

  # An error that the database raised, which the driver's exception is the cause of.
  def assert_read_only(tx_state, &posting)
    error = assert_raises(Cala::PermissionError, &posting)
    assert_equal ["store.read_only", tx_state], [error.code, error.tx_state]
    assert_kind_of @driver.driver_refused, error.cause if @driver_runs_statements
    error
  end

  # As Thread#raise does when it comes between the first and the second statement of an operation.
  def interrupt_second_statement
    calls = 0
    target, name = @driver.statements
    target.singleton_class.define_method(name) do |*arguments, **options, &block|
      if (calls += 1) == 2
        singleton_class.remove_method(name)
        Thread.current.raise(Interrupted)
      end
      super(*arguments, **options, &block)
    end
  end
end
