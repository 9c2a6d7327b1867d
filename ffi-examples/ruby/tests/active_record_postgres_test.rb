# frozen_string_literal: true

require_relative "behaviour/postgres"

# Active Record's PostgreSQL adapter.
class ActiveRecordPostgresTest < Minitest::Test
  include PostgresBehaviours

  def new_driver(table)
    RecordDriver.new(RecordDriver.of_url(POSTGRES), table)
  end

  def test_a_nested_transaction_is_a_savepoint
    transaction do |tx|
      @fixture.pay(tx)
      @driver.handle.transaction(requires_new: true) do
        @driver.insert
        @fixture.pay(tx)
        raise ActiveRecord::Rollback
      end
    end
    assert_equal [0, "10.00"], [@driver.count, @fixture.bobs(@ledger)]
  end
end
