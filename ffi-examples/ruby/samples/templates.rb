# frozen_string_literal: true

require_relative "sample"

FEE_TRANSFER = {
  params: params(amount: "decimal") + [{ name: "fee", type: "decimal", default: "decimal('0.50')" },
                                       { name: "memo", type: "string", default: "''" }],
  entries: [
    ["SENDER", "params.sender", "DEBIT", "params.amount + params.fee"],
    ["RECEIVER", "params.receiver", "CREDIT", "params.amount"],
    ["FEE", "params.fees", "CREDIT", "params.fee"]
  ].map do |type, account, direction, units|
    { entry_type: "'#{type}'", account_id: account, layer: "SETTLED", direction: direction, units: units,
     currency: "'USD'" }
  end
}.freeze

def refused
  yield
rescue Cala::Error => e
  place = e.details[:pointer] if e.code == "cel.compile"
  puts ["refused  #{e.code}", place].compact.join(" at ")
end

def show(title, posted, names)
  puts title
  posted[:entries].each do |entry|
    puts format("  %d  %-5s  %-6s  %s %s", entry[:sequence], names[entry[:account_id]],
                *entry.values_at(:direction, :units, :currency))
  end
end

open_ledger do |ledger|
  journal = ledger.journals.create(name: "Main", code: code("MAIN"))[:id]
  alice, bob, fees = %w[ALICE BOB FEES].map { |name| ledger.accounts.create(code: code(name), name: name)[:id] }
  transaction = { effective: "date()", journal_id: "params.journal" }
  uuids = params(journal: "uuid", sender: "uuid", receiver: "uuid", fees: "uuid")
  pair = entries("SETTLED", debit: "params.sender", credit: "params.receiver")
  two = { params: uuids + params(amount: "decimal"), transaction: transaction }

  refused { ledger.tx_templates.create(code: code("TYPO"), **two,
                                       entries: [pair[0].merge(units: "params.amuont"), pair[1]]) }
  refused { ledger.tx_templates.create(code: code("UNEVEN"), **two,
                                       entries: [pair[0], pair[1].merge(units: "params.amount + decimal('1')")]) }

  created = ledger.tx_templates.create(code: code("FEE_TRANSFER"), params: FEE_TRANSFER[:params] + uuids,
                                       transaction: transaction,
                                       entries: FEE_TRANSFER[:entries])
  own = created[:params].map { |param| param[:name] } - uuids.map { |param| param[:name].to_s }
  puts "created  #{without_suffix(created[:code])} with params #{own.join(", ")}"

  names = { alice => "ALICE", bob => "BOB", fees => "FEES" }
  places = { journal: journal, sender: alice, receiver: bob, fees: fees }
  amount = places.merge(amount: "10.00")
  show "posted with the default fee", ledger.post(code("FEE_TRANSFER"), amount), names
  show "posted with a fee of 2", ledger.post(code("FEE_TRANSFER"), amount.merge(fee: BigDecimal("2"))), names

  [places, amount.merge(amonut: "10.00")].each do |wrong|
    ledger.post(code("FEE_TRANSFER"), wrong)
  rescue Cala::InvalidError => e
    puts "refused  #{e.code}: #{e.details[:param]}"
  end

  expression = "decimal('10.00') + decimal('0.50')"
  puts "evaluated  #{expression} = #{ledger.cel_evaluate(expression)[:value]}"

  puts "templates"
  codes = ledger.tx_templates.list.map { |template| template[:code] }
  codes.select { |name| name.end_with?(SUFFIX) }.each { |name| puts "  #{without_suffix(name)}" }
end
