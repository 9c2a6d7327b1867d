# frozen_string_literal: true

module Cala
  # What went wrong, as the library or the database said it. Each status of the library has a subclass; rescue by class,
  # decide by #code.
  class Error < StandardError
    TX_STATES = %i[usable aborted retry].freeze

    # A stable dotted word for programs, "account.locked"; docs/errors.md lists them all.
    # @return [String]
    attr_reader :code

    # More, by what the code promises: +{pointer: "/params/amount"}+, +{account_id: "..."}+. Empty when there is no
    # more.
    # @return [Hash{Symbol => Object}]
    attr_reader :details

    # The database's SQLSTATE, five characters; nil when no database said no.
    # @return [String, nil]
    attr_reader :sqlstate

    # What the failure means for the transaction that it happened in: +:usable+ (it can go on), +:aborted+ (roll it
    # back) or +:retry+ (roll it back and run all of it again).
    # @return [Symbol]
    attr_reader :tx_state

    # Which posting of a batch was refused, counted from 0; nil when the error is about none.
    # @return [Integer, nil]
    attr_reader :posting_index

    def initialize(code:, message:, details: {}, retryable: false, sqlstate: nil, tx_state: :usable, posting_index: nil)
      super(message)
      @code = code
      @details = details
      @retryable = retryable
      @sqlstate = sqlstate
      @tx_state = tx_state
      @posting_index = posting_index
    end

    # Whether the same call may succeed when it is repeated; inside a transaction after a rollback,
    # and with the whole transaction.
    def retryable?
      @retryable
    end
  end

  # The call itself is wrong: a handle, an order of calls, no open transaction.
  class MisuseError < Error; end
  # The request is not right: keys, values, CEL. The details name the place.
  class InvalidError < Error; end
  # What the request names does not exist.
  class NotFoundError < Error; end
  # An id, code or external id is taken, or something changed meanwhile.
  class ConflictError < Error; end
  # The ledger refuses: unbalanced, locked. Nothing was written.
  class RejectedError < Error; end
  # Too much at once, or another writer holds the store: try again later.
  class BusyError < Error; end
  # Not finished within the time given.
  class TimeoutError < Error; end
  # Cancelled; nothing was written.
  class CancelledError < Error; end
  # The ledger is closed, or closing.
  class ClosedError < Error; end
  # The store cannot be reached or cannot work.
  class UnavailableError < Error; end
  # The store does not let us.
  class PermissionError < Error; end
  # Not with this store, schema version or build.
  class UnsupportedError < Error; end
  # Out of memory; nothing was written. Not Ruby's NoMemoryError, which no program rescues.
  class OutOfMemoryError < Error; end
  # A defect of the library: please report it.
  class InternalError < Error; end
  # The ledger was opened by the parent process; open another in the child.
  class ForkedError < Error; end
  # The connection was lost during commit: post the same id again, or look it up.
  class OutcomeUnknownError < Error; end

  class Error
    # Makes errors from what the library hands over. Not for programs.
    # @api private
    module Reading
      CLASSES = [nil, MisuseError, InvalidError, NotFoundError, ConflictError, RejectedError, BusyError, TimeoutError,
                 CancelledError,
                 ClosedError, UnavailableError, PermissionError, UnsupportedError, OutOfMemoryError, InternalError,
                 ForkedError,
                 OutcomeUnknownError].freeze

      module_function

      def class_of(status)
        CLASSES[status] || InternalError
      end

      # From a failed operation's record.
      def from_json(status, text)
        told = JSON.parse(text, symbolize_names: true)
        build(status, told[:code], told[:message], told[:details] || {}, told[:retryable], told[:sqlstate],
              told[:tx_state],
              told[:posting_index])
      end

      # From an out_error that the caller frees, or an operation's own.
      def from_pointer(status, pointer)
        return build(status, "call.failed", Raw.cala_status_name(status), {}, status == Raw::BUSY, "", 0,
                     -1) if pointer.null?

        build(status, text(Raw.cala_error_code(pointer)), text(Raw.cala_error_message(pointer)),
              JSON.parse(Raw.cala_error_details(pointer),
                         symbolize_names: true), Raw.cala_error_retryable(pointer) != 0,
              Raw.cala_error_sqlstate(pointer), Raw.cala_error_tx_state(pointer), Raw.cala_error_posting_index(pointer))
      end

      def build(status, code, message, details, retryable, sqlstate, tx_state, posting_index)
        class_of(status).new(code: code, message: message, details: details, retryable: retryable,
                             sqlstate: sqlstate.to_s.empty? ? nil : sqlstate,
                             tx_state: TX_STATES.fetch(tx_state, :aborted),
                             posting_index: posting_index.to_i.negative? ? nil : posting_index)
      end

      def text(bytes)
        bytes.dup.force_encoding(Encoding::UTF_8)
      end
    end
  end
end
