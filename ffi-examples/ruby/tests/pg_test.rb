# frozen_string_literal: true

require_relative "behaviour/postgres"

# A PG::Connection, its statements run by the gem.
class PgTest < Minitest::Test
  include PostgresBehaviours

  def new_driver(table)
    PgDriver.new(POSTGRES, table)
  end

  def test_a_ledger_on_another_kind_of_store_takes_no_part
    Cala::Ledger.open(store: "host:sqlite") do |ledger|
      transaction do
        assert_equal "call.misuse", assert_raises(Cala::MisuseError) { ledger.in(@driver.handle) }.code
        @driver.insert
      end
    end
    assert_equal 1, @driver.count
  end

  def test_type_maps_of_the_program_do_not_matter
    @driver.handle.type_map_for_results = PG::BasicTypeMapForResults.new(@driver.handle)
    @driver.handle.type_map_for_queries = PG::BasicTypeMapForQueries.new(@driver.handle)
    code = @fixture.code("ZOË")
    transaction { |tx| tx.accounts.create(code: code, name: "Zoë") }
    transaction { |tx| assert_equal "Zoë", tx.accounts.find(code: code)[:name] }
    assert_equal "Zoë", @ledger.accounts.find(code: code)[:name]
  end

  # The gem translates, other drivers do not: one rule for all.
  def test_another_client_encoding_is_refused
    @driver.handle.set_client_encoding("LATIN1")
    code = @fixture.code("ZOË")
    transaction do |tx|
      error = assert_raises(Cala::MisuseError) { tx.accounts.create(code: code, name: "Zoë") }
      assert_equal ["tx.encoding", :usable], [error.code, error.tx_state]
      @driver.handle.set_client_encoding("UTF8")
      tx.accounts.create(code: code, name: "Zoë")
    end
    assert_equal "Zoë", @ledger.accounts.find(code: code)[:name]
  end

  def test_a_lost_connection_is_told
    error = assert_raises(Cala::UnavailableError) do
      @driver.handle.exec("BEGIN")
      PgDriver.new(POSTGRES, @table).execute("SELECT pg_terminate_backend(#{@driver.handle.backend_pid})")
      @fixture.pay(part(@driver.handle))
    end
    assert_equal "store.connection_lost", error.code
    @driver = new_driver(@table)
    assert_equal "0", @fixture.bobs(@ledger)
  end

  # The server ignores a cancel that comes before it has begun with the statement.
  def test_a_cancel_that_is_lost_is_sent_again
    cancels = 0
    @driver.handle.define_singleton_method(:cancel) { (cancels += 1) == 1 ? nil : super() }
    @ledger.begin do |blocker|
      @fixture.pay(blocker)
      assert_raises(SharedBehaviours::Interrupted) do
        transaction do |tx|
          interrupt_when_waiting_for_a_lock(Thread.current)
          @fixture.pay(tx)
        end
      end
    end
    assert_equal [2, "10.00"], [cancels, @fixture.bobs(@ledger)]
  end

  def test_a_notice_processor_that_raises_is_the_programs_own_business
    @driver.execute("SET client_min_messages = notice")
    @driver.handle.set_notice_processor { raise "not here" }
    transaction { |tx| @fixture.pay(tx) }
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  def test_other_things_are_refused_by_name
    assert_match(/String/, assert_raises(TypeError) { @ledger.in("postgres://") }.message)
    require "sqlite3"
    error = assert_raises(Cala::MisuseError) { @ledger.in(SQLite3::Database.new(":memory:")) }
    assert_match(/on postgres/, error.message)
  end
end

# The same connection, used by the library itself. It cannot be interrupted,
# and has no statements for the gem to refuse.
class PgAdoptTest < Minitest::Test
  include PostgresBehaviours

  undef_method :test_cancelled_midway_leaves_nothing, :test_cancelled_between_two_statements_leaves_nothing,
               :test_timeout_midway_leaves_nothing

  def new_driver(table)
    PgDriver.new(POSTGRES, table)
  end

  def setup
    super
    @driver_runs_statements = false
  end

  def test_notices_meanwhile_reach_nobody_and_harm_nobody
    @driver.handle.set_notice_processor { raise "not here" }
    transaction { |tx| @fixture.pay(tx) }
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  private

  def part(handle, **options)
    @ledger.in(handle, adopt: true, **options)
  end
end
