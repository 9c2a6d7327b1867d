# frozen_string_literal: true

# Interest by day on a loan, which is right again after a repayment that was booked late.
require "bigdecimal/util"
require "cala"
require "date"
require_relative "book"
include Book

Cala::Ledger.open(store: "sqlite::memory:") do |ledger|
  main = ledger.journals.create(code: "MAIN", name: "Main", effective_balances: true)[:id]
  bank = account(ledger, "BANK", "debit")
  earned = account(ledger, "INTEREST")
  loan = account(ledger, "LOAN_7", "debit")
  due = account(ledger, "INTEREST_7", "debit")

  params = { debit: "uuid", credit: "uuid", amount: "decimal", day: "date" }
  %w[PAYMENT INTEREST].each do |code|
    template(ledger, main, code, params, [debit("params.debit"), credit("params.credit")], effective: "params.day")
  end

  text = ->(amount) { format("%.2f", amount) }
  post = lambda do |code, debited, credited, amount, day|
    ledger.post(code, { debit: debited, credit: credited, amount: text.call(amount), day: day })
  end

  # What the account had at the end of that day, as it is known now.
  net_of = lambda do |id, day|
    ledger.balances.at(journal_id: main, account_id: id, currency: "USD", effective: day)[:settled][:net].to_d
  rescue Cala::NotFoundError
    0.to_d
  end

  # Books what the day's interest should be, less what is booked of it already: running it again does no harm.
  accrue = lambda do |day|
    principal = net_of.call(loan, day)
    should = (principal * "0.05".to_d / 365).round(2, :half_even)
    missing = should - (net_of.call(due, day) - net_of.call(due, day - 1))
    post.call("INTEREST", due, earned, missing, day) if missing.positive?
    post.call("INTEREST", earned, due, -missing, day) if missing.negative?
    puts format("%s  principal %9s  interest %s  booked %5s", day, *[principal, should, missing].map(&text))
  end

  days = (1..3).map { |day| Date.new(2026, 2, day) }
  post.call("PAYMENT", loan, bank, "10000.00".to_d, days[0])
  days.each(&accrue)
  puts "4000.00 came in on 2026-02-02, and is booked only now"
  post.call("PAYMENT", bank, loan, "4000.00".to_d, days[1])
  days.each(&accrue)
  puts "interest due: #{text.call(net_of.call(due, days[2]))}"
end
