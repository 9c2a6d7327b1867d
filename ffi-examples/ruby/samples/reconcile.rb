# frozen_string_literal: true

require_relative "sample"

# Post first, reconcile: the program posts, then writes its own row. What a crash leaves in between is found and mended.
TABLE = "payments#{SUFFIX.tr("-", "_")}"

def placeholder(number)
  STORE.start_with?("sqlite") ? "?" : "$#{number}"
end

def show(page)
  found = page[:missing].map { |one| "missing #{without_suffix(one[:external_id])}" }
  found += page[:differing].map { |one| "differing #{without_suffix(one[:expected][:external_id])} in " \
                                        "#{one[:fields].join(", ")}" }
  found += page[:extra].map { |one| "extra #{without_suffix(one[:external_id])}" }
  found += page[:replayed].map { |one| "posted #{without_suffix(one[:transaction][:external_id])}" }
  puts "  #{page[:checked]}: #{found.empty? ? "as expected" : found.join("; ")}"
end

open_ledger do |ledger|
  journal = ledger.journals.create(name: "Main", code: code("MAIN"))[:id]
  alice, bank = %w[ALICE BANK].map { |name| ledger.accounts.create(code: code(name), name: name)[:id] }
  ledger.tx_templates.create(
    code: code("PAYMENT"), params: params(external_id: "string", amount: "decimal"),
    transaction: { effective: "date()", journal_id: "uuid('#{journal}')", external_id: "params.external_id" },
    entries: entries("SETTLED", debit: "uuid('#{bank}')", credit: "uuid('#{alice}')")
  )
  sql = ->(text, *values) { ledger.begin { |tx| tx.exec(text, *values)[:rows] } }
  insert = lambda do |external_id, amount|
    sql.call("INSERT INTO #{TABLE} (external_id, amount) VALUES (#{placeholder(1)}, #{placeholder(2)})", external_id,
             amount)
  end
  posting = ->(external_id, amount) { { tx_template_code: code("PAYMENT"),
                                       params: { external_id: external_id, amount: amount } } }

  # What the program expects, page by page, behind one.
  rows = lambda do |after|
    Enumerator.new do |all|
      loop do
        page = sql.call("SELECT external_id, amount FROM #{TABLE} WHERE external_id > #{placeholder(1)} ORDER BY " \
                        "external_id LIMIT 2",
                        after || "")
        break if page.empty?

        page.each { |external_id, amount| all << { external_id: external_id, amounts: { "USD" => amount },
                                                  row: amount } }
        after = page.last.first
      end
    end
  end
  # Those of which the program has a row.
  known = lambda do |external_ids|
    places = Array.new(external_ids.size) { |at| placeholder(at + 1) }.join(", ")
    sql.call("SELECT external_id FROM #{TABLE} WHERE external_id IN (#{places})", *external_ids).flatten
  end
  replay = ->(expected) { posting.call(expected[:external_id], expected[:row]) }

  sql.call("CREATE TABLE #{TABLE} (external_id text PRIMARY KEY, amount text)")
  (1..7).each { |number| insert.call(code("pay#{number}"), "#{number}.00") }
  [1, 3, 4, 5, 6, 7, 8].each do |number|
    ledger.post(code("PAYMENT"), { external_id: code("pay#{number}"), amount: number == 5 ? "50.00" : "#{number}.00" })
  end

  puts "the first page:"
  first = ledger.reconcile(rows: rows, known: known, journal_id: journal, page_size: 3).first
  show(first)
  kept = JSON.generate(first[:place])
  puts "and on from there, in another process:"
  place = JSON.parse(kept, symbolize_names: true)
  ledger.reconcile(rows: rows, known: known, journal_id: journal, page_size: 3, place: place) do |page|
    show(page)
    page[:extra].each { |transaction| insert.call(transaction[:external_id], "8.00") }
  end
  puts "once more, and what is missing is posted:"
  ledger.reconcile(rows: rows, known: known, replay: replay, journal_id: journal) { |page| show(page) }
  puts "and now:"
  ledger.reconcile(rows: rows, known: known, journal_id: journal) { |page| show(page) }
end
