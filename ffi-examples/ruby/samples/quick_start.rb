# frozen_string_literal: true

require "cala"

Cala::Ledger.open(store: "sqlite:ledger.db") do |ledger|
  journal = ledger.journals.create(name: "Main")
  alice = ledger.accounts.create(code: "ALICE", name: "Alice")
  cash = ledger.accounts.create(code: "CASH", name: "Cash", normal_balance_type: "debit")
  money = { layer: "SETTLED", units: "params.amount", currency: "'USD'" }
  ledger.tx_templates.create(
    code: "DEPOSIT",
    params: [{ name: "account", type: "uuid" }, { name: "amount", type: "decimal" }],
    transaction: { effective: "date()", journal_id: "uuid('#{journal[:id]}')" },
    entries: [
      { entry_type: "'DEPOSIT_DR'", account_id: "uuid('#{cash[:id]}')", direction: "DEBIT", **money },
      { entry_type: "'DEPOSIT_CR'", account_id: "params.account", direction: "CREDIT", **money }
    ]
  )
  ledger.post("DEPOSIT", { account: alice[:id], amount: "100.00" })
  balance = ledger.balances.find(journal_id: journal[:id], account_id: alice[:id], currency: "USD")
  puts "Alice has #{balance[:settled][:net]} USD"
end
