# frozen_string_literal: true

require "bigdecimal"
require "date"
require "ffi"
require "io/wait"
require "json"
require "time"
require_relative "cala/version"
require_relative "cala/errors"
require_relative "cala/library_loading"
require_relative "cala/raw"
require_relative "cala/outcome"
require_relative "cala/document"
require_relative "cala/pump"
require_relative "cala/trace"
require_relative "cala/operation"
require_relative "cala/list"
require_relative "cala/nouns"
require_relative "cala/operations"
require_relative "cala/hosts"
require_relative "cala/transaction"
require_relative "cala/retry"
require_relative "cala/listening"
require_relative "cala/projection"
require_relative "cala/reconciling"
require_relative "cala/recovering"
require_relative "cala/ledger"

# A double-entry ledger in the process: libcala for Ruby. Begin with Cala::Ledger.open.
module Cala
  Raw.check_version

  # The version of the library that was loaded.
  # @return [String]
  def self.libcala_version
    Raw.cala_version
  end
end
