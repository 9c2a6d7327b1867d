# frozen_string_literal: true

require_relative "support"

# Events as they happen, on a store of its own.
module ListeningTests
  def test_what_is_posted_is_heard_in_order
    ledger.listen(types: ["transaction_created"], entries: true) do |heard|
      posted = Array.new(3) { @fixture.pay(ledger, "1.00")[:transaction][:id] }
      events = heard.first(3)
      assert_equal posted, events.map { |event| event[:transaction][:id] }
      assert_equal 2, events.first[:entries].size
      assert_operator heard.reached, :>=, events.last[:place]
      later = ledger.listen(from: events.first[:place])
      assert_equal posted[1], later.next_event[:subject_id]
      assert_includes events[1][:place]...events[2][:place], later.reached
      assert_equal posted[2], later.next_event[:subject_id]
      later.close
    end
  end

  def test_a_name_goes_on_where_it_was_done
    events = ledger.listen(name: "mailer") do |heard|
      3.times { @fixture.pay(ledger, "1.00") }
      heard.first(3)
    end
    ledger.begin { |tx| tx.listeners.ack(name: "mailer", place: events.first[:place]) }
    again = ledger.listen(name: "mailer", from: "start") { |heard| heard.first(2) }
    assert_equal events.drop(1).map { |event| event[:place] }, (again.map { |event| event[:place] })
    assert_equal(["mailer"], ledger.listeners.list.map { |one| one[:name] })
    assert_equal "mailer", ledger.listeners.remove("mailer")[:name]
  end

  def test_closing_ends_the_iteration
    heard = ledger.listen
    waiting = Thread.new { heard.to_a }
    sleep 0.05
    heard.close
    heard.close
    assert_equal [[], [], nil], [waiting.value, heard.to_a, heard.reached]
    assert_equal "/from", assert_raises(Cala::InvalidError) { ledger.listen(from: "yesterday") }.details[:pointer]
    of_a_closed_ledger = ledger.listen
    ledger.close
    assert_nil of_a_closed_ledger.next_event
    of_a_closed_ledger.close
  end
end

class SqliteListeningTest < Minitest::Test
  include ListeningTests
  attr_reader :ledger

  def setup
    @folder = Dir.mktmpdir
    @ledger = Cala::Ledger.open(store: "sqlite:#{@folder}/ledger.db")
    @fixture = Fixture.new(@ledger)
  end

  def teardown
    @ledger.close
    FileUtils.remove_entry(@folder)
  end
end
