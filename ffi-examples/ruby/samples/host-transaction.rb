# frozen_string_literal: true

require "tmpdir"
FOLDER = ARGV.empty? ? Dir.mktmpdir("cala") : nil
ARGV << "sqlite:#{FOLDER}/ledger.db" if FOLDER
require_relative "sample"

TABLE = "orders#{SUFFIX.tr("-", "_")}"

# The program's own connection, by the gem pg or the gem sqlite3: something to run SQL with, and the rows of an answer.
if STORE.start_with?("postgres")
  require "pg"
  CONNECTION = PG.connect(STORE)
  ROWS = ->(statement) { CONNECTION.exec(statement).values }
else
  require "sqlite3"
  CONNECTION = SQLite3::Database.new(STORE.delete_prefix("sqlite:"))
  ROWS = ->(statement) { CONNECTION.execute(statement) }
end

class GoneWrong < StandardError; end

open_ledger do |ledger|
  journal = ledger.journals.create(name: "Main", code: code("MAIN"))[:id]
  alice, bank = %w[ALICE BANK].map { |name| ledger.accounts.create(code: code(name), name: name)[:id] }
  ledger.tx_templates.create(
    code: code("PAYMENT"), params: params(amount: "decimal"), transaction: { effective: "date()",
        journal_id: "uuid('#{journal}')" },
    entries: entries("SETTLED", debit: "uuid('#{bank}')", credit: "uuid('#{alice}')")
  )
  ROWS.call("CREATE TABLE #{TABLE} (note text)")
  show = lambda do |title|
    count = ROWS.call("SELECT count(*) FROM #{TABLE}")[0][0].to_i
    puts "#{title}: #{orders_text(count)}, ALICE " \
         "#{balance_text(ledger, { journal_id: journal, account_id: alice, currency: "USD" })}"
  end
  id = SecureRandom.uuid
  order_and_pay = lambda do
    ROWS.call("INSERT INTO #{TABLE} (note) VALUES ('tea')")
    ledger.in(CONNECTION).post(code("PAYMENT"), { amount: "30.00" }, id: id)
  end

  begin
    CONNECTION.transaction do
      order_and_pay.call
      raise GoneWrong
    end
  rescue GoneWrong
    show.call("rolled back")
  end

  CONNECTION.transaction { order_and_pay.call }
  show.call("committed")

  CONNECTION.transaction { puts "posted again inside: replayed" if order_and_pay.call[:replayed] }
  show.call("committed")
  CONNECTION.close
end
FileUtils.rm_rf(FOLDER) if FOLDER
