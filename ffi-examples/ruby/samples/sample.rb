# frozen_string_literal: true

# What the samples share: the store of the first argument, and codes that are new where the store lives on.
$LOAD_PATH.unshift(File.expand_path("../lib", __dir__))
require "cala"
require "securerandom"

STORE = ARGV.fetch(0, "sqlite::memory:")
SUFFIX = STORE == "sqlite::memory:" ? "" : "-#{SecureRandom.hex(4)}"

def code(name)
  "#{name}#{SUFFIX}"
end

def without_suffix(code)
  code.delete_suffix(SUFFIX)
end

def open_ledger(&block)
  Cala::Ledger.open(store: STORE, migrate: true, &block)
end

# Two entries of the same units: [entry_type, account_id, direction], each pair of a layer.
def entries(layer, debit:, credit:, units: "params.amount")
  { "DEBIT" => debit, "CREDIT" => credit }.map do |direction, account|
    { entry_type: "'#{layer}_#{direction}'", account_id: account, layer: layer, direction: direction, units: units,
     currency: "'USD'" }
  end
end

# Params of a tx template: params(amount: "decimal")
def params(**types)
  types.map { |name, type| { name: name, type: type } }
end

def balance_text(ledger, key)
  "has #{ledger.balances.find(**key)[:settled][:net]} USD"
rescue Cala::NotFoundError
  "has no balance"
end

def orders_text(count)
  "#{count} order#{"s" unless count == 1}"
end
