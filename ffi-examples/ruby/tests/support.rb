# frozen_string_literal: true

$LOAD_PATH.unshift(File.expand_path("../lib", __dir__))
require "cala"
require "minitest/autorun"
require "securerandom"
require "tempfile"
require "timeout"
require "tmpdir"
require_relative "behaviour/fixture"

POSTGRES = ENV.fetch("CALA_TEST_POSTGRES", "").then { |url| url.empty? ? nil : url }
PGBOUNCER = ENV.fetch("CALA_TEST_PGBOUNCER", "").then { |url| url.empty? ? nil : url }

# Assertions that more than one test has.
class Minitest::Test
  def assert_same_members(expected, actual)
    assert_equal expected.sort_by(&:to_s), actual.sort_by(&:to_s)
  end
end
