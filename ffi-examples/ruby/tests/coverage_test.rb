# frozen_string_literal: true

require_relative "support"

# coverage.json says which method reaches which operation of cala.h.
class CoverageTest < Minitest::Test
  FILE = File.expand_path("../coverage.json", __dir__)

  def test_every_operation_has_a_method
    assert_same_members Cala::Raw::OPERATIONS, Cala::Operations::METHODS.keys
  end

  def test_every_method_is_there
    Cala::Ledger.open(store: "sqlite::memory:") do |ledger|
      ledger.begin do |tx|
        Cala::Operations::METHODS.each_value do |path|
          *nouns, method = path.split(".").map(&:to_sym)
          assert_respond_to nouns.inject(tx) { |place, noun| place.public_send(noun) }, method
        end
      end
    end
  end

  def test_the_file_is_what_the_table_says
    assert_equal "#{JSON.pretty_generate(Cala::Operations::METHODS)}\n", File.read(FILE), "coverage.json is not up to date"
  end
end
