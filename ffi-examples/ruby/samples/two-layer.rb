# frozen_string_literal: true

require_relative "sample"

# What each template does with params.amount, as [layer, the account debited, the account credited].
MOVES = {
  "DEPOSIT" => [%w[SETTLED bank alice]],
  "HOLD" => [%w[PENDING alice bank]],
  "CAPTURE" => [%w[PENDING bank alice], %w[SETTLED alice bank]],
  "RELEASE" => [%w[PENDING bank alice]]
}.freeze

open_ledger do |ledger|
  journal = ledger.journals.create(name: "Main", code: code("MAIN"))[:id]
  alice = ledger.accounts.create(code: code("ALICE"), name: "Alice")[:id]
  bank = ledger.accounts.create(code: code("BANK"), name: "Bank", normal_balance_type: "debit")[:id]
  ids = { "alice" => "uuid('#{alice}')", "bank" => "uuid('#{bank}')" }
  key = { journal_id: journal, account_id: alice, currency: "USD" }

  MOVES.each do |name, moves|
    ledger.tx_templates.create(
      code: code(name), params: params(amount: "decimal"), transaction: { effective: "date()",
                                                                         journal_id: "uuid('#{journal}')" },
      entries: moves.flat_map do |layer, debit, credit|
        pair = entries(layer, debit: ids[debit], credit: ids[credit])
        credit == "alice" ? pair.reverse : pair # Alice's entry first
      end
    )
  end

  ledger.post(code("DEPOSIT"), { amount: "100.00" })
  { "HOLD" => ["held", "40.00"], "CAPTURE" => ["captured", "25.00"],
   "RELEASE" => ["released", "15.00"] }.each do |name, (done, amount)|
    ledger.post(code(name), { amount: amount })
    balance = ledger.balances.find(**key)
    puts "#{done} #{amount}"
    puts "  ALICE  settled #{balance[:settled][:net]}  pending #{balance[:pending][:net]}  available " \
         "#{balance[:available][:pending]}"
  end

  puts "history of ALICE"
  ledger.balances.history(**key).each do |balance|
    puts "  #{balance[:version]}  settled #{balance[:settled][:net]}  pending #{balance[:pending][:net]}"
  end
end
