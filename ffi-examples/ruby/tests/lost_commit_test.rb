# frozen_string_literal: true

require_relative "support"
require "uri"

# What is told when the answer of a commit is lost, and that posting the ids again
# that the error names posts nothing twice.
class LostCommitTest < Minitest::Test
  PROXY = File.expand_path("../../cutting_proxy", __dir__)

  def test_an_unknown_outcome_names_every_transaction_of_the_batch
    behind_the_proxy do |ledger, say|
      fixture = Fixture.new(ledger)
      posting = { tx_template_code: fixture.code("PAYMENT"),
                 params: { from: fixture.alice, to: fixture.bob, amount: "1" } }
      mine = SecureRandom.uuid
      postings = [posting, posting.merge(id: mine), posting]
      say.call("cut")
      error = assert_raises(Cala::OutcomeUnknownError) { ledger.transactions.post_many(postings) }
      ids = error.details[:transaction_ids]
      assert_equal ["store.outcome_unknown", false, 3, mine], [error.code, error.retryable?, ids.uniq.size, ids[1]]
      say.call("accept")
      again = ledger.transactions.post_many(postings.zip(ids).map { |one, id| one.merge(id: id) })
      assert_equal [true] * 3, again.map { |result| result[:replayed] }
      assert_equal "3", fixture.bobs(ledger)
    end
  end

  private

  def behind_the_proxy
    skip "CALA_TEST_POSTGRES is not set" unless POSTGRES
    url = URI.parse(POSTGRES.sub("@/", "@localhost/"))
    options = URI.decode_www_form(url.query).to_h
    IO.popen([PROXY, options.fetch("host"), options.fetch("port", "5432")], "r+") do |proxy|
      say = ->(word) { proxy.puts(word) || assert_equal("ok\n", proxy.gets) }
      store = "host=127.0.0.1 port=#{proxy.gets.strip} user=#{url.user} dbname=#{url.path[1..]} sslmode=disable"
      config = { store: store, migrate: true, schema: "cala_#{SecureRandom.hex(6)}", failover_wait_ms: 200 }
      Cala::Ledger.open(**config) { |ledger| yield ledger, say }
    end
  end
end
