# frozen_string_literal: true

require_relative "shared"

# What is asked of drivers on SQLite. A class that includes this gives new_driver(path, table).
module SqliteBehaviours
  include SharedBehaviours

  def setup
    @folder = Dir.mktmpdir("cala")
    @path = File.join(@folder, "ledger.db")
    @ledger = Cala::Ledger.open(store: "sqlite:#{@path}")
    @fixture = Fixture.new(@ledger)
    @driver = new_driver(@path, "orders")
    @driver.execute("CREATE TABLE orders (note text)")
    @driver_runs_statements = true
  end

  def teardown
    @driver.close
    @ledger.close
    FileUtils.rm_rf(@folder)
  end

  def test_sql_error_leaves_the_transaction_usable
    refused_then_committed
  end

  def test_sql_error_behind_a_savepoint_leaves_it_usable
    refused_then_committed(savepoint: true)
  end

  def test_retry_runs_the_whole_transaction_again
    attempts = 0
    @ledger.retrying do
      transaction do |tx|
        attempts += 1
        @driver.count # takes the snapshot that the ledger's own connection then makes old
        @fixture.pay(@ledger) if attempts == 1
        @fixture.pay(tx)
        @driver.insert
      end
    end
    assert_equal [2, 1, "20.00"], [attempts, @driver.count, @fixture.bobs(@ledger)]
  end

  def test_retrying_takes_the_drivers_own_word_for_a_lost_race
    attempts = 0
    @ledger.retrying do
      transaction do |tx|
        attempts += 1
        @driver.count
        @fixture.pay(@ledger) if attempts == 1
        @driver.insert
        @fixture.pay(tx)
      end
    end
    assert_equal [2, 1, "20.00"], [attempts, @driver.count, @fixture.bobs(@ledger)]
  end

  def test_read_only_is_refused
    @driver.execute("PRAGMA query_only = 1")
    transaction { |tx| assert_read_only(:usable) { @fixture.pay(tx) } }
    @driver.execute("PRAGMA query_only = 0")
    assert_equal "0", @fixture.bobs(@ledger)
  end

  def test_beside_an_open_ledger_on_the_same_file
    5.times do
      @fixture.pay(@ledger)
      transaction { |tx| @driver.insert && @fixture.pay(tx) }
    end
    assert_equal "100.00", @fixture.bobs(@ledger)
    transaction { |tx| assert_equal "100.00", @fixture.bobs(tx) }
    assert_equal [5, "ok"], [@driver.count, @driver.value("PRAGMA integrity_check")]
  end

  def test_locking_first_is_accepted
    transaction do |tx|
      keys = [@fixture.key(@fixture.bob), @fixture.key(@fixture.alice)]
      assert_same_members keys, tx.lock_accounts(keys)
      @fixture.pay(tx)
    end
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  def test_host_only_in_memory
    driver = new_driver(":memory:", "orders")
    Cala::Ledger.open(store: "host:sqlite") do |ledger|
      driver.transaction { |handle| ledger.in(handle).migrate }
      fixture = driver.transaction { |handle| Fixture.new(ledger.in(handle)) }
      driver.transaction { |handle| fixture.pay(ledger.in(handle)) }
      driver.transaction { |handle| assert_equal "10.00", fixture.bobs(ledger.in(handle)) }
    end
  ensure
    driver&.close
  end

  private

  def refused_then_committed(**options)
    transaction(**options) do |tx|
      @driver.execute("PRAGMA query_only = 1")
      assert_read_only(:usable) { @fixture.pay(tx) }
      @driver.execute("PRAGMA query_only = 0")
      @driver.insert
      @fixture.pay(tx)
    end
    assert_equal [1, "10.00"], [@driver.count, @fixture.bobs(@ledger)]
  end
end
