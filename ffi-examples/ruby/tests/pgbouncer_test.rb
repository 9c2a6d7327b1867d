# frozen_string_literal: true

require_relative "support"
require_relative "behaviour/drivers"

# Through pgbouncer in transaction mode: every transaction may have another connection of the server's.
class PgbouncerTest < Minitest::Test
  def setup
    skip "CALA_TEST_PGBOUNCER is not set" unless PGBOUNCER && POSTGRES
    @ledger = Cala::Ledger.open(store: POSTGRES, migrate: true, schema: "cala_ruby_bouncer")
    @fixture = Fixture.new(@ledger)
  end

  def teardown
    @ledger&.close
  end

  def test_pgbouncer_in_transaction_mode
    drivers = [PgDriver.new(PGBOUNCER, "none"),
               RecordDriver.new(RecordDriver.of_url(PGBOUNCER).merge(prepared_statements: false), "none")]
    drivers.each { |driver| commit_and_roll_back(driver) }
    assert_equal "120.00", @fixture.bobs(@ledger)
  end

  private

  def commit_and_roll_back(driver)
    6.times { driver.transaction { |handle| @fixture.pay(@ledger.in(handle)) } }
    6.times do
      driver.transaction { |handle| @fixture.pay(@ledger.in(handle)) && raise(IOError) }
    rescue IOError
      next
    end
    driver.close
  end
end
