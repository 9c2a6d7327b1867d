# frozen_string_literal: true

require_relative "support"

# coverage.json, which tools/make_ffi writes, says which method reaches which operation of cala.h; the loaded library
# says what the operation takes, gives and refuses.
class CoverageTest < Minitest::Test
  METHODS = JSON.parse(File.read(File.expand_path("../coverage.json", __dir__)), symbolize_names: true)
  CONTRACT = JSON.parse(Cala::Raw.cala_api, symbolize_names: true)

  # A transaction where nothing runs: it keeps what was sent, and which keys of the answer were read.
  class Recorder < Cala::OwnTransaction
    attr_reader :sent, :read

    def initialize; end # rubocop:disable Lint/MissingSuper -- no ledger

    def call(operation, request = {})
      @sent = [operation, request.keys.sort]
      @read = []
      Hash.new { |_, key| @read << key && nil }
    end
  end

  def setup
    @place = Recorder.new
  end

  def test_every_operation_has_a_method
    assert_same_members Cala::Raw::OPERATIONS, METHODS.keys
  end

  def test_every_method_sends_each_key_of_its_operation_and_reads_what_its_answer_has
    each_method do |operation, method|
      keys = keys_of(CONTRACT[:operations][operation][:request])
      positional = method.parameters.filter_map { |kind, name| name if kind == :req }
      others = keys - positional - (method.parameters.any? { |kind, _| kind == :keyrest } ? [] : keys)
      given = method.call(*positional, **others.to_h { |key| [key, "x"] })
      given.page if given.is_a?(Cala::List)
      assert_equal [operation, keys.sort], @place.sent
      assert_empty @place.read - keys_of(CONTRACT[:operations][operation][:result]), "of the answer of #{operation}"
    end
  end

  def test_every_comment_names_the_codes_of_the_operation
    each_method { |operation, method| assert_codes_named(operation, method) }
    assert_codes_named(:transaction_post, @place.method(:post))
  end

  private

  def each_method
    METHODS.each do |operation, path|
      *nouns, name = path.split(".").map(&:to_sym)
      yield operation, nouns.inject(@place) { |place, noun| place.public_send(noun) }.method(name)
    end
  end

  def assert_codes_named(operation, method)
    path, line = method.source_location
    comment = File.readlines(path)[0...line - 1].reverse.take_while { |text| text.match?(/\A\s*#/) }.reverse.join
    named = comment[/@raise.*/m].to_s.scan(/\b[a-z_]+\.[a-z_]+\b/)
    assert_equal CONTRACT[:operations][operation][:errors].sort, named.sort, "the comment of #{method.name}, " \
      "#{operation}"
  end

  def keys_of(type)
    case type[:kind]
    when "name"
      operation, part = type[:name].split(".").map(&:to_sym)
      keys_of(part ? CONTRACT[:operations][operation][part] : CONTRACT[:types][operation][:type])
    when "object" then type[:fields].map { |field| field[:key].to_sym }
    else type[:of].flat_map { |part| keys_of(part) }.uniq
    end
  end
end
