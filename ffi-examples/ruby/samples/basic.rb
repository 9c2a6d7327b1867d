# frozen_string_literal: true

require_relative "sample"

ledger = Cala::Ledger.open(store: STORE, migrate: true)
ledger.accounts.create(code: code("ALICE"), name: "Alice")
ledger.accounts.create(code: code("CASH"), name: "Cash", normal_balance_type: "debit")
mine = ledger.accounts.list.select { |account| account[:code].end_with?(SUFFIX) }

puts "accounts"
mine.each { |account| puts format("  %-5s  %-5s  %s", without_suffix(account[:code]), account[:name],
                                  account[:normal_balance_type]) }
alice, cash = mine.map { |account| account[:id] }
names = { alice => "ALICE", cash => "CASH" }

journal = ledger.journals.create(name: "Main", code: code("MAIN"))[:id]
ledger.tx_templates.create(
  code: code("DEPOSIT"),
  params: params(journal: "uuid", cash: "uuid", account: "uuid", amount: "decimal", effective: "date"),
  transaction: { effective: "params.effective", journal_id: "params.journal" },
  entries: entries("SETTLED", debit: "params.cash", credit: "params.account")
)

deposit = { journal: journal, cash: cash, account: alice, amount: "100.00", effective: Date.new(2026, 1, 31) }
id = SecureRandom.uuid
posted = ledger.post(code("DEPOSIT"), deposit, id: id)
puts "posted DEPOSIT"
posted[:entries].each do |entry|
  puts format("  %d  %-5s  %-6s  %s %s  %s", entry[:sequence], names[entry[:account_id]],
              *entry.values_at(:direction, :units, :currency, :layer))
end

puts "balances"
[alice, cash].each do |account|
  balance = ledger.balances.find(journal_id: journal, account_id: account, currency: "USD")
  puts format("  %-5s  %s %s", names[account], balance[:settled][:net], balance[:currency])
end

again = ledger.post(code("DEPOSIT"), deposit, id: id)
puts "posted again: #{again[:replayed] ? "replayed" : "twice!"}"

begin
  ledger.accounts.find(code: code("NOBODY"))
rescue Cala::NotFoundError => e
  puts "not found: #{e.code}"
end

ledger.close
puts "closed" if ledger.closed?
