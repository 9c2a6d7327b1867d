# frozen_string_literal: true

ENV["CALA_LIBRARY"] = "/nowhere/libcala.so"
begin
  require_relative "program"
rescue LoadError => e
  told = e.instance_of?(Cala::LibraryMissingError) && ["/nowhere/libcala.so",
                                                       "CALA_LIBRARY"].all? { |word| e.message.include?(word) }
  abort "not told: #{e.message}" unless told
  puts "ok"
end
