# frozen_string_literal: true

require_relative "support"

# A transaction of the ledger's own, on either store.
module OwnTransactionBehaviours
  def setup
    @ledger = new_ledger
    @fixture = Fixture.new(@ledger)
    @table = "own_#{SecureRandom.hex(4)}"
    @ledger.begin { |tx| tx.exec("CREATE TABLE #{@table} (note text, n integer)") }
  end

  def teardown
    @ledger&.begin { |tx| tx.exec("DROP TABLE #{@table}") }
    @ledger&.close
  end

  def test_commits_behind_the_block_and_returns_its_value
    value = @ledger.begin { |tx| insert(tx) && @fixture.pay(tx) && :done }
    assert_equal [:done, 1, "10.00"], [value, count, @fixture.bobs(@ledger)]
  end

  def test_rolls_back_when_the_block_raises
    assert_raises(RuntimeError) { @ledger.begin { |tx| insert(tx) && @fixture.pay(tx) && raise("no") } }
    assert_equal [0, "0"], [count, @fixture.bobs(@ledger)]
  end

  def test_rolls_back_when_the_block_is_left_early
    @ledger.begin do |tx|
      @fixture.pay(tx)
      break
    end
    catch(:out) { @ledger.begin { |tx| @fixture.pay(tx) && throw(:out) } }
    assert_raises(Timeout::Error) { Timeout.timeout(0.1) { @ledger.begin { |tx| @fixture.pay(tx) && sleep } } }
    assert_equal "0", @fixture.bobs(@ledger)
  end

  def test_without_a_block_the_program_ends_it
    tx = @ledger.begin
    @fixture.pay(tx)
    refute tx.over?
    tx.commit
    assert tx.over?
    assert_equal "tx.over", assert_raises(Cala::MisuseError) { tx.rollback }.code
    assert_equal "tx.over", assert_raises(Cala::MisuseError) { @fixture.pay(tx) }.code
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  def test_is_prepared_and_finished_by_whoever_decides
    return refuses_to_prepare if @ledger.info[:store] == "sqlite"

    { "rollback" => "0", "commit" => "10.00" }.each do |outcome, bobs|
      gid = "o'rder\n#{SecureRandom.hex(4)}"
      @ledger.begin do |tx|
        @fixture.pay(tx)
        tx.prepare(gid)
        assert tx.over?
      end
      assert_equal ["0", [gid]], [@fixture.bobs(@ledger), @ledger.prepared.list.map { |one| one[:gid] }]
      @ledger.begin do |tx|
        assert_equal "prepared.exists", assert_raises(Cala::ConflictError) { tx.prepare(gid) }.code
        refute tx.over?
      end
      assert_equal({ gid: gid, outcome: outcome }, @ledger.prepared.finish(gid: gid, outcome: outcome))
      assert_equal bobs, @fixture.bobs(@ledger)
      error = assert_raises(Cala::NotFoundError) { @ledger.prepared.finish(gid: gid, outcome: outcome) }
      assert_equal "prepared.not_found", error.code
    end
  end

  def refuses_to_prepare
    @ledger.begin do |tx|
      @fixture.pay(tx)
      error = assert_raises(Cala::UnsupportedError) { tx.prepare("order") }
      assert_equal ["tx.not_postgres", :usable, false], [error.code, error.tx_state, tx.over?]
    end
    assert_equal ["10.00", []], [@fixture.bobs(@ledger), @ledger.prepared.list.to_a]
  end

  def test_a_block_may_roll_back_itself
    @ledger.begin { |tx| @fixture.pay(tx) && tx.rollback }
    assert_equal "0", @fixture.bobs(@ledger)
  end

  def test_exec_answers_with_columns_rows_and_how_many_it_wrote
    @ledger.begin do |tx|
      assert_equal 1, insert(tx, "tea", 2)[:affected]
      assert_equal 1, insert(tx, nil, 3)[:affected]
      answer = tx.exec("SELECT note, n FROM #{@table} ORDER BY n")
      assert_equal [%w[note n], [["tea", "2"], [nil, "3"]]], answer.values_at(:columns, :rows)
    end
  end

  def test_exec_takes_texts_and_nil_only
    @ledger.begin do |tx|
      [[1], 1, 1.5, :text, Date.new(2026, 1, 31)].each do |value|
        error = assert_raises(Cala::InvalidError) { tx.exec("SELECT #{placeholders}", "1", value) }
        assert_equal ["request.malformed", "/params/1", :usable], [error.code, error.details[:pointer], error.tx_state]
        assert_match(/parameter 2/, error.message)
      end
      insert(tx)
    end
    assert_equal 1, count
  end

  def test_exec_leaves_ending_the_transaction_to_the_ledger
    error = assert_raises(Cala::InvalidError) { @ledger.begin { |tx| tx.exec("COMMIT") } }
    assert_equal "tx.control_statement", error.code
  end

  def test_a_rejection_leaves_it_usable
    @ledger.begin do |tx|
      assert_equal :usable, assert_raises(Cala::RejectedError) { @fixture.pay(tx, to: @fixture.carol) }.tx_state
      @fixture.pay(tx)
    end
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  def test_a_refused_statement_behind_a_savepoint_leaves_it_usable
    @ledger.begin(savepoint: true) do |tx|
      error = assert_raises(Cala::InvalidError) { tx.exec("SELECT nonsense FROM nowhere") }
      assert_equal ["tx.statement", :usable], [error.code, error.tx_state]
      @fixture.pay(tx)
    end
    assert_equal "10.00", @fixture.bobs(@ledger)
  end

  def test_accounts_are_locked_once_and_in_the_librarys_order
    @ledger.begin do |tx|
      keys = [@fixture.key(@fixture.bob), @fixture.key(@fixture.alice)]
      assert_same_members keys, tx.lock_accounts(keys + keys)
      @fixture.pay(tx)
    end
  end

  def test_operations_of_several_threads_take_turns
    @ledger.begin { |tx| Array.new(4) { Thread.new { 3.times { @fixture.pay(tx) } } }.each(&:join) }
    assert_equal "120.00", @fixture.bobs(@ledger)
  end

  def test_lists_page_inside
    @ledger.begin do |tx|
      3.times { @fixture.pay(tx) }
      assert_equal 3, tx.transactions.list(journal_id: @fixture.journal, first: 1).count
      assert_equal 0, @ledger.transactions.list(journal_id: @fixture.journal).count
    end
  end

  private

  def insert(tx, note = "tea", number = 1)
    tx.exec("INSERT INTO #{@table} (note, n) VALUES (#{placeholders})", note, number.to_s)
  end

  def count
    @ledger.begin { |tx| tx.exec("SELECT count(*) FROM #{@table}")[:rows][0][0].to_i }
  end
end

class OwnTransactionSqliteTest < Minitest::Test
  include OwnTransactionBehaviours

  def new_ledger
    @folder = Dir.mktmpdir("cala")
    Cala::Ledger.open(store: "sqlite:#{@folder}/ledger.db")
  end

  def teardown
    super
    FileUtils.rm_rf(@folder)
  end

  def placeholders
    "?, ?"
  end
end

class OwnTransactionPostgresTest < Minitest::Test
  include OwnTransactionBehaviours

  def new_ledger
    skip "CALA_TEST_POSTGRES is not set" unless POSTGRES
    Cala::Ledger.open(store: POSTGRES, migrate: true, schema: "cala_ruby_own")
  end

  def placeholders
    "$1::text, $2::integer"
  end

  # The interrupted operation is over before the rollback, which would otherwise find the transaction busy.
  def test_an_interrupted_operation_does_not_keep_the_transaction
    @ledger.begin do |blocker|
      @fixture.pay(blocker)
      assert_raises(Timeout::Error) { Timeout.timeout(0.2) { @ledger.begin { |tx| @fixture.pay(tx) } } }
    end
    @ledger.begin { |tx| @fixture.pay(tx) }
    assert_equal "20.00", @fixture.bobs(@ledger)
  end

  # A deadlock, made on purpose: each locks one balance, then wants the other's.
  # PostgreSQL ends one of the two, or both.
  def test_retrying_lands_what_lost_a_race_once
    arrived = Thread::Queue.new
    met = -> { arrived << :here; sleep 0.01 until arrived.size >= 2 }
    attempts = Thread::Queue.new
    threads = [@fixture.alice, @fixture.bob].permutation.map { |order| Thread.new { pay_crossing(order, met,
        attempts) } }
    threads.each(&:join)
    assert_operator attempts.size, :>, 2
    assert_equal "20.00", @fixture.bobs(@ledger)
  end

  private

  def pay_crossing(order, met, attempts)
    @ledger.retrying do
      @ledger.begin do |tx|
        attempts << :one
        tx.lock_accounts([@fixture.key(order.first)])
        met.call
        tx.lock_accounts([@fixture.key(order.last)])
        @fixture.pay(tx)
      end
    end
  end
end
