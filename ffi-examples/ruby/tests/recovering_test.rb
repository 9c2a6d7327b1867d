# frozen_string_literal: true

require_relative "support"

# What samples/two-phase.rb does not show of recovering.
class RecoveringTest < Minitest::Test
  def setup
    skip "CALA_TEST_POSTGRES is not set" unless POSTGRES
    require "pg"
    @schema = "recovering_#{SecureRandom.hex(4)}"
    @ledger = Cala::Ledger.open(store: POSTGRES, schema: @schema, migrate: true)
  end

  def teardown
    return unless @ledger

    @ledger.prepared.list.to_a.each { |one| @ledger.prepared.finish(gid: one[:gid], outcome: "rollback") }
    @ledger.close
    sql("SET client_min_messages TO warning; DROP SCHEMA #{@schema} CASCADE")
  end

  def test_what_is_not_decided_or_too_young_is_left_as_it_is
    prepare("a", "b", "c")
    assert_empty(@ledger.recover(min_age_ms: 3_600_000) { flunk }.values.flatten)
    done = @ledger.recover { |one| { "a" => "commit", "c" => "ROLLBACK" }[one[:gid]] }
    assert_equal({ committed: ["a"], rolled_back: ["c"], ended: [], left: ["b"], failed: [] },
                 done.transform_values { |those| gids(those) })
    assert_equal %i[age_ms gid owner prepared_at], done[:left].first.keys.sort
    assert_equal ["b"], gids(@ledger.prepared.list)
  end

  def test_whatever_is_no_decision_ends_nothing
    prepare("order")
    ["", "maybe", false, true, 0, ["commit"]].each do |answer|
      assert_raises(Cala::InvalidError, answer.inspect) { @ledger.recover { answer } }
    end
    [-1, 1.5, "1", nil].each do |age|
      error = assert_raises(Cala::InvalidError) { @ledger.recover(min_age_ms: age) { "commit" } }
      assert_match(/min_age_ms/, error.message)
    end
    assert_raises(ArgumentError) { @ledger.recover }
    assert_equal ["order"], gids(@ledger.prepared.list)
  end

  def test_what_ended_or_is_anothers_is_told_and_the_rest_is_finished
    prepare("a", "b", "c")
    as_clerk do |theirs|
      done = theirs.recover { |one| "commit" if one[:gid] == "b" }
      assert_equal [["b", "store.permission"]], (done[:failed].map { |one| [one[:prepared][:gid], one[:error].code] })
      assert_equal %w[a c], gids(done[:left])
    end
    done = @ledger.recover do |one|
      @ledger.prepared.finish(gid: "b", outcome: "rollback") if one[:gid] == "b" # by another recovery, meanwhile
      "commit"
    end
    assert_equal [%w[a c], ["b"]], [gids(done[:committed]), gids(done[:ended])]
  end

  def test_what_the_block_raises_ends_it_and_the_next_recovery_goes_on
    prepare("a", "b")
    assert_raises(IOError) { @ledger.recover { |one| one[:gid] == "b" ? raise(IOError) : "commit" } }
    assert_equal(["b"], gids(@ledger.recover { "rollback" }[:rolled_back]))
  end

  private

  # Of accounts, in nobody's way.
  def prepare(*gids)
    gids.each do |gid|
      @ledger.begin do |tx|
        tx.accounts.create(code: gid, name: "An account")
        tx.prepare(gid)
      end
    end
  end

  def gids(prepared)
    prepared.map { |one| (one[:prepared] || one)[:gid] }
  end

  def sql(text)
    connection = PG.connect(POSTGRES)
    connection.exec(text)
    connection.close
  end

  def as_clerk(&block)
    clerk = "clerk_#{SecureRandom.hex(4)}"
    sql("CREATE ROLE #{clerk} LOGIN; GRANT USAGE ON SCHEMA #{@schema} TO #{clerk}; " \
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA #{@schema} TO #{clerk}")
    Cala::Ledger.open(store: POSTGRES.sub("//cala@", "//#{clerk}@"), schema: @schema, &block)
  ensure
    sql("DROP OWNED BY #{clerk}; DROP ROLE #{clerk}")
  end
end

class NothingPreparedTest < Minitest::Test
  def test_where_nothing_can_be_prepared_there_is_nothing_to_do
    Cala::Ledger.open(store: "sqlite::memory:") { |ledger| assert_empty(ledger.recover { flunk }.values.flatten) }
  end
end
