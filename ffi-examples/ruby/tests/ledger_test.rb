# frozen_string_literal: true

require_relative "support"
require "logger"
require "timeout"
require "minitest/mock"
require "stringio"

# The ledger by itself: values, answers, errors, lists, configuration, closing.
class LedgerTest < Minitest::Test
  def setup
    @ledger = Cala::Ledger.open(store: "sqlite::memory:", clock: { manual: "2026-01-31T12:00:00Z" })
    @fixture = Fixture.new(@ledger)
  end

  def teardown
    @ledger.close
  end

  def test_answers_are_hashes_with_symbol_keys_and_amounts_are_strings
    posted = @fixture.pay(@ledger, "10.00")
    assert_equal [false, %w[10.00 10.00]], [posted[:replayed], posted[:entries].map { |entry| entry[:units] }]
    assert_equal "2026-01-31T12:00:00.000000Z", posted[:transaction][:created_at]
    assert_equal({ debit: "0", credit: "10.00", net: "10.00" },
                 @ledger.balances.find(**@fixture.key(@fixture.bob))[:settled].slice(:debit, :credit, :net))
  end

  def test_big_decimals_integers_dates_and_times_are_taken
    @fixture.pay(@ledger, BigDecimal("12.5"))
    @fixture.pay(@ledger, BigDecimal("1e20"))
    @fixture.pay(@ledger, 3)
    assert_equal "100000000000000000015.5", @fixture.bobs(@ledger)
    found = @ledger.transactions.list(journal_id: @fixture.journal, effective_from: Date.new(2026, 1, 31)).count
    at = @ledger.balances.at(**@fixture.key(@fixture.bob), recorded_at: Time.utc(2026, 1, 31, 13))
    assert_equal [3, 3], [found, at[:version]]
  end

  def test_floats_are_no_amounts
    error = assert_raises(Cala::InvalidError) { @fixture.pay(@ledger, 10.5) }
    assert_equal ["param.type", "amount"], [error.code, error.details[:param]]
    assert_match(/BigDecimal/, error.message)
    assert_equal "param.type", assert_raises(Cala::InvalidError) { @fixture.pay(@ledger, 10.0) }.code
    good = { from: @fixture.alice, to: @fixture.bob, amount: "1" }
    code = @fixture.code("PAYMENT")
    [{ amount: 10.0 }, { "amount" => 10.5 }, { amount: { "deep" => ["1", 10.0] } }].each do |bad|
      assert_equal "param.type", assert_raises(Cala::InvalidError) { @ledger.post(code, good.merge(bad)) }.code
      postings = [good, good.merge(bad)].map { |params| { tx_template_code: code, params: params } }
      error = assert_raises(Cala::InvalidError) { @ledger.transactions.post_many(postings) }
      assert_equal ["param.type", 1], [error.code, error.posting_index]
      assert_match(%r{\A/postings/1/params/amount}, error.details[:pointer])
      posting = postings.last
      attached = { control_id: SecureRandom.uuid, account_ids: [@fixture.bob], params: bad }
      [-> { @ledger.transactions.preview(**posting) }, -> { @ledger.holds.create(**posting) },
       -> { @ledger.velocity_controls.attach(**attached) },
       -> { @ledger.velocity_controls.ensure_attached(**attached) }].each do |refused|
        assert_equal "param.type", assert_raises(Cala::InvalidError, &refused).code
      end
    end
    assert_equal "0", @fixture.bobs(@ledger)
    assert_equal "request.malformed", assert_raises(Cala::InvalidError) { @fixture.pay(@ledger,
        BigDecimal("NaN")) }.code
    assert_raises(TypeError) { @fixture.pay(@ledger, Object.new) }
  end

  def test_params_may_be_keywords
    @ledger.post(@fixture.code("PAYMENT"), from: @fixture.alice, to: @fixture.bob, amount: "2", id: SecureRandom.uuid)
    assert_equal "2", @fixture.bobs(@ledger)
    assert_raises(ArgumentError) { @ledger.post(@fixture.code("PAYMENT"), { from: @fixture.alice }, amount: "2") }
  end

  def test_metadata_passes_through
    metadata = { note: "Zoë", list: [1, 2.5, nil, true], nested: { "a b": "c" } }
    account = @ledger.accounts.create(code: "META", name: "Meta", metadata: metadata)
    assert_equal metadata, account[:metadata]
    assert_equal metadata, @ledger.accounts.find(id: account[:id])[:metadata]
  end

  def test_errors_say_what_and_where
    error = assert_raises(Cala::NotFoundError) { @ledger.accounts.find(code: "NOBODY") }
    assert_equal ["account.not_found", false, :usable, nil, nil], [error.code, error.retryable?, error.tx_state,
                                                                   error.sqlstate, error.posting_index]
    error = assert_raises(Cala::InvalidError) { @ledger.accounts.create(code: "X", name: "X", nmae: "X") }
    assert_equal ["request.unknown_key", { pointer: "/nmae" }], [error.code, error.details]
    assert_kind_of Cala::Error, error
    assert_raises(Cala::InvalidError) { @ledger.accounts.create(code: "\xff", name: "X") }
    assert_raises(ArgumentError) { @ledger.call(:account_invent) }
  end

  def test_names_and_codes_are_not_empty
    good = { code: "GOOD", name: "Good" }
    {
      "/code" => -> { @ledger.accounts.create(code: "", name: "A") },
      "/name" => -> { @ledger.accounts.create(code: "A", name: "") },
      "/accounts/1/name" => -> { @ledger.accounts.create_many([good, { code: "A", name: "" }]) },
      "/accounts/0/code" => -> { @ledger.accounts.create_many([{ code: "", name: "A" }, good]) }
    }.each { |pointer, work| assert_empty_refused(pointer, &work) }
    assert_empty_refused("/name") { @ledger.accounts.update(id: @fixture.bob, name: "") }
    assert_empty_refused("/code") { @ledger.accounts.update(id: @fixture.bob, code: "") }
    assert_empty_refused("/name") { @ledger.journals.create(name: "") }
    assert_empty_refused("/name") { @ledger.journals.update(id: @fixture.journal, name: "") }
    assert_raises(Cala::NotFoundError) { @ledger.accounts.find(code: "GOOD") }
  end

  def assert_empty_refused(pointer, &work)
    error = assert_raises(Cala::InvalidError, &work)
    assert_equal ["request.malformed", pointer], [error.code, error.details[:pointer]]
  end

  # NO_MEMORY alone has another name than its status: Ruby has a NoMemoryError, which is no StandardError.
  def test_each_status_has_its_class
    statuses = Cala::Raw.constants.grep(/\A[A-Z_]+\z/).to_h { |name| [name, Cala::Raw.const_get(name)] }
    named = statuses.select { |name, value| value.is_a?(Integer) && value.positive? &&
                             Cala::Raw.cala_status_name(value) == "CALA_#{name}" }
    assert_equal 16, named.size
    named.each do |name, status|
      expected = name == :NO_MEMORY ? "OutOfMemoryError" : "#{name.to_s.split("_").map(&:capitalize).join}Error"
      record = { code: "a.code", message: "said", tx_state: 1 }
      error = Cala::Error::Reading.from_json(status, JSON.generate(record))
      assert_equal ["Cala::#{expected}", "a.code", :aborted], [error.class.name, error.code, error.tx_state]
      assert_kind_of StandardError, error
    end
  end

  # Those that docs/errors.md has of this wrapper alone, and the test that produces each.
  def test_each_code_of_the_wrapper_is_produced
    section = File.read(File.expand_path("../../../docs/errors.md", __dir__),
                        encoding: "UTF-8").split("## Of the wrappers").last
    listed = section.scan(/^- `([a-z_.]+)`, [A-Z_]+, ([A-Za-z, ]+)(.*)/).select { |_, where,
        rest| "#{where}#{rest}".match?(/everywhere|Ruby/) }
    produced = { "library.missing" => ["library_missing", /LibraryMissingError/],
                "library.version" => ["another_library", /LibraryMissingError/],
                 "library.too_old" => ["another_library", /"library.too_old"/] }
    assert_equal produced.keys.sort, listed.map(&:first).sort
    produced.each_value { |life, word| assert_match word, File.read(File.expand_path("lifecycle/#{life}.rb", __dir__)) }
  end

  def test_a_batch_names_the_posting_that_was_refused
    good = { tx_template_code: @fixture.code("PAYMENT"),
            params: { from: @fixture.alice, to: @fixture.bob, amount: "1" } }
    bad = good.merge(params: good[:params].merge(to: @fixture.carol))
    error = assert_raises(Cala::RejectedError) { @ledger.transactions.post_many([good, bad]) }
    assert_equal ["account.locked", 1], [error.code, error.posting_index]
    assert_equal "0", @fixture.bobs(@ledger)
    assert_equal 2, @ledger.transactions.post_many([good, good]).size
    assert_equal "2", @fixture.bobs(@ledger)
  end

  def test_every_noun
    one = @fixture.pay(@ledger)
    transaction = one[:transaction]
    entries = @ledger.entries.list(transaction_id: transaction[:id]).to_a
    assert_equal one[:entries], entries
    assert_equal entries, @ledger.entries.find_many(entries.map { |entry| entry[:id] })
    assert_equal transaction, @ledger.transactions.find(id: transaction[:id])
    assert_equal [transaction], @ledger.transactions.find_many(ids: [transaction[:id]])
    assert_equal 2, @ledger.balances.list(journal_id: @fixture.journal,
                                          account_ids: [@fixture.alice, @fixture.bob]).count
    assert_equal 1, @ledger.balances.find_many([@fixture.key(@fixture.bob)]).size
    assert_equal [1], @ledger.balances.history(**@fixture.key(@fixture.bob)).map { |balance| balance[:version] }
    assert_equal "Mine", @ledger.journals.update(id: @fixture.journal, name: "Mine")[:name]
    assert_equal "locked", @ledger.journals.lock(@fixture.journal)[:status]
    assert_equal "active", @ledger.journals.unlock(@fixture.journal)[:status]
    assert_equal "2020-12-31", @ledger.journals.close(id: @fixture.journal, until: "2020-12-31")[:closed_until]
    assert_nil @ledger.journals.reopen(id: @fixture.journal, until: nil)[:closed_until]
    assert_equal "Mine", @ledger.journals.find(id: @fixture.journal)[:name]
    assert_equal 1, @ledger.journals.list.count
    assert_equal 2, @ledger.tx_templates.list.count
    assert_equal @fixture.code("PAYMENT"), @ledger.tx_templates.find(code: @fixture.code("PAYMENT"))[:code]
    assert_equal "active", @ledger.accounts.unlock(@fixture.carol)[:status]
    assert_equal "Karl", @ledger.accounts.update(id: @fixture.carol, name: "Karl")[:name]
    assert_equal %w[Karl], @ledger.accounts.find_many([@fixture.carol]).map { |account| account[:name] }
    assert_equal %w[A B], @ledger.accounts.create_many([{ code: "A", name: "A" },
                                                        { code: "B", name: "B" }]).map { |account| account[:code] }
    assert_equal({ type: "int", value: 3 },
                 @ledger.cel_evaluate("1 + 2").transform_values { |value| value.to_s.match?(/\A\d+\z/) ? value.to_i :
                                                                 value })
    assert_equal Cala.libcala_version, @ledger.info[:version]
    assert_equal @ledger.info[:schema_version], @ledger.migrate[:to_version]
  end

  def test_lists_are_enumerators_that_fetch_page_after_page
    @ledger.accounts.create_many(Array.new(25) { |at| { code: format("N%02d", at), name: "n" } })
    list = @ledger.accounts.list(code_prefix: "N", first: 10)
    assert_kind_of Enumerator, list
    assert_equal 25, list.count
    assert_equal %w[N00 N01], list.lazy.map { |account| account[:code] }.first(2)
    assert_equal "N00", list.next[:code]
    assert_equal "N24", @ledger.accounts.list(code_prefix: "N", order: "desc").first[:code]
    page = list.page
    assert_equal [10, true], [page.items.size, page.has_next_page?]
    page = list.page(first: 20, after: page.end_cursor)
    assert_equal ["N10", 15, false], [page.items.first[:code], page.items.size, page.has_next_page?]
    assert_equal({ pointer: "/after" }, assert_raises(Cala::InvalidError) { list.page(after: "nonsense") }.details)
    assert_nil @ledger.accounts.list(code_prefix: "Z").page.end_cursor
  end

  def test_configuration_is_strict
    error = assert_raises(Cala::InvalidError) { Cala::Ledger.open(stroe: "sqlite::memory:") }
    assert_equal ["request.unknown_key", { pointer: "/stroe" }], [error.code, error.details]
    [{ store: nil }, { store: "sqlite::memory:", migrate: nil },
     { store: "sqlite::memory:", clock: { manual: nil } }].each do |config|
      error = assert_raises(Cala::InvalidError) { Cala::Ledger.open(**config) }
      assert_equal "request.malformed", error.code
    end
    assert_raises(Cala::InvalidError) { Cala::Ledger.open(store: "") }
    assert_raises(Cala::UnavailableError) { Cala::Ledger.open(store: "sqlite:/nowhere/at/all.db") }
  end

  def test_a_manual_clock_is_moved
    @ledger.clock_advance(60_000)
    assert_equal "2026-01-31T12:01:00.000000Z", @ledger.info[:now]
    @ledger.clock_set(Time.utc(2027, 1, 1))
    assert_equal "2027-01-01T00:00:00.000000Z", @ledger.info[:now]
    assert_equal "clock.range", assert_raises(Cala::InvalidError) { @ledger.clock_advance(-1) }.code
    Cala::Ledger.open(store: "sqlite::memory:") do |ledger|
      assert_equal "clock.not_manual", assert_raises(Cala::UnsupportedError) { ledger.clock_advance(1) }.code
    end
  end

  def test_closing_twice_is_fine_and_a_closed_ledger_says_so
    tx = @ledger.begin
    2.times { @ledger.close }
    assert @ledger.closed?
    assert_equal "ledger.closed", assert_raises(Cala::ClosedError) { @ledger.info }.code
    assert_raises(Cala::ClosedError) { @ledger.begin }
    assert_raises(Cala::ClosedError) { tx.info }
    assert_raises(Cala::ClosedError) { tx.commit }
    assert_match(/closed/, @ledger.inspect)
  end

  def test_a_block_closes_whatever_happens
    opened = nil
    assert_raises(RuntimeError) { Cala::Ledger.open(store: "sqlite::memory:") { |ledger| (opened = ledger) &&
        raise("no") } }
    assert opened.closed?
    assert_equal 7, Cala::Ledger.open(store: "sqlite::memory:") { 7 }
  end

  def test_the_logger_hears_of_operations
    out = StringIO.new
    Cala::Ledger.open(store: "sqlite::memory:", logger: Logger.new(out)) do |ledger|
      ledger.info
      assert_raises(Cala::NotFoundError) { ledger.accounts.find(code: "NOBODY") }
    end
    assert_match(/ledger_info ok.*account_find account.not_found/m, out.string)
  end

  TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

  def test_the_logger_hears_the_librarys_log
    out = StringIO.new
    Cala::Ledger.open(store: "sqlite::memory:", logger: Logger.new(out), slow_ms: 0) do |ledger|
      Cala.traced(TRACE) { assert_raises(Cala::NotFoundError) { ledger.accounts.find(code: "NOBODY") } }
    end
    asked = "operation=account_find traceparent=#{TRACE}"
    assert_match(/DEBUG -- : cala: an operation was refused event=operation.refused #{asked} code=/, out.string)
    assert_match(/WARN -- : cala: an operation took long event=operation.slow #{asked} took_ms=\d+/, out.string)
    assert_operator out.string.index("operation.refused"), :<, out.string.index("operation.slow")
  end

  def test_a_logger_that_is_not_finished_harms_nobody
    logger = Logger.new(nil)
    logger.define_singleton_method(:info) { |*| raise NotImplementedError }
    logger.define_singleton_method(:warn) { |*| raise NotImplementedError }
    Cala::Ledger.open(store: "sqlite::memory:", logger: logger, slow_ms: 0) do |ledger|
      2.times { Timeout.timeout(20) { assert ledger.info[:version] } }
    end
  end

  def test_a_logger_hears_what_it_writes_and_no_more
    out = StringIO.new
    Cala::Ledger.open(store: "sqlite::memory:", logger: Logger.new(out, level: Logger::WARN)) do |ledger|
      assert_raises(Cala::NotFoundError) { ledger.accounts.find(code: "NOBODY") }
    end
    assert_equal "", out.string
    error = assert_raises(Cala::InvalidError) { Cala::Ledger.open(store: "sqlite::memory:", logger: Logger.new(out),
                                                                  slow_ms: -1) }
    assert_equal "request.malformed", error.code
  end

  def test_what_a_logger_or_its_options_raise_leaves_nothing_open
    raising = Logger.new(nil).tap { |logger| logger.define_singleton_method(:debug?) { raise NotImplementedError } }
    Dir.mktmpdir do |folder|
      { NotImplementedError => { logger: raising }, TypeError => { logger: Logger.new(nil),
                                                                  slow_ms: Object.new } }.each do |error, options|
        before = Dir.children("/proc/self/fd").size
        assert_raises(error) { Cala::Ledger.open(store: "sqlite:#{folder}/ledger.db", **options) }
        assert_equal before, Dir.children("/proc/self/fd").size
      end
    end
  end

  def test_a_traceparent_is_one_or_refused
    ["none", "", :none, 5, "\xff", "#{TRACE}\0", TRACE.encode(Encoding::UTF_16LE)].each do |given|
      error = freed = nil
      made = calls(:cala_ledger_info) do
        freed = calls(:cala_op_free) do
          error = assert_raises(Cala::InvalidError) { Cala.traced(given) { @ledger.info } }
        end
      end
      assert_equal ["request.malformed", made], [error.code, freed], given.inspect
    end
    assert_equal @ledger.info, Cala.traced(TRACE) { @ledger.info }
    assert_nil Thread.current[:cala_traceparent]
  end

  def test_retrying_asks_for_the_state_of_the_transaction_through_causes
    lost = Cala::ConflictError.new(code: "store.serialization", message: "lost", tx_state: :retry)
    busy = Cala::BusyError.new(code: "queue.full", message: "full", retryable: true)
    wrapped = lambda do |error|
      raise error
    rescue Cala::Error
      raise "around it"
    end
    { lost => 10, busy => 1 }.each do |error, expected|
      attempts = 0
      assert_raises(RuntimeError) { @ledger.retrying { (attempts += 1) && wrapped.call(error) } }
      assert_equal expected, attempts
    end
  end

  # 2 to 4 ms before the second attempt, then twice as much each time, 256 ms at most; not the same each time.
  def test_retrying_pauses_longer_each_time
    lost = Cala::ConflictError.new(code: "store.serialization", message: "lost", tx_state: :retry)
    first = Array.new(10) do
      pauses = []
      @ledger.stub(:sleep, ->(seconds) { pauses << seconds }) do
        assert_raises(Cala::ConflictError) { @ledger.retrying { raise lost } }
      end
      assert_equal 9, pauses.size
      pauses.each.with_index(1) do |pause, attempt|
        most = [0.002 * (2**attempt), 0.256].min
        assert_includes (most / 2)..most, pause, "before attempt #{attempt + 1}"
      end
      pauses.first
    end
    assert_operator first.uniq.size, :>, 1
  end

  def test_retrying_waits_for_the_pauses
    begun = []
    lost = Cala::ConflictError.new(code: "store.serialization", message: "lost", tx_state: :retry)
    assert_raises(Cala::ConflictError) do
      @ledger.retrying(attempts: 4) { (begun << Process.clock_gettime(Process::CLOCK_MONOTONIC)) && raise(lost) }
    end
    begun.each_cons(2).zip([0.002, 0.004, 0.008]) { |(before, later), least| assert_operator later - before, :>=,
                                                   least }
  end

  def test_retrying_leaves_other_errors_alone
    attempts = 0
    assert_raises(Cala::NotFoundError) { @ledger.retrying { (attempts += 1) && @ledger.accounts.find(code: "NOBODY") } }
    assert_equal 1, attempts
    assert_equal :value, @ledger.retrying { :value }
  end

  private

  # How often a function of the library is called meanwhile.
  def calls(name, &work)
    count = 0
    function = Cala::Raw.method(name)
    counted = lambda do |*arguments|
      count += 1 if arguments.first # none is freed where none was made
      function.call(*arguments)
    end
    Cala::Raw.stub(name, counted, &work)
    count
  end
end
