# frozen_string_literal: true

require_relative "support"
require "open3"

# Each sample prints what ../samples/<name>.txt has, on each store.
class SamplesTest < Minitest::Test
  Dir[File.expand_path("../../samples/*.txt", __dir__)].each do |text|
    name = File.basename(text, ".txt")
    next if name == "telemetry" # of Node, Go and Python

    unless name == "two-phase"
      define_method(:"test_#{name.tr("-", "_")}_on_its_own_store") { assert_prints(text, name) }
    end

    define_method(:"test_#{name.tr("-", "_")}_twice_on_postgres") do
      skip "CALA_TEST_POSTGRES is not set" unless POSTGRES
      2.times { assert_prints(text, name, POSTGRES) }
    end
  end

  private

  def assert_prints(text, name, *arguments)
    printed, complaints, = Open3.capture3("ruby", "-w", File.expand_path("../samples/#{name}.rb", __dir__), *arguments)
    assert_equal File.read(text), printed, complaints
    assert_empty complaints.lines.grep(/ruby.(samples|lib)/)
  end
end
