# frozen_string_literal: true

require_relative "support"

# What samples/projection.rb does not show of projections: programs on connections of their own that make the same
# tables at once.
class ProjectionTest < Minitest::Test
  # One of them.
  class Program
    attr_reader :rolled_back
    attr_writer :before_commit

    def initialize(ledger, table)
      @ledger = ledger
      @table = table
      @pg = PG.connect(POSTGRES)
      @pg.exec("SET lock_timeout = '30s'") # a deadlock of the test's is no hang
      @rolled_back = []
    end

    def projection(apply: method(:note), clear: method(:clear))
      @ledger.projection("notes", apply: apply, clear: clear, transaction: method(:transaction), page_size: 3,
                         types: ["transaction_created"])
    end

    def note(pg, event)
      pg.exec_params("INSERT INTO #{@table} VALUES ($1)", [event[:subject_id]])
    end

    def clear(pg)
      pg.exec("DELETE FROM #{@table}")
    end

    # Waits until a statement of this one's waits for a lock; that is expected before +working+ is done.
    def held_up_by(working)
      waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = $1::int"
      until @ledger.begin { |tx| tx.exec(waiting, @pg.backend_pid.to_s)[:rows] } == [["1"]]
        raise "nobody was held up: #{working.value}" unless working.alive?

        sleep 0.002
      end
    end

    def close
      @pg.close
    end

    # What the work gives is not handed on.
    def transaction(work)
      @pg.transaction do
        work.call(@pg)
        @before_commit&.call
      end
      nil
    rescue Cala::Error => e
      @rolled_back << e.code
      raise
    end
  end

  def setup
    skip "CALA_TEST_POSTGRES is not set" unless POSTGRES
    require "pg"
    @schema = "cala_ruby_#{SecureRandom.hex(4)}"
    @ledger = Cala::Ledger.open(store: POSTGRES, migrate: true, schema: @schema)
    @fixture = Fixture.new(@ledger)
    @ledger.begin { |tx| tx.exec("CREATE TABLE #{@schema}.notes (id text NOT NULL)") }
    @one, @other = @programs = Array.new(2) { Program.new(@ledger, "#{@schema}.notes") }
    @posted = [@fixture.pay(@ledger)[:transaction][:id]]
    assert_equal 1, @one.projection.catch_up
    @posted << @fixture.pay(@ledger)[:transaction][:id]
    @ledger.events.list # what was listed is seen by others while a writer is under way
    @calls = []
  end

  def teardown
    @programs&.each(&:close)
    @ledger&.begin { |tx| tx.exec("DROP SCHEMA #{@schema} CASCADE") }
    @ledger&.close
  end

  def test_a_rebuild_waits_for_who_has_written_and_clears_that_too
    rebuilding = nil
    @one.before_commit = lambda do
      next unless (@calls << :commit).size == 2 # the first is that of the place

      rebuilding = in_thread { @other.projection.rebuild }
      @other.held_up_by(rebuilding)
    end
    assert_equal [1, 2], [@one.projection.catch_up, rebuilding.value]
    assert_equal @posted, noted
  end

  def test_who_is_overtaken_by_a_rebuild_rolls_back_and_goes_on_behind_it
    apply = lambda do |pg, event|
      assert_equal 2, @other.projection.rebuild if (@calls << event[:subject_id]).size == 1
      @one.note(pg, event)
    end
    assert_equal 0, @one.projection(apply: apply).catch_up
    assert_equal [["listener.changed"], []], @programs.map(&:rolled_back)
    assert_equal [@posted.drop(1), @posted], [@calls, noted]
  end

  def test_where_the_name_was_forgotten_meanwhile_it_begins_again
    forget = lambda do |pg|
      @ledger.in(pg).listeners.remove("notes")
      @other.clear(pg)
    end
    apply = lambda do |pg, event|
      @other.transaction(forget) if (@calls << event[:subject_id]).size == 1
      @one.note(pg, event)
    end
    assert_equal 2, @one.projection(apply: apply).catch_up
    assert_equal [["listener.not_found"], []], @programs.map(&:rolled_back)
    assert_equal [@posted.drop(1) + @posted, @posted], [@calls, noted]
  end

  def test_who_meets_a_rebuild_under_way_waits_for_it_and_begins_again
    rebuilding = nil
    forgotten = Thread::Queue.new
    clear = lambda do |pg|
      @other.clear(pg)
      forgotten << true
      @one.held_up_by(@catching_up)
    end
    apply = lambda do |pg, event|
      @one.note(pg, event)
      next unless (@calls << event).size == 1

      rebuilding = in_thread { @other.projection(clear: clear).rebuild }
      Timeout.timeout(30) { forgotten.pop }
    end
    @catching_up = in_thread { @one.projection(apply: apply).catch_up }
    assert_equal 2, @catching_up.value + rebuilding.value
    assert_equal "listener.changed", @one.rolled_back.first
    assert_equal @posted.sort, noted.sort
  end

  def test_two_that_rebuild_at_once_apply_each_event_once
    @programs.map { |program| in_thread { program.projection.rebuild } }.each(&:value)
    assert_equal @posted.sort, noted.sort
  end

  private

  # Its failure is told by its value.
  def in_thread(&work)
    Thread.new(&work).tap { |thread| thread.report_on_exception = false }
  end

  def noted
    @ledger.begin { |tx| tx.exec("SELECT id FROM #{@schema}.notes")[:rows] }.flatten
  end
end
