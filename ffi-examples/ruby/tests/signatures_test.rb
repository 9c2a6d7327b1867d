# frozen_string_literal: true

require_relative "support"
require "rbs"
require "rbs/cli"
require "stringio"

# The signatures in sig/ are valid, and of what is there.
class SignaturesTest < Minitest::Test
  FOLDER = File.expand_path("../sig", __dir__)

  def test_rbs_validates_them
    cli = RBS::CLI.new(stdout: StringIO.new, stderr: StringIO.new)
    cli.run(["-r", "bigdecimal", "-r", "date", "-I", FOLDER, "validate", "--silent"])
    assert_operator declared.size, :>, 30
  end

  def test_every_method_in_them_is_there
    declared.each do |owner, names|
      missing = names.reject { |kind, name| kind == :singleton ? owner.respond_to?(name) :
                              instance_method?(owner, name) }
      assert_empty missing, owner
    end
  end

  def test_every_public_method_is_in_them
    classes = Cala::Noun.subclasses + [Cala::Operations, Cala::Ledger, Cala::Transaction, Cala::OwnTransaction]
    classes.each do |owner|
      assert_empty owner.public_instance_methods(false) - declared.fetch(owner).map(&:last) - [:inspect], owner
    end
  end

  private

  def instance_method?(owner, name)
    owner.method_defined?(name) || owner.private_method_defined?(name)
  end

  # {Cala::Accounts => [[:instance, :create], ...]}
  def declared
    @declared ||= Dir["#{FOLDER}/*.rbs"].flat_map { |path| RBS::Parser.parse_signature(File.read(path)) }
                                        .each_with_object(Hash.new { |all, owner| all[owner] = [] }) do |root, all|
      root.members.each { |member| collect(member, all) }
    end
  end

  def collect(member, all)
    return unless member.respond_to?(:members)

    owner = Cala.const_get(member.name.name)
    all[owner] += member.members.filter_map { |one| [one.kind, one.name] if one.respond_to?(:kind) }
  end
end
