# frozen_string_literal: true

module Cala
  # Several operations that land together or not at all. Made by Ledger#begin and Ledger#in. Operations of one
  # transaction take turns, whichever threads or fibers they come from.
  class Transaction
    include Operations

    # @api private
    def initialize(ledger, pump, handle, turns)
      @ledger = ledger # keeps it open
      @pump = pump
      @handle = FFI::AutoPointer.new(handle, Raw.method(:cala_tx_free))
      @turns = turns
    end

    # Runs the operation of that name of cala.h in this transaction, without its prefix cala_; the other methods are
    # short for this.
    # @param operation [Symbol]
    # @param request [Hash]
    # @return [Hash] the answer
    def call(operation, request = {})
      @turns.synchronize { perform(operation, request) }
    end

    # Locks the balances of accounts, in the order that the library always locks in: first in a transaction that posts
    # several times, so that two such transactions wait for each other instead of deadlocking.
    # @param keys [Array<Hash>] journal_id:, account_id:, currency:
    # @return [Array<Hash>] the keys, distinct, as locked
    # @raise [NotFoundError] account.not_found, journal.not_found
    # @raise [InvalidError] currency.unknown
    # @raise [MisuseError] tx.required
    def lock_accounts(keys)
      call(:tx_lock_accounts, { keys: keys })[:keys]
    end
  end

  # A transaction on a connection of the ledger's own.
  class OwnTransaction < Transaction
    # Runs a statement of the program's own, in the store's SQL, with the store's placeholders ($1 on PostgreSQL, ? on
    # SQLite).
    # @param params [String, nil] each one a text, cast in the SQL where the database wants another type
    # @return [Hash] columns: [name, ...], rows: [[text or nil, ...], ...], affected: rows written
    # @raise [InvalidError] tx.control_statement, tx.statement (see #sqlstate and #tx_state), tx.too_many_rows
    # @raise [ConflictError] tx.constraint
    # @raise [MisuseError] tx.required
    def exec(sql, *params)
      params.each_with_index do |value, at|
        next if value.nil? || value.is_a?(String)

        given = value.is_a?(Array) ? "an Array" : "of class #{value.class}"
        raise InvalidError.new(code: "request.malformed", details: { pointer: "/params/#{at}" },
                               message: "parameter #{at + 1} is #{given}, and must be " \
                                        "a String or nil: exec(sql, \"1\", nil)")
      end
      call(:tx_exec, { sql: sql, params: params })
    end

    # Commits. Ledger#begin with a block does it by itself.
    # @raise [ConflictError] store.serialization: run the whole transaction again
    # @raise [OutcomeUnknownError] the connection was lost meanwhile
    # @raise [MisuseError] tx.over
    def commit
      finish { |error| Raw.cala_tx_commit(@handle, error) }
    end

    # Rolls back; nothing of the transaction stays.
    # @raise [MisuseError] tx.over
    def rollback
      finish { |error| Raw.cala_tx_rollback(@handle, error) }
    end

    # The first half of a two-phase commit, on PostgreSQL: what the transaction did goes on in the database under the
    # gid, until ledger.prepared.finish commits it or rolls it back, from any process; see docs/two-phase.md. It is over
    # then, and after an error whose tx_state is not :usable.
    # @param gid [String] 1 to 100 bytes
    # @raise [ConflictError] prepared.exists
    # @raise [BusyError] prepared.too_many
    # @raise [UnsupportedError] prepared.disabled, tx.not_postgres
    # @raise [OutcomeUnknownError] the connection was lost meanwhile: ledger.prepared.list tells
    # @raise [MisuseError] tx.over
    def prepare(gid)
      text = gid.encode(Encoding::UTF_8)
      @turns.synchronize do
        Outcome.blocking { Outcome.check { |error| Raw.cala_tx_prepare(@handle, text, text.bytesize, error) } }
        @over = true
      rescue Error => e
        @over ||= e.tx_state != :usable
        raise
      end
      nil
    end

    # Whether it was committed, rolled back or prepared.
    def over?
      @over || false
    end

    private

    def finish(&ending)
      @turns.synchronize do
        Outcome.blocking { Outcome.check(&ending) }
      ensure
        @over = true
      end
      nil
    end

    def perform(operation, request)
      Operation.start(@pump, operation, request, @handle)
    end
  end

  # The transaction that the program has open on its own connection; each statement is run by the program's driver.
  class HostTransaction < Transaction
    # @api private
    def initialize(ledger, pump, handle, turns, host)
      super(ledger, pump, handle, turns)
      @host = host
    end

    private

    def perform(operation, request)
      @host.check_open
      Operation.step(@pump, operation, request, @handle) { |made| drive(made) }
    end

    # Returns the driver's exception when the database refused, nil otherwise.
    def drive(made)
      refused = nil
      step = Raw.cala_op_step(made)
      while step == Raw::STEP_NEED_QUERY
        begin
          text = @host.run(text_of(Raw.cala_op_sql(made, nil)), params_of(made))
          step = Raw.cala_op_feed(made, text, text ? text.bytesize : 0)
        rescue *@host.refusals => e
          refused = e
          step = Raw.cala_op_feed_error(made, *@host.explain(e))
        end
      end
      step.negative? ? raise(Error::Reading.from_pointer(-step, FFI::Pointer::NULL)) : refused
    end

    def params_of(made)
      Array.new(Raw.cala_op_param_count(made)) { |index| text_of(Raw.cala_op_param(made, index, nil)) }
    end

    def text_of(bytes)
      bytes&.dup&.force_encoding(Encoding::UTF_8)
    end
  end

  # The same transaction of a PG::Connection, whose libpq connection the library uses itself (+adopt: true+).
  class AdoptedTransaction < Transaction
    # @api private
    def initialize(ledger, pump, handle, turns, connection)
      super(ledger, pump, handle, turns)
      @connection = connection # must outlive the handle
    end

    private

    def perform(operation, request)
      Operation.run(@pump, operation, request, @handle)
    end
  end
end
