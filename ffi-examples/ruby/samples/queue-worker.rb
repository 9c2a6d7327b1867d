# frozen_string_literal: true

# The program first, a queue worker: the program queues postings in a table of its own, in the transaction that they
# belong to. Workers take them from there; each posts and marks its row in one transaction, so whatever is killed when,
# it happened once. It is its own worker: ruby queue-worker.rb STORE worker TABLE
require "tmpdir"
FOLDER = ARGV[1] == "worker" ? nil : Dir.mktmpdir("cala")
ARGV << "sqlite:#{FOLDER}/ledger.db" if ARGV.empty?
require_relative "sample"

# The program's own connection, by the gem pg or the gem sqlite3: run with ? for parameters, and a transaction; on
# SQLite it is the only one that writes, from its beginning.
class Connection
  attr_reader :handle

  def initialize(file)
    @sqlite = STORE.start_with?("sqlite:")
    require @sqlite ? "sqlite3" : "pg"
    @handle = @sqlite ? SQLite3::Database.new(file) : PG.connect(STORE)
    @handle.busy_timeout = 30_000 if @sqlite
  end

  def run(sql, *params)
    return @handle.execute(sql, params) if @sqlite

    number = 0
    @handle.exec_params(sql.gsub("?") { "$#{number += 1}" }, params).values
  end

  # Gives the block's value. (What is no StandardError the gem sqlite3 would commit.)
  def transaction
    value = nil
    @handle.transaction(*(:immediate if @sqlite)) { value = yield }
    value
  end

  # Workers pass over each other's rows; on SQLite whoever writes is alone.
  def skip
    @sqlite ? "" : "FOR UPDATE SKIP LOCKED"
  end

  def close
    @handle.close
  end
end

# A queue of postings in a table of the program's.
class PostingQueue
  # What the ledger says of a posting itself; whatever else fails says nothing of it, and leaves the row queued.
  REFUSALS = [Cala::InvalidError, Cala::NotFoundError, Cala::ConflictError, Cala::RejectedError].freeze

  def initialize(connection, table)
    @connection = connection
    @table = table
  end

  def make
    @connection.run("CREATE TABLE #{@table} (id integer PRIMARY KEY, transaction_id text NOT NULL UNIQUE, " \
                    "template text NOT NULL, " \
                    "params text NOT NULL, status text NOT NULL DEFAULT 'queued', error text)")
  end

  def add(id, template, params)
    @connection.run("INSERT INTO #{@table} (id, transaction_id, template, params) VALUES (?, ?, ?, ?)",
                    id, SecureRandom.uuid, template, JSON.generate(params))
  end

  def count(status = "queued")
    @connection.run("SELECT count(*) FROM #{@table} WHERE status = ?", status)[0][0].to_i
  end

  def spoil(id)
    @connection.run("UPDATE #{@table} SET params = 'no JSON' WHERE id = ?", id)
  end

  def errors
    @connection.run("SELECT id, error FROM #{@table} WHERE status = 'failed' ORDER BY id")
  end

  # Posts what is first, and marks it; the block is called before the commit. Gives what became of it, nil when there is
  # nothing to do.
  def work_one(ledger, one_database: true)
    @connection.transaction do
      id, transaction_id, template, params =
        @connection.run("SELECT id, transaction_id, template, params FROM #{@table} WHERE status = 'queued' ORDER " \
                        "BY id LIMIT 1 " \
                        "#{@connection.skip}").first
      next unless id

      outcome = post(one_database ? ledger.in(@connection.handle) : ledger, template, params, transaction_id)
      refused = outcome.is_a?(String)
      @connection.run("UPDATE #{@table} SET status = ?, error = ? WHERE id = ?", refused ? "failed" : "posted",
                      refused ? outcome : nil, id)
      yield if block_given?
      outcome
    end
  end

  private

  def post(where, template, params, transaction_id)
    where.post(template, JSON.parse(params), id: transaction_id)
  rescue JSON::ParserError
    "params are no JSON" # the rows behind it go on
  rescue *REFUSALS => e
    raise if e.retryable? || e.tx_state != :usable # the row stays queued where trying again may help

    e.code
  end
end

# The worker: until the queue is empty.
def work(table, doomed)
  connection = Connection.new(STORE.delete_prefix("sqlite:"))
  queue = PostingQueue.new(connection, table)
  Cala::Ledger.open(store: STORE) do |ledger|
    until queue.count.zero?
      done = ledger.retrying do
        queue.work_one(ledger) do
          next unless doomed

          puts "posted"
          $stdout.flush
          sleep 60
        end
      end
      sleep 0.02 unless done # the others' rows may yet come back
    end
  end
  connection.close
end

def start(table, *more)
  IO.popen([RbConfig.ruby, __FILE__, STORE, "worker", table, *more])
end

# The program.
def main
  table = "due#{SUFFIX.tr("-", "_")}"
  connection = Connection.new(STORE.delete_prefix("sqlite:"))
  queue = PostingQueue.new(connection, table)
  open_ledger do |ledger|
    journal = ledger.journals.create(name: "Main", code: code("MAIN"))[:id]
    alice, closed, bank = %w[ALICE CLOSED BANK].map { |name| ledger.accounts.create(code: code(name), name: name)[:id] }
    ledger.accounts.lock(closed)
    ledger.tx_templates.create(
      code: code("PAYMENT"), params: params(account: "uuid", amount: "decimal"),
      transaction: { effective: "date()", journal_id: "uuid('#{journal}')" },
      entries: entries("SETTLED", debit: "uuid('#{bank}')", credit: "params.account")
    )
    balance = -> { "ALICE #{balance_text(ledger, { journal_id: journal, account_id: alice, currency: "USD" })}" }

    queue.make
    (1..10).each { |number| queue.add(number, code("PAYMENT"),
                                      { account: number == 4 ? closed : alice, amount: "5.00" }) }
    queue.spoil(7)
    puts "#{queue.count} payments are queued"

    doomed = start(table, "doomed")
    raise "the worker said nothing" unless doomed.gets == "posted\n"

    puts "a worker posted one, and before its commit: #{queue.count} queued, #{balance.call}"
    other = start(table)
    Process.kill(:KILL, doomed.pid)
    [doomed, other].each(&:close)
    puts "it was killed, and another went on: #{queue.count("posted")} posted, #{queue.count} queued"
    queue.errors.each { |id, error| puts "  #{id} failed: #{error}" }
    puts "#{balance.call} by #{ledger.transactions.list(journal_id: journal).count} transactions"

    # Two databases: the posting commits by itself, before the mark.
    elsewhere = Connection.new("#{FOLDER}/queue.db")
    far = PostingQueue.new(elsewhere, "far_#{table}")
    far.make
    far.add(1, code("PAYMENT"), { account: alice, amount: "5.00" })
    begin
      far.work_one(ledger, one_database: false) { raise "killed" }
    rescue RuntimeError
      puts "with the queue in another database, killed between the two: #{far.count} queued, #{balance.call}"
    end
    again = far.work_one(ledger, one_database: false)
    puts "again: #{again[:replayed] ? "replayed" : "posted"}, #{far.count} queued, #{balance.call}"
    elsewhere.close
  end
  connection.close
end

ARGV[1] == "worker" ? work(ARGV[2], ARGV[3] == "doomed") : main
FileUtils.rm_rf(FOLDER) if FOLDER
