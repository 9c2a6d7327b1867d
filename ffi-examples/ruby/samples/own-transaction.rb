# frozen_string_literal: true

require_relative "sample"

PLACEHOLDER = STORE.start_with?("sqlite") ? "?" : "$1"
TABLE = "orders#{SUFFIX.tr("-", "_")}"

open_ledger do |ledger|
  journal = ledger.journals.create(name: "Main", code: code("MAIN"))[:id]
  alice, bank, carol = %w[ALICE BANK CAROL].map { |name| ledger.accounts.create(code: code(name), name: name)[:id] }
  ledger.tx_templates.create(
    code: code("PAYMENT"), params: params(to: "uuid", amount: "decimal"),
    transaction: { effective: "date()", journal_id: "uuid('#{journal}')" },
    entries: entries("SETTLED", debit: "uuid('#{bank}')", credit: "params.to")
  )
  order_and_pay = lambda do |tx, account|
    tx.exec("INSERT INTO #{TABLE} (note) VALUES (#{PLACEHOLDER})", "tea")
    tx.post(code("PAYMENT"), { to: account, amount: "30.00" })
  end
  show = lambda do |title|
    count = ledger.begin { |tx| tx.exec("SELECT count(*) FROM #{TABLE}")[:rows][0][0].to_i }
    puts "#{title}: #{orders_text(count)}, ALICE " \
         "#{balance_text(ledger, { journal_id: journal, account_id: alice, currency: "USD" })}"
  end

  ledger.begin { |tx| tx.exec("CREATE TABLE #{TABLE} (note text)") }

  ledger.begin do |tx|
    order_and_pay.call(tx, alice)
    tx.rollback
  end
  show.call("rolled back")

  ledger.begin { |tx| order_and_pay.call(tx, alice) }
  show.call("committed")

  ledger.begin { |tx| tx.accounts.lock(carol) }
  ledger.begin do |tx|
    order_and_pay.call(tx, carol)
  rescue Cala::RejectedError => e
    puts "rejected inside: #{e.code}, the transaction #{e.tx_state == :usable ? "goes on" : "is over"}"
  end
  show.call("committed")
end
