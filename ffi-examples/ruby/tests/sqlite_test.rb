# frozen_string_literal: true

require_relative "behaviour/sqlite"

# A SQLite3::Database.
class SqliteTest < Minitest::Test
  include SqliteBehaviours

  def new_driver(path, table)
    SqliteDriver.new(path, table)
  end

  def test_a_ledger_on_another_kind_of_store_takes_no_part
    Cala::Ledger.open(store: "host:postgres") do |ledger|
      error = assert_raises(Cala::MisuseError) { transaction { ledger.in(@driver.handle) } }
      assert_equal "call.misuse", error.code
    end
  end

  def test_a_database_that_is_closed_is_misuse
    other = new_driver(@path, "orders")
    inside = @ledger.in(other.handle)
    other.close
    [-> { inside.info }, -> { @fixture.pay(inside) }].each do |work|
      assert_equal "call.misuse", assert_raises(Cala::MisuseError, &work).code
    end
    assert_equal "0", @fixture.bobs(@ledger)
  end

  def test_settings_of_the_program_do_not_matter
    @driver.handle.results_as_hash = true
    transaction { |tx| @fixture.pay(tx) }
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  def test_a_write_may_answer_a_count
    @driver.handle.execute("PRAGMA count_changes = ON")
    transaction { |tx| @fixture.pay(tx) }
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  # What is read is written again by an update.
  def test_the_programs_internal_encoding_does_not_matter
    account = @ledger.accounts.create(code: "ZOE", name: "Zoë", description: "naïve")
    with_internal(Encoding::ISO_8859_1) do
      transaction { |tx| assert_equal "Zoë", tx.accounts.find(code: "ZOE")[:name] }
      transaction { |tx| tx.accounts.update(id: account[:id], code: "ZOË") }
    end
    assert_equal ["ZOË", "Zoë", "naïve"], @ledger.accounts.find(id: account[:id]).values_at(:code, :name, :description)
  end

  private

  def with_internal(encoding)
    before = Encoding.default_internal
    verbose, $VERBOSE = $VERBOSE, nil
    Encoding.default_internal = encoding
    yield
  ensure
    Encoding.default_internal = before
    $VERBOSE = verbose
  end
end
