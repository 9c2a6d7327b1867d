# frozen_string_literal: true

module Cala
  # libcala could not be loaded. The message says which files were tried.
  class LibraryMissingError < LoadError; end

  # Finds and loads libcala for Cala::Raw, which is extended with this.
  #
  # Tried in this order: the file that the environment's +CALA_LIBRARY+ names (then nothing else is tried), the one that
  # a gem for this platform brought, and libcala.so.1 (on macOS libcala.1.dylib),
  # wherever the system's loader looks for libraries.
  module LibraryLoading
    include FFI::Library

    ABI_MAJOR = 1

    def self.extended(raw)
      raw.load_library
    end

    def self.candidates
      named = ENV.fetch("CALA_LIBRARY", "")
      return [named] unless named.empty?

      names = FFI::Platform.mac? ? ["libcala.1.dylib"] : ["libcala.so.1", "libcala.so"]
      native = File.join(__dir__, "native", names.first)
      File.exist?(native) ? [native, *names] : names
    end

    def load_library
      ffi_lib(LibraryLoading.candidates)
    rescue LoadError => e
      tried = LibraryLoading.candidates.join(", ")
      raise LibraryMissingError, "libcala could not be loaded; tried #{tried}. Set CALA_LIBRARY to the path of " \
                                 "libcala.so. " \
                                 "(#{e.message.lines.map(&:strip).join(" ")})", cause: nil
    end

    # A function that an older library lacks is no reason not to use the others.
    def bind(name, parameters, result, **options)
      attach_function(name, parameters, result, **options)
    rescue FFI::NotFoundError
      define_singleton_method(name) do |*|
        raise UnsupportedError.new(code: "library.too_old", message: "this libcala (#{cala_version}) has no #{name}")
      end
    end

    def check_version
      return if cala_abi_version >> 16 == ABI_MAJOR

      found = LibraryLoading.candidates.join(", ")
      raise LibraryMissingError, "this gem needs libcala 1.x, and #{found} is #{cala_version}"
    end
  end
end
