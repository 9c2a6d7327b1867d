# frozen_string_literal: true

require_relative "sample"

open_ledger do |ledger|
  journal = ledger.journals.create(name: "Main", code: code("MAIN"))[:id]
  liabilities, customers = %w[LIABILITIES CUSTOMERS].map { |name| ledger.account_sets.create(journal_id: journal,
      name: name)[:id] }
  cash = ledger.accounts.create(code: code("CASH"), name: "Cash", normal_balance_type: "debit")[:id]
  alice = ledger.accounts.create(code: code("ALICE"), name: "Alice", account_set_id: customers)[:id]
  bob = ledger.accounts.create(code: code("BOB"), name: "Bob")[:id]
  names = { alice => "ALICE", bob => "BOB", customers => "CUSTOMERS", liabilities => "LIABILITIES" }
  ledger.account_sets.add_members([{ account_set_id: customers, account_id: bob },
                                   { account_set_id: liabilities, member_account_set_id: customers }])
  members = ledger.account_sets.list_members(account_set_id: customers).map { |member| names[member[:account_id]] }
  puts "CUSTOMERS has #{members.join(", ")}"
  parents = ledger.account_sets.list_parents(account_set_id: customers).map { |parent| parent[:name] }
  puts "CUSTOMERS is in #{parents.join(", ")}"

  refused = lambda do |title, **membership|
    ledger.account_sets.add_members([membership])
  rescue Cala::RejectedError => e
    puts "refused  #{title}: #{e.code}"
  end
  refused.call("a set in itself", account_set_id: customers, member_account_set_id: liabilities)

  ledger.tx_templates.create(
    code: code("DEPOSIT"),
    params: params(account: "uuid", amount: "decimal"),
    transaction: { effective: "date()", journal_id: "uuid('#{journal}')" },
    entries: entries("SETTLED", debit: "uuid('#{cash}')", credit: "params.account")
  )
  { alice => "100.00", bob => "50.00" }.each { |account,
                                              amount| ledger.post(code("DEPOSIT"),
                                                                  { account: account, amount: amount }) }
  puts "balances"
  names.each do |id, name|
    balance = ledger.balances.find(journal_id: journal, account_id: id, currency: "USD")
    puts format("  %-11s  %6s USD", name, balance[:settled][:net])
  end
  puts "entries of LIABILITIES"
  ledger.entries.list(account_set_id: liabilities).each do |entry|
    puts format("  %-5s  %s  %6s", names[entry[:account_id]], *entry.values_at(:direction, :units))
  end
  refused.call("an account with entries", account_set_id: liabilities, account_id: cash)
end
