# frozen_string_literal: true

# What the README shows of transactions, errors and lists, on the ledger that quick_start.rb made: ledger.db in the
# working folder.
require "active_record"
require "cala"

ActiveRecord::Base.establish_connection(adapter: "sqlite3", database: "ledger.db")

class Order < ActiveRecord::Base; end

ledger = Cala::Ledger.open(store: "sqlite:ledger.db")
alice = ledger.accounts.find(code: "ALICE")[:id]
journal = ledger.journals.list.first[:id]
key = { journal_id: journal, account_id: alice, currency: "USD" }

ledger.begin do |tx|
  tx.lock_accounts([key])
  tx.exec("CREATE TABLE orders (id integer PRIMARY KEY, note text)")
  tx.exec("INSERT INTO orders (note) VALUES (?)", "tea")
  tx.post("DEPOSIT", { account: alice, amount: "5.00" })
end

Order.transaction do
  Order.create!(note: "coffee")
  Order.connection_pool.with_connection do |connection|
    ledger.in(connection).post("DEPOSIT", { account: alice, amount: BigDecimal("7.5") })
  end
end

ledger.retrying do
  Order.transaction do
    Order.create!(note: "water")
    Order.connection_pool.with_connection do |connection|
      ledger.in(connection, savepoint: true).post("DEPOSIT", { account: alice, amount: "1" })
    end
  end
end

begin
  ledger.accounts.lock(alice)
  ledger.post("DEPOSIT", { account: alice, amount: "1" })
rescue Cala::RejectedError => e
  puts "#{e.code}: #{e.message}" if e.code == "account.locked"
ensure
  ledger.accounts.unlock(alice)
end

ledger.entries.list(account_id: alice).each { |entry| puts entry[:units] }
page = ledger.transactions.list(journal_id: journal).page(first: 2)
page = ledger.transactions.list(journal_id: journal).page(first: 2, after: page.end_cursor) if page.has_next_page?

puts "#{Order.count} orders, #{page.items.size} transactions on the second page, " \
     "#{ledger.balances.find(**key)[:settled][:net]} USD"
ledger.close
