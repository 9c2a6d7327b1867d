# frozen_string_literal: true

# A month's end: a late invoice, the trial balance of the month, a statement, and the books closed into the capital.
require "cala"
require_relative "book"
include Book

Cala::Ledger.open(store: "sqlite::memory:") do |ledger|
  main = ledger.journals.create(code: "MAIN", name: "Main", effective_balances: true)[:id]
  ids = %w[BANK RENT WAGES].to_h { |code| [code, account(ledger, code, "debit")] }
  ids.merge!(%w[CAPITAL SALES SUPPLIERS].to_h { |code| [code, account(ledger, code)] })
  template(ledger, main, "BOOK", { debit: "uuid", credit: "uuid", amount: "decimal", day: "date", text: "string" },
           [debit("params.debit"), credit("params.credit")], effective: "params.day", description: "params.text")

  book = lambda do |day, debited, credited, amount, text|
    ledger.post("BOOK", { debit: ids[debited], credit: ids[credited], amount: amount, day: day, text: text })
  end
  show_trial_balance = lambda do |title|
    puts title
    trial = ledger.trial_balance(journal_id: main, at: { effective: "2026-01-31" })
    [*trial[:items], *trial[:totals]].each do |line|
      puts format("  %-9s %8s %8s", line[:code], line[:debit], line[:credit])
    end
  end

  book.call("2026-01-02", "BANK", "CAPITAL", "5000.00", "Begin")
  book.call("2026-01-15", "BANK", "SALES", "1200.00", "Sales")
  book.call("2026-01-31", "WAGES", "BANK", "700.00", "Wages")
  book.call("2026-02-02", "BANK", "SALES", "300.00", "Sales")
  book.call("2026-01-20", "RENT", "SUPPLIERS", "400.00", "Rent, an invoice that came in February")
  show_trial_balance.call("2026-01-31, before closing")

  key = ->(code) { { journal_id: main, account_id: ids[code], currency: "USD" } }
  statement = ledger.accounts.statement(**key.call("BANK"), by: "effective", from: "2026-01-15", until: "2026-01-31")
  puts "BANK since the 15th: had #{statement[:opening][:net]}"
  statement[:items].each do |line|
    puts format("  %-6s %8s %8s", *line[:entry].values_at(:direction, :units), line[:running][:net])
  end
  puts "  and has #{statement[:closing][:net]}"

  # What was earned and spent in the month goes to the capital; its accounts begin the next month at zero.
  [%w[SALES SALES CAPITAL], %w[RENT CAPITAL RENT], %w[WAGES CAPITAL WAGES]].each do |code, debited, credited|
    month = ledger.balances.range(**key.call(code), from: "2026-01-01", until: "2026-01-31")
    book.call("2026-01-31", debited, credited, month[:close][:settled][:net], "Closing January")
  end
  show_trial_balance.call("2026-01-31, closed")
  puts "SALES in February: #{ledger.balances.find(**key.call("SALES"))[:settled][:net]}"

  ledger.journals.close(id: main, until: "2026-01-31")
  begin
    book.call("2026-01-31", "BANK", "SALES", "50.00", "Too late")
  rescue Cala::RejectedError => e
    puts "refused: #{e.code}, until #{e.details[:closed_until]}"
  end
end
