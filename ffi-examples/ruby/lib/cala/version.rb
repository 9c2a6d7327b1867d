# frozen_string_literal: true

module Cala
  # The gem's own version; Cala.libcala_version is the library's.
  VERSION = "1.0.0"
end
