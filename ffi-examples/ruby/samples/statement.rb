# frozen_string_literal: true

require_relative "sample"

open_ledger do |ledger|
  journal = ledger.journals.create(name: "Main", code: code("MAIN"), effective_balances: true)[:id]
  cash = ledger.accounts.create(code: code("CASH"), name: "Cash", normal_balance_type: "debit")[:id]
  alice, bob = %w[ALICE BOB].map { |name| ledger.accounts.create(code: code(name), name: name)[:id] }
  ledger.tx_templates.create(
    code: code("DEPOSIT"),
    params: params(account: "uuid", amount: "decimal", day: "date"),
    transaction: { effective: "params.day", journal_id: "uuid('#{journal}')" },
    entries: entries("SETTLED", debit: "uuid('#{cash}')", credit: "params.account")
  )
  [[alice, "100.00", "2026-01-10"], [alice, "30.00", "2026-02-02"], [bob, "50.00", "2026-01-20"],
   [alice, "7.00", "2026-01-31"]].each do |account, amount, day|
    ledger.post(code("DEPOSIT"), { account: account, amount: amount, day: day })
  end

  key = { journal_id: journal, account_id: alice, currency: "USD" }
  statement = ledger.accounts.statement(**key, by: "effective", from: "2026-01-15", until: "2026-02-28")
  lines = statement[:items].map { |line| [*line[:entry].values_at(:direction, :units), line[:running][:net]] }
  puts "ALICE, 2026-01-15 to 2026-02-28"
  [["opening", "", statement[:opening][:net]], *lines, ["closing", "", statement[:closing][:net]]].each do |line|
    puts format("  %-7s  %6s  %6s", *line)
  end

  puts "page by page, newest first"
  page = { first: 2, order: "desc" }
  loop do
    found = ledger.accounts.statement(**key, **page)
    puts "  #{found[:items].map { |line| line[:entry][:units] }.join(" ")}"
    break unless found[:has_next_page]

    page[:after] = found[:end_cursor]
  end

  january = ledger.balances.range(**key, from: "2026-01-01", until: "2026-01-31")
  puts "ALICE in January: #{january.values_at(:open, :period, :close).map { |part| part[:settled][:net] }.join(", ")}"

  trial = ledger.trial_balance(journal_id: journal, at: { effective: "2026-01-31" })
  puts "trial balance, 2026-01-31"
  trial[:items].each { |line| puts format("  %-5s  %6s  %6s", without_suffix(line[:code]),
                                          *line.values_at(:debit, :credit)) }
  trial[:totals].each { |total| puts format("  %-5s  %6s  %6s", "", *total.values_at(:debit, :credit)) }
end
