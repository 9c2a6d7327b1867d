# frozen_string_literal: true

# One that has another major version of the interface is not loaded;
# of one that lacks a function, the others can be used.
require "tmpdir"

STUB = File.expand_path("../../../stub_library", __dir__)

Dir.mktmpdir("cala") do |folder|
  ENV["CALA_LIBRARY"] = "#{folder}/libcala.so.2"
  abort "no stub" unless system(STUB, ENV["CALA_LIBRARY"], "0x20000")
  said = IO.popen(["ruby", "-e", "require #{File.expand_path("../../lib/cala", __dir__).dump}", { err: %i[child out] }],
                  &:read)
  abort "not told: #{said}" unless said.include?("Cala::LibraryMissingError") && said.include?(ENV["CALA_LIBRARY"])

  ENV["CALA_LIBRARY"] = "#{folder}/libcala.so.1"
  abort "no stub" unless system(STUB, ENV["CALA_LIBRARY"], "0x10000", "cala_lost_race")
  require_relative "program"
  begin
    Cala::Raw.cala_lost_race("40001")
    abort "not told"
  rescue Cala::UnsupportedError => e
    abort "not told: #{e.message}" unless e.code == "library.too_old" && e.message.include?("cala_lost_race")
  end
  expect Cala.libcala_version == "0.0.0", "the version"
end
puts "ok"
