# frozen_string_literal: true

require_relative "behaviour/sqlite"

# Active Record's SQLite adapter.
class ActiveRecordSqliteTest < Minitest::Test
  include SqliteBehaviours

  def new_driver(path, table)
    RecordDriver.new({ adapter: "sqlite3", database: path, timeout: 2000 }, table)
  end

  def test_prepared_statements_may_be_off
    driver = RecordDriver.new({ adapter: "sqlite3", database: @path, timeout: 2000, prepared_statements: false },
                              "orders")
    driver.transaction { |handle| @fixture.pay(part(handle)) }
    driver.close
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  # Before 7.2 Active Record itself keeps the connection for the thread.
  def test_a_lent_connection_is_given_back
    skip "Active Record is older than 7.2" if ActiveRecord.version < Gem::Version.new("7.2")
    @driver.release
    @driver.transaction { |connection| @fixture.pay(part(connection)) }
    refute_predicate @driver, :leased?
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  def test_begin_comes_late_but_in_time
    @driver.transaction { |handle| @fixture.pay(part(handle)) } # the ledger's is the first statement of all
    tx = nil
    @driver.transaction do |handle|
      tx = part(handle)
      handle.transaction(requires_new: true) { @fixture.pay(tx) && raise(ActiveRecord::Rollback) }
    end
    assert_equal "10.00", @fixture.bobs(@ledger)
  end
end
