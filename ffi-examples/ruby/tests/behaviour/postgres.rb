# frozen_string_literal: true

require_relative "shared"

# What is asked of drivers on PostgreSQL. A class that includes this gives new_driver(table).
module PostgresBehaviours
  include SharedBehaviours

  RR = "ISOLATION LEVEL REPEATABLE READ"
  SCHEMA = "cala_ruby_behaviour"

  def setup
    skip "CALA_TEST_POSTGRES is not set" unless POSTGRES
    @table = "orders_#{SecureRandom.hex(4)}"
    @ledger = Cala::Ledger.open(store: POSTGRES, migrate: true, schema: SCHEMA)
    @fixture = Fixture.new(@ledger)
    @driver = new_driver(@table)
    @driver.execute("CREATE TABLE #{@table} (note text)")
    @driver_runs_statements = true
  end

  def teardown
    @driver&.execute("DROP TABLE #{@table}")
    @driver&.close
    @ledger&.close
  end

  def test_sql_error_aborts_the_transaction
    assert_raises(@driver.refused) do
      transaction do |tx|
        @driver.insert
        @driver.execute("SET TRANSACTION READ ONLY")
        assert_equal "25006", assert_read_only(:aborted) { @fixture.pay(tx) }.sqlstate
        @driver.count
      end
    end
    assert_equal [0, "0"], [@driver.count, @fixture.bobs(@ledger)]
  end

  def test_sql_error_behind_a_savepoint_leaves_it_usable
    transaction(savepoint: true) do |tx|
      @driver.insert
      @driver.execute("SET TRANSACTION READ ONLY")
      assert_read_only(:usable) { @fixture.pay(tx) }
      assert_equal 1, @driver.count
    end
    assert_equal [1, "0"], [@driver.count, @fixture.bobs(@ledger)]
  end

  def test_cancelled_midway_leaves_nothing
    @ledger.begin do |blocker|
      @fixture.pay(blocker)
      assert_raises(SharedBehaviours::Interrupted) do
        transaction do |tx|
          interrupt_when_waiting_for_a_lock(Thread.current)
          @fixture.pay(tx)
        end
      end
      assert_equal 1, @driver.value("SELECT 1").to_i
      assert_equal 0, @driver.count
    end
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  def test_timeout_midway_leaves_nothing
    @ledger.begin do |blocker|
      @fixture.pay(blocker)
      assert_raises(Timeout::Error) { Timeout.timeout(0.2) { transaction { |tx| @fixture.pay(tx) } } }
    end
    transaction { |tx| @fixture.pay(tx) }
    assert_equal "20.00", @fixture.bobs(@ledger)
  end

  def test_retry_runs_the_whole_transaction_again
    attempts = 0
    @ledger.retrying do
      transaction(RR) do |tx|
        attempts += 1
        @driver.insert
        @fixture.pay(@ledger) if attempts == 1
        @fixture.pay(tx)
      end
    end
    assert_equal [2, 1, "20.00"], [attempts, @driver.count, @fixture.bobs(@ledger)]
  end

  def test_retrying_takes_the_drivers_own_word_for_a_lost_race
    @driver.insert
    other = new_driver(@table)
    attempts = 0
    @ledger.retrying do
      transaction(RR) do |tx|
        attempts += 1
        @driver.count
        other.execute("UPDATE #{@table} SET note = 'coffee'") if attempts == 1
        @driver.execute("UPDATE #{@table} SET note = 'water'")
        @fixture.pay(tx)
      end
    end
    assert_equal [2, "10.00"], [attempts, @fixture.bobs(@ledger)]
  ensure
    other&.close
  end

  def test_retrying_ends
    attempts = 0
    assert_raises(Cala::ConflictError) do
      @ledger.retrying(attempts: 2) do
        transaction(RR) do |tx|
          attempts += 1
          @driver.count
          @fixture.pay(@ledger)
          @fixture.pay(tx)
        end
      end
    end
    assert_equal [2, "20.00"], [attempts, @fixture.bobs(@ledger)]
  end

  def test_read_only_is_refused
    transaction("READ ONLY") { |tx| assert_read_only(:aborted) { @fixture.pay(tx) } }
    assert_equal "0", @fixture.bobs(@ledger)
  end

  def test_older_snapshots_are_never_silently_stale
    ["REPEATABLE READ", "SERIALIZABLE"].each do |level|
      before = @fixture.bobs(@ledger).to_i
      landed = 0
      begin
        transaction("ISOLATION LEVEL #{level}") do |tx|
          @driver.count # takes the snapshot
          @fixture.pay(@ledger, "3")
          @fixture.pay(tx, "5")
        end
        landed = 5
      rescue Cala::ConflictError => e
        assert_equal :retry, e.tx_state, level
      end
      assert_equal before + 3 + landed, @fixture.bobs(@ledger).to_i, level
    end
  end

  def test_locking_first_prevents_deadlocks
    keys = [@fixture.key(@fixture.alice), @fixture.key(@fixture.bob)]
    @fixture.pay(@ledger)
    gate = Thread::Queue.new
    threads = [keys, keys.reverse].map do |order|
      Thread.new do
        driver = new_driver(@table)
        gate.pop
        5.times { driver.transaction { |handle| cross(part(handle), order) } }
        driver
      end
    end
    2.times { gate.push(:go) }
    threads.each { |thread| thread.value.close }
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  def test_host_only_in_memory
    @driver.execute("DROP SCHEMA IF EXISTS cala_ruby_host_only CASCADE")
    Cala::Ledger.open(store: "host:postgres", schema: "cala_ruby_host_only") do |ledger|
      @driver.transaction { |handle| ledger.in(handle).migrate }
      fixture = @driver.transaction { |handle| Fixture.new(ledger.in(handle)) }
      @driver.transaction { |handle| fixture.pay(ledger.in(handle)) }
      @driver.transaction { |handle| assert_equal "10.00", fixture.bobs(ledger.in(handle)) }
    end
  end

  private

  def cross(tx, keys)
    assert_same_members keys, tx.lock_accounts(keys)
    keys.each { |key| tx.balances.find(**key) }
    from, to = keys.map { |key| key[:account_id] }
    @fixture.pay(tx, "1", from: from, to: to)
  end

  def interrupt_when_waiting_for_a_lock(thread)
    pid = @driver.value("SELECT pg_backend_pid()")
    Thread.new do
      watcher = PgDriver.new(POSTGRES, @table)
      sleep 0.01 until watcher.value("SELECT count(*) FROM pg_stat_activity WHERE pid = #{pid} AND " \
                                     "wait_event_type = 'Lock'") == "1"
      thread.raise(SharedBehaviours::Interrupted)
      watcher.close
    end
  end
end
