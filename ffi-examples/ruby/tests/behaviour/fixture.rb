# frozen_string_literal: true

# What the tests post with: a journal, three accounts and the tx template PAYMENT.
class Fixture
  PAYMENT = {
    params: [{ name: "from", type: "uuid" }, { name: "to", type: "uuid" }, { name: "amount", type: "decimal" }],
    entries: [
      { entry_type: "'PAYMENT_DR'", account_id: "params.from", layer: "SETTLED", direction: "DEBIT",
       units: "params.amount", currency: "'USD'" },
      { entry_type: "'PAYMENT_CR'", account_id: "params.to", layer: "SETTLED", direction: "CREDIT",
       units: "params.amount", currency: "'USD'" }
    ]
  }.freeze
  LOPSIDED = PAYMENT.merge(entries: PAYMENT[:entries].map.with_index { |entry, at| at.zero? ?
                                                                      entry.merge(units: "decimal('1')") : entry })

  attr_reader :journal, :alice, :bob, :carol

  # place: a ledger, or a transaction of one.
  def initialize(place)
    @journal = place.journals.create(name: "Main", code: code("MAIN"))[:id]
    @alice, @bob, @carol = %w[ALICE BOB CAROL].map { |name| place.accounts.create(code: code(name), name: name)[:id] }
    place.accounts.lock(carol)
    effective = { effective: "date()", journal_id: "uuid('#{journal}')" }
    place.tx_templates.create(code: code("PAYMENT"), transaction: effective, **PAYMENT)
    place.tx_templates.create(code: code("LOPSIDED"), transaction: effective, **LOPSIDED)
  end

  def code(name)
    "#{name}-#{suffix}"
  end

  def suffix
    @suffix ||= SecureRandom.hex(4)
  end

  def pay(place, amount = "10.00", from: alice, to: bob, id: nil)
    place.post(code("PAYMENT"), { from: from, to: to, amount: amount }, id: id)
  end

  def pay_lopsided(place)
    place.post(code("LOPSIDED"), { from: alice, to: bob, amount: "2" })
  end

  def key(account)
    { journal_id: journal, account_id: account, currency: "USD" }
  end

  # What Bob has, "0" when nobody paid him yet.
  def bobs(place)
    place.balances.find(**key(bob))[:settled][:net]
  rescue Cala::NotFoundError
    "0"
  end
end
