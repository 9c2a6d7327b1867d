# frozen_string_literal: true

# Two-phase commit: the order in the program's database and the payment in the ledger's, both or neither, whenever it is
# killed. On PostgreSQL.
require_relative "sample"
require "pg"

ORDERS, DECISIONS = %w[orders decisions].map { |name| "#{name}#{SUFFIX.tr("-", "_")}" }
# The program's own database. Here it is that of the ledger, and could be any.
OWN = PG.connect(STORE)
OWN.exec("CREATE TABLE #{ORDERS} (gid text PRIMARY KEY)")
OWN.exec("CREATE TABLE #{DECISIONS} (gid text PRIMARY KEY, " \
         "outcome text NOT NULL CHECK (outcome IN ('commit', 'rollback')))")

open_ledger do |ledger|
  journal = ledger.journals.create(name: "Main", code: code("MAIN"))[:id]
  alice, bank = %w[ALICE BANK].map { |name| ledger.accounts.create(code: code(name), name: name)[:id] }
  ledger.tx_templates.create(
    code: code("PAYMENT"), params: params(amount: "decimal"),
    transaction: { effective: "date()", journal_id: "uuid('#{journal}')" },
    entries: entries("SETTLED", debit: "uuid('#{bank}')", credit: "uuid('#{alice}')")
  )

  order = lambda do |gid, killed|
    ledger.begin do |tx|
      tx.post(code("PAYMENT"), amount: "30.00")
      tx.prepare(gid)
    end
    next if killed == "before the decision"

    OWN.transaction do
      OWN.exec_params("INSERT INTO #{ORDERS} VALUES ($1)", [gid])
      OWN.exec_params("INSERT INTO #{DECISIONS} VALUES ($1, 'commit')", [gid])
    end
    next if killed == "after the decision"

    ledger.prepared.finish(gid: gid, outcome: "commit")
    OWN.exec_params("DELETE FROM #{DECISIONS} WHERE gid = $1", [gid])
  end

  # What the program decided: before anybody else can, that it is rolled back.
  decided = lambda do |prepared|
    gid = prepared[:gid]
    next unless gid.start_with?("order") && gid.end_with?(SUFFIX) # else it is another program's

    OWN.exec_params("INSERT INTO #{DECISIONS} VALUES ($1, 'rollback') ON CONFLICT DO NOTHING", [gid])
    OWN.exec_params("SELECT outcome FROM #{DECISIONS} WHERE gid = $1", [gid]).getvalue(0, 0)
  end
  recover = lambda do
    done = ledger.recover(&decided)
    said = { committed: "committed", rolled_back: "rolled back", left: "left" }.flat_map do |what, words|
      done[what].map { |one| one[:gid] }.select { |gid| gid.end_with?(SUFFIX) }
                .map { |gid| "#{without_suffix(gid)} #{words}" }
    end
    puts "  recovery: #{said.join(", ")}"
  end
  show = lambda do |title|
    count = OWN.exec("SELECT count(*) FROM #{ORDERS}").getvalue(0, 0).to_i
    balance = balance_text(ledger, { journal_id: journal, account_id: alice, currency: "USD" })
    puts "#{title}: #{orders_text(count)}, ALICE #{balance}"
  end

  ledger.begin do |tx|
    tx.accounts.create(code: code("THEIRS"), name: "An account of another program's")
    tx.prepare(code("theirs"))
  end
  order.call(code("order1"), nil)
  show.call("nobody is killed")
  recover.call
  ["before the decision", "after the decision"].each.with_index(2) do |killed, number|
    order.call(code("order#{number}"), killed)
    show.call("killed #{killed}")
    recover.call
    show.call("and then")
  end
  ledger.prepared.finish(gid: code("theirs"), outcome: "rollback")
end
OWN.exec("DROP TABLE #{ORDERS}, #{DECISIONS}")
OWN.close
