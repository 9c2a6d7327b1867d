# frozen_string_literal: true

require_relative "lib/cala/version"

Gem::Specification.new do |spec|
  spec.name = "cala"
  spec.version = Cala::VERSION
  spec.authors = ["libcala's authors"]
  spec.summary = "A double-entry ledger in the process, or in the transaction that is open already: libcala for Ruby"
  spec.license = "Apache-2.0"
  spec.required_ruby_version = ">= 3.1"
  spec.files = Dir["lib/**/*.rb", "sig/*.rbs"] + ["README.md"]
  spec.add_dependency "ffi", "~> 1.15"
end
