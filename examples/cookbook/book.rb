# frozen_string_literal: true

# What the recipes share: short words for a tx template and its entries.
module Book
  module_function

  def debit(account, units = "params.amount", layer: "SETTLED", currency: "'USD'")
    { account_id: account, direction: "DEBIT", units: units, layer: layer, currency: currency }
  end

  def credit(account, units = "params.amount", **where)
    debit(account, units, **where).merge(direction: "CREDIT")
  end

  # Creates a tx template; params: types by name. An amount that comes from outside is not below zero.
  def template(ledger, journal, code, params, entries, **transaction)
    ledger.tx_templates.create(
      code: code,
      params: params.map do |name, type|
        { name: name, type: type, **(type == "decimal" ? { min: "decimal('0')" } : {}) }
      end,
      transaction: { journal_id: "uuid('#{journal}')", effective: "date()", **transaction },
      entries: entries.map { |entry| { entry_type: "'#{code}'", **entry } }
    )
  end

  # Creates an account and gives its id.
  def account(ledger, code, normal = "credit", **more)
    ledger.accounts.create(code: code, name: code, normal_balance_type: normal, **more)[:id]
  end
end
