# frozen_string_literal: true

module Cala
  # Calls of the library that answer with a status and through pointers.
  # @api private
  module Outcome
    module_function

    # Yields a place for the error and raises it unless the status is OK.
    def check
      error = FFI::MemoryPointer.new(:pointer)
      status = yield error
      return if status == Raw::OK

      begin
        raise Error::Reading.from_pointer(status, error.read_pointer)
      ensure
        Raw.cala_error_free(error.read_pointer)
      end
    end

    # Yields places for a handle and for the error, and returns the handle.
    def handle
      out = FFI::MemoryPointer.new(:pointer)
      check { |error| yield out, error }
      out.read_pointer
    end

    # What blocks in C would hold up a Fiber scheduler's other fibers, so there a thread of its own waits for it.
    def blocking(&work)
      Fiber.current_scheduler ? Thread.new(&work).value : work.call
    end
  end
end
