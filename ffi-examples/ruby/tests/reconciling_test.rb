# frozen_string_literal: true

require_relative "support"

# What samples/reconcile.rb does not show of reconciling.
class ReconcilingTest < Minitest::Test
  BEGINNING = "2026-01-01T00:00:00Z"

  def setup
    @ledger = Cala::Ledger.open(store: "sqlite::memory:", clock: { manual: BEGINNING })
    @journal = @ledger.journals.create(name: "Main")[:id]
    @cash, @alice, @closed = %w[CASH ALICE CLOSED].map { |code| @ledger.accounts.create(code: code, name: code)[:id] }
    @ledger.accounts.lock(@closed)
    entry = { entry_type: "'E'", layer: "SETTLED", units: "params.amount", currency: "'USD'" }
    @ledger.tx_templates.create(
      code: "NAMED", params: { external_id: "string", account: "uuid", amount: "decimal" }.map { |name,
          type| { name: name, type: type } },
      transaction: { effective: "date()", journal_id: "uuid('#{@journal}')", external_id: "params.external_id" },
      entries: [entry.merge(account_id: "uuid('#{@cash}')", direction: "DEBIT"),
                entry.merge(account_id: "params.account", direction: "CREDIT")]
    )
  end

  def teardown
    @ledger.close
  end

  def test_every_field_that_is_given_is_compared
    posted = post("one")
    same = { external_id: "one", tx_template_code: "NAMED", journal_id: @journal,
            effective: Date.parse(posted[:effective]),
             correlation_id: posted[:correlation_id], amounts: { "USD" => "10.0000" }, row: self }
    assert_empty pages([same]).first[:differing]
    [{ tx_template_code: "OTHER" }, { journal_id: "j" }, { effective: "2020-01-01" }, { correlation_id: "c" },
     { description: "d" },
     { amounts: { USD: "10.01" } }, { amounts: {} }, { amounts: { "USD" => BigDecimal("10"),
                                                                 "EUR" => "1" } }].each do |change|
      assert_equal [change.keys], pages([same.merge(change)]).first[:differing].map { |one| one[:fields] }
    end
  end

  def test_mistakes_in_what_is_expected_are_refused
    post("one")
    mistakes = [{ amount: "10.00" }, { amounts: nil }, { amounts: 10 }, { amounts: { USD: 10.0 } },
                { amounts: { USD: nil } },
                { amounts: { USD: "ten" } }, { amounts: { USD: BigDecimal("NaN") } }, { amounts: { 1 => "10.00" } },
                { effective: Time.now }, { effective: DateTime.now }, { description: 5 }, { external_id: :one }]
    [nil, "one", {}, { external_id: nil }, *mistakes.map { |mistake| { external_id: "one", **mistake } }].each do |row|
      assert_raises(Cala::InvalidError, row.inspect) { pages([row]) }
    end
    [0, 1001].each { |size| assert_raises(Cala::InvalidError) { pages([], page_size: size) } }
  end

  def test_mistakes_in_the_options_are_refused
    [{ page_size: 1.5 }, { page_size: "5" }, { place: "one" }, { place: { at: "one" } }, { place: { row: 1 } },
     { journal: @journal },
     { recorded_by: false }, { recorded_by: "soon" }, { recorded_by: "soonZ" }, { recorded_by: "2026-01-01T00:00:00" },
     { recorded_by: 0 },
     { recorded_by: Date.new(2026, 1, 1) }].each do |options|
      assert_raises(Cala::InvalidError, options.to_s) { pages([], **options) }
    end
    post("one")
    [nil, "one", [:one], [["one"]]].each { |known| assert_raises(Cala::InvalidError,
                                                                 known.inspect) { pages([], known: ->(_) { known }) } }
    [nil, "one"].each { |rows| assert_raises(Cala::InvalidError, rows.inspect) { pages(rows) } }
  end

  def test_a_place_may_come_from_json
    post("one")
    walk = { known: ->(_) { [] } }
    place = JSON.parse(JSON.generate(pages([{ external_id: "one" }], **walk).last[:place]))
    assert_equal %w[row transaction], place.keys
    assert_empty pages([], place: place, **walk)
  end

  def test_what_was_voided_is_differing_and_not_extra
    @ledger.transactions.void(id: post("one")[:id])
    found = pages([{ external_id: "one" }], known: ->(_) { [] }, replay: ->(_) { flunk })
    assert_equal([[:voided_by]], found.flat_map { |page| page[:differing] }.map { |one| one[:fields] })
    assert_empty(found.flat_map { |page| page[:extra] })
  end

  def test_what_the_ledger_refuses_is_told_and_the_rest_is_posted
    postings = { "a" => posting("a", account: @closed), "b" => posting("b"), "c" => nil }
    page = pages(postings.keys.map { |key| { external_id: key } },
                 replay: ->(expected) { postings[expected[:external_id]] }).first
    assert_equal([%w[a account.locked]], page[:refused].map { |one| [one[:expected][:external_id], one[:error].code] })
    assert_equal(["b"], page[:replayed].map { |one| one[:transaction][:external_id] })
    assert_equal(%w[a b c], page[:missing].map { |one| one[:external_id] })
  end

  def test_a_posting_with_another_external_id_is_not_made
    assert_raises(ArgumentError) { pages([{ external_id: "one" }], replay: ->(_) { posting("other") }) }
    page = pages([{ external_id: "one" }], replay: ->(_) { posting("one", amount: 10.0) }).first
    assert_equal(["param.type"], page[:refused].map { |one| one[:error].code })
    assert_equal 0, @ledger.info[:transactions]
  end

  def test_what_is_younger_waits_for_the_next_time
    post("one")
    @ledger.clock_advance(1000)
    post("two")
    walk = { known: ->(_) { [] }, page_size: 2 }
    page = pages([], recorded_by: Time.iso8601(BEGINNING), **walk).first
    assert_equal([1, ["one"]], [page[:checked], page[:extra].map { |one| one[:external_id] }])
    [BEGINNING, "2026-01-01T01:00:00+01:00", DateTime.iso8601(BEGINNING)].each do |instant|
      assert_empty pages([], recorded_by: instant, place: page[:place], **walk)
    end
    assert_equal(["two"], pages([], place: page[:place],
                                **walk).flat_map { |one| one[:extra].map { |extra| extra[:external_id] } })
  end

  private

  def posting(external_id, amount: "10.00", account: @alice)
    { tx_template_code: "NAMED", params: { external_id: external_id, account: account, amount: amount } }
  end

  def post(external_id)
    @ledger.post("NAMED", posting(external_id)[:params])[:transaction]
  end

  def pages(rows, **options)
    @ledger.reconcile(rows: ->(_) { rows }, **options).to_a
  end
end
