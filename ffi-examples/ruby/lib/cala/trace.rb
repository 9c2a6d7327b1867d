# frozen_string_literal: true

module Cala
  # Which trace the operations inside the block are part of: a W3C traceparent, which their log records then have.
  #
  #   Cala.traced("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") { ledger.post("DEPOSIT", params) }
  #
  # It holds for this fiber. One that is malformed makes each operation an InvalidError.
  # @param traceparent [String]
  # @return the block's value
  def self.traced(traceparent)
    before = Thread.current[:cala_traceparent]
    Thread.current[:cala_traceparent] = traceparent
    yield
  ensure
    Thread.current[:cala_traceparent] = before
  end

  # @api private
  module Trace
    # What traced said in this fiber, as the library takes it: to be asked before there is an operation to be freed.
    def self.now
      given = Thread.current[:cala_traceparent]
      return given if given.nil? || (given.is_a?(String) && given.ascii_only? && !given.include?("\0"))

      refuse(given)
    end

    # Gives an operation that was just made its trace, or frees it.
    def self.mark(operation, text)
      return operation if text.nil? || Raw.cala_op_trace(operation, text, text.bytesize) == Raw::OK

      Raw.cala_op_free(operation)
      refuse(text)
    end

    def self.refuse(given)
      raise InvalidError.new(code: "request.malformed",
                             message: "#{given.inspect} is no traceparent of the W3C's Trace Context")
    end
    private_class_method :refuse
  end
end
