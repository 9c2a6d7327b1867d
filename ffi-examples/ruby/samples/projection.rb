# frozen_string_literal: true

# Collapse the boundary: what follows from the ledger's events is written into the program's tables in the transaction
# that keeps the place. Each event counts once, whatever is killed when, and the tables can be made anew from the start.
require "tmpdir"
FOLDER = ARGV.empty? ? Dir.mktmpdir("cala") : nil
ARGV << "sqlite:#{FOLDER}/ledger.db" if FOLDER
require_relative "sample"

TABLE = "totals#{SUFFIX.tr("-", "_")}"

# The program's own connection, by the gem pg or the gem sqlite3.
def connect
  if STORE.start_with?("postgres")
    require "pg"
    return PG.connect(STORE)
  end
  require "sqlite3"
  SQLite3::Database.new(STORE.delete_prefix("sqlite:")).tap { |database| database.busy_timeout = 30_000 }
end

def rows(connection, sql)
  connection.respond_to?(:execute) ? connection.execute(sql) : connection.exec(sql).values
end

open_ledger do |ledger|
  journal = ledger.journals.create(name: "Main", code: code("MAIN"))[:id]
  alice, bob, bank = %w[ALICE BOB BANK].map { |name| ledger.accounts.create(code: code(name), name: name)[:id] }
  ledger.tx_templates.create(
    code: code("PAYMENT"), params: params(account: "uuid"), transaction: { effective: "date()",
                                                                          journal_id: "uuid('#{journal}')" },
    entries: entries("SETTLED", debit: "uuid('#{bank}')", credit: "params.account", units: "decimal('1')")
  )
  names = { alice => "ALICE", bob => "BOB" }
  mine, another = Array.new(2) { connect }
  rows(mine, "CREATE TABLE #{TABLE} (account text PRIMARY KEY, payments integer NOT NULL)")
  pay = ->(*accounts) { accounts.each { |account| ledger.post(code("PAYMENT"), account: account) } }

  # What follows from an event: applied twice, it would be wrong.
  count = lambda do |connection, event|
    event[:entries].filter_map { |one| names[one[:account_id]] }.each do |name|
      rows(connection, "INSERT INTO #{TABLE} VALUES ('#{name}', 1) ON CONFLICT (account) DO UPDATE SET payments = " \
                       "#{TABLE}.payments + 1")
    end
  end
  projection = lambda do |connection, apply|
    ledger.projection(TABLE, apply: apply, clear: ->(where) { rows(where, "DELETE FROM #{TABLE}") },
                             transaction: ->(work) { connection.transaction { work.call(connection) } }, page_size: 2,
                             types: ["transaction_created"], journal_id: journal, entries: true)
  end
  show = lambda do |what|
    totals = rows(mine, "SELECT account, payments FROM #{TABLE} ORDER BY account")
    puts "#{what}: #{totals.map { |account, payments| "#{account} #{payments} payments" }.join(", ")}"
  end

  pay.call(alice, bob, alice, bob)
  show.call("caught up with #{projection.call(mine, count).catch_up} events")

  pay.call(alice, bob, alice)
  seen = 0
  dies = lambda do |connection, event|
    count.call(connection, event)
    raise "killed" if (seen += 1) == 2
  end
  begin
    projection.call(mine, dies).catch_up
  rescue RuntimeError
    show.call("killed in the middle")
  end
  show.call("and again, #{projection.call(mine, count).catch_up} events")

  pay.call(alice)
  late = lambda do |connection, event|
    projection.call(another, count).catch_up
    count.call(connection, event)
  end
  projection.call(mine, late).catch_up
  show.call("another process at the same time")
  show.call("rebuilt from the start with #{projection.call(mine, count).rebuild} events")
  ledger.listeners.remove(TABLE)
  [mine, another].each(&:close)
end
FileUtils.rm_rf(FOLDER) if FOLDER
