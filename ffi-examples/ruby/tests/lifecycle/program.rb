# frozen_string_literal: true

# What the programs of this folder share: the store of the first argument, and something to post with.
$LOAD_PATH.unshift(File.expand_path("../../lib", __dir__))
require "cala"
require "securerandom"
require "timeout"
require_relative "../behaviour/fixture"

STORE = ARGV.fetch(0)

def open_ledger(**config)
  Cala::Ledger.open(store: STORE, migrate: true, **config)
end

def expect(truth, what)
  abort "#{what} does not hold" unless truth
end
