# frozen_string_literal: true

module Cala
  # An open ledger. Threads and fibers may share one; each method is an operation by itself, waits for its answer, and
  # can be interrupted (Timeout, Thread#raise): the operation is then cancelled,
  # unless its write was on its way already.
  #
  #   Cala::Ledger.open(store: "sqlite:ledger.db") do |ledger|
  #     ledger.accounts.create(code: "ALICE", name: "Alice")
  #   end
  class Ledger
    include Operations

    # Opens a ledger, and with a block closes it behind the block and returns the block's value.
    #
    # @param config what cala_ledger_open knows; a key that is nil is an error, so that a variable that is not set opens
    #   no file. store: ("sqlite:PATH", "sqlite::memory:", "postgres://...", "host:sqlite", "host:postgres"), migrate:,
    #   schema:, pool: {max:, timeout_ms:}, clock: {manual:}, commit: {durable:, group_max:}, queue_max:,
    #   failover_wait_ms:, lazy:
    # @param logger [Logger, nil] hears what goes wrong, what the library does about it and what takes long, of the
    #   levels that it writes when the ledger is opened, without anything of the program's data; and each operation at
    #   level debug
    # @param slow_ms [Integer, nil] operations that take so long are told of, as warnings
    # @return [Ledger]
    # @raise [InvalidError] request.unknown_key, request.malformed, store.invalid
    # @raise [UnavailableError] store.unreachable, store.cannot_open
    # @raise [UnsupportedError] store.migrations_missing: open with migrate: true
    def self.open(logger: nil, slow_ms: nil, **config)
      ledger = new(config, logger, slow_ms)
      return ledger unless block_given?

      begin
        yield ledger
      ensure
        ledger.close
      end
    end

    # @api private
    def self.finalizer(pump)
      proc { pump.shutdown }
    end

    private_class_method :new

    # Runs the operation of that name of cala.h, without its prefix cala_; the other methods are short for this.
    # @param operation [Symbol]
    # @param request [Hash]
    # @return [Hash] the answer
    def call(operation, request = {})
      answer = Operation.start(@pump, operation, request)
      log(operation, "ok")
      answer
    rescue Error => e
      log(operation, e.code)
      raise
    end

    # Begins a transaction of the ledger's own. With a block: commits behind it and returns its value; rolls back when
    # the block raises or is left by break, return or throw (which Timeout does). Without: returns it, to be committed
    # or rolled back by the program.
    #
    # @param savepoint [Boolean] every operation runs behind a SAVEPOINT, so that one that the database refuses leaves
    #   the transaction usable
    # @yieldparam tx [OwnTransaction]
    # @raise [BusyError] store.busy: no connection came free, or another writer holds the file
    def begin(savepoint: false)
      tx = own(savepoint)
      return tx unless block_given?

      begin
        value = yield tx
        done = true
      ensure
        done ? (tx.commit unless tx.over?) : abandon(tx)
      end
      value
    end

    # Takes part in the transaction that the program has open on a connection of its own; committing is the program's.
    #
    #   Order.transaction do
    #     order = Order.create!(note: "tea")
    #     Order.connection_pool.with_connection do |connection|
    #       ledger.in(connection).post("PAYMENT", { amount: "10.00" })
    #     end
    #   end
    #
    # @param handle [PG::Connection, SQLite3::Database, ActiveRecord::ConnectionAdapters::AbstractAdapter]
    # @param savepoint [Boolean] as for #begin
    # @param adopt [Boolean] PG::Connection only: the library uses its libpq connection itself: at best worth it with
    #   many operations in one transaction. An operation then cannot be interrupted, and the handle is good for one
    #   transaction.
    # @return [Transaction]
    # @raise [MisuseError] transaction.none, here or from the operation: no transaction is open
    # @raise [TypeError] no driver that this gem knows
    def in(handle, savepoint: false, adopt: false)
      host = Hosts.for(handle)
      check_store(host, handle)
      turns = Hosts.turns(host.connection)
      adopt ? adopted(handle, turns, savepoint) : hosted(host, turns, savepoint)
    end

    # Runs the block, which must be a whole transaction (of #begin or of the program's own), again when it lost a race,
    # which the library says: of an error of its own whose tx_state is :retry, of the driver's by its SQLSTATE (40001,
    # 40P01) or SQLite's name of it (SQLITE_BUSY); also when it is the cause of another.
    # It waits longer before each attempt.
    #
    # @param attempts [Integer] how often at most
    # @return the block's value
    def retrying(attempts: Retry::ATTEMPTS)
      attempt = 1
      begin
        yield
      rescue StandardError => e
        raise if attempt >= attempts || !Retry.lost_a_race?(e)

        sleep(Retry.pause(attempt))
        attempt += 1
        retry
      end
    end

    # Opens a listener: events as they happen. With a block: closes it behind the block and returns the block's value.
    #
    # @param options from: ("now", "start" or the place of an event; default "now"), name: (a listener whose place the
    #   ledger keeps: listeners.ack moves it), types:, journal_id:, entries:, balances:, buffer:, poll_ms:, as
    #   cala_listener_open has them
    # @return [Listening]
    # @raise [InvalidError] request.malformed, request.unknown_key
    # @raise [BusyError] listener.too_many
    def listen(**options)
      listening = Listening.new(self, @pump, options)
      return listening unless block_given?

      begin
        yield listening
      ensure
        listening.close
      end
    end

    # A projection: what follows from events is written into tables of the program's, in one transaction with the place,
    # which the ledger keeps under the name, so that each event takes effect exactly once.
    #
    #   totals = ledger.projection("totals", transaction: ->(work) { pg.transaction { work.call(pg) } },
    #     apply: ->(connection, event) { connection.exec_params("UPDATE totals SET ...") })
    #   totals.catch_up
    #
    # @param name [String] the listener's
    # @param apply [#call] is given the connection of the transaction and an event
    # @param clear [#call, nil] is given the connection and empties the tables, for Projection#rebuild
    # @param transaction [#call, nil] begins a transaction of the program's, calls what it is given with the connection,
    #   as #in takes it, and commits, or rolls back when that raises. Without it the transaction is one of the ledger's,
    #   and the connection an OwnTransaction
    # @param page_size [Integer] how many events a transaction has, 1 to 1000
    # @param filters types:, journal_id:, entries:, balances:, as events.list has them
    # @return [Projection]
    def projection(name, apply:, clear: nil, transaction: nil, page_size: 100, **filters)
      Projection.new(self, name, apply: apply, clear: clear, transaction: transaction, page_size: page_size,
                     filters: filters)
    end

    # Walks what the program has against the ledger, page by page; a page is all that is in memory.
    #
    #   ledger.reconcile(rows: ->(after) { Payment.expected_after(after) }) do |page|
    #     page[:missing].each { |expected| ... }
    #   end
    #
    # @param rows [#call] is given the external id behind which to go on, or nil, and gives an Enumerable of what the
    #   program expects, in an order of its own: Hashes of external_id: and, to be compared, tx_template_code:,
    #   journal_id:, effective:, correlation_id:, description:, amounts: (what is debited in it, in all layers, by
    #   currency: +{ "USD" => "10.00" }+); row: is the program's own
    # @param known [#call, nil] is given external ids and gives those that the program knows. With it the ledger's
    #   transactions are looked up in the program in turn; those without an external id are not
    # @param replay [#call, nil] is given one that is missing and gives its posting, tx_template_code:, params:, id:,
    #   which is then posted, or nil to leave it
    # @param place [Hash, nil] that of an earlier page, to go on behind it: row:, transaction:; also with Strings for
    #   keys, as JSON gives it
    # @param page_size [Integer] 1 to 1000
    # @param recorded_by [Time, String, nil] only what was recorded by then must be known: what is younger may be under
    #   way
    # @param filters journal_id:, tx_template_id:, account_id:, correlation_id: of the ledger's transactions that must
    #   be known
    # @yieldparam page [Hash] checked: (how many), missing:, differing: (expected:, transaction:, fields:, where
    #   :voided_by says that it has been taken back), extra: (not what has been voided), replayed:, refused: (expected:,
    #   error:), place:
    # @return [Enumerator] without a block
    # @raise [InvalidError] request.malformed: one of these, what is expected or what known gives is not as said here
    def reconcile(rows:, known: nil, replay: nil, place: nil, page_size: 500, recorded_by: nil, **filters, &block)
      walk = Reconciling.new(self, rows: rows, known: known, replay: replay, place: place, page_size: page_size,
                             last: recorded_by,
                                   filters: filters)
      block ? walk.each(&block) : walk.to_enum
    end

    # Ends what is prepared (OwnTransaction#prepare) as the program decided, and guesses nothing; see docs/two-phase.md.
    #
    #   ledger.recover(min_age_ms: 10_000) { |prepared| Decision.outcome_of(prepared[:gid]) }
    #
    # @param min_age_ms [Integer] what is younger is left alone
    # @yieldparam prepared [Hash] gid:, owner:, prepared_at:, age_ms:
    # @yieldreturn [String, nil] "commit", "rollback", or nil: nothing is decided, it is left as it is. What it raises
    #   ends the recovery
    # @return [Hash] what was committed:, rolled_back:, left:, what somebody else has ended: meanwhile, each an Array of
    #   what was yielded; and failed:, of prepared: and error:, because another session is at it (prepared.busy) or it
    #   is another user's (store.permission)
    # @raise [InvalidError] request.malformed
    # @raise [Error] any other that finishing gave. What is finished by then stays so, the rest is for the next time
    def recover(min_age_ms: 0, &decided)
      raise ArgumentError, "a block has to say what was decided" unless decided

      Recovering.new(self, min_age_ms).recover(&decided)
    end

    # Sets a manual clock.
    # @param instant [Time, String] RFC 3339 when it is a String
    # @raise [UnsupportedError] clock.not_manual
    def clock_set(instant)
      text = Document.text(instant)
      @pump.use { |ledger, _| Outcome.check { |error| Raw.cala_clock_set(ledger, text, text.bytesize, error) } }
    end

    # Moves a manual clock forward.
    # @param milliseconds [Integer]
    # @raise [InvalidError] clock.range
    # @raise [UnsupportedError] clock.not_manual
    def clock_advance(milliseconds)
      @pump.use { |ledger, _| Outcome.check { |error| Raw.cala_clock_advance(ledger, milliseconds, error) } }
    end

    # Closes: refuses new operations, waits for those in flight, frees. Closing twice is fine. In a child of the process
    # that opened it does nothing.
    def close
      @pump.close
      ObjectSpace.undefine_finalizer(self)
      nil
    end

    def closed?
      @pump.closed?
    end

    def inspect
      "#<#{self.class} #{@kind}#{" closed" if closed?}>"
    end

    private

    def initialize(config, logger, slow_ms)
      Document.refuse_nil(config)
      text = Document.write(config)
      pointer = Thread.handle_interrupt(Pump::MASKED) do
        Outcome.blocking { Outcome.handle { |out, error| Raw.cala_ledger_open(text, text.bytesize, out, error) } }
      end
      @kind = config.fetch(:store, "sqlite:").to_s.match?(/\A(host:)?sqlite(:|\z)/) ? :sqlite : :postgres
      @logger = logger
      @pump = Pump.new(pointer, logger, slow_ms)
      ObjectSpace.define_finalizer(self, Ledger.finalizer(@pump))
    end

    def own(savepoint)
      make = ->(*arguments) { Outcome.blocking { Raw.cala_tx_begin(*arguments) } }
      transaction(make, savepoint: savepoint) { |pointer| OwnTransaction.new(self, @pump, pointer, Mutex.new) }
    end

    def hosted(host, turns, savepoint)
      transaction(Raw.method(:cala_tx_host), savepoint: savepoint) { |pointer| HostTransaction.new(self, @pump, pointer,
          turns, host) }
    end

    def adopted(connection, turns, savepoint)
      unless Hosts::Postgres.accepts?(connection)
        raise TypeError, "adopt: true needs a PG::Connection, not #{connection.class}"
      end

      pgconn = FFI::Pointer.new(Hosts.pgconn(connection))
      make = lambda do |ledger, *rest|
        turns.synchronize { Outcome.blocking { Raw.cala_tx_adopt(ledger, pgconn, nil, nil, *rest) } }
      end
      transaction(make, savepoint: savepoint, library: Hosts.pg_extension) do |pointer|
        AdoptedTransaction.new(self, @pump, pointer, turns, connection)
      end
    end

    # Interrupts wait until the handle has an owner who frees it.
    def transaction(make, **options)
      text = Document.write(options.select { |_, value| value })
      Thread.handle_interrupt(Pump::MASKED) do
        yield(@pump.use { |ledger, _| Outcome.handle { |out,
                                                      error| make.call(ledger, text, text.bytesize, out, error) } })
      end
    end

    # What made the block fail is worth more than what the rollback says about it.
    def abandon(tx)
      tx.rollback unless tx.over?
    rescue Error
      nil
    end

    def check_store(host, handle)
      return if host.store == @kind

      raise MisuseError.new(code: "call.misuse",
                            message: "this ledger is on #{@kind}; it cannot take part in a transaction of " \
                                     "#{handle.class}")
    end

    # A logger that raises must not hide what the operation answered.
    def log(operation, outcome)
      @logger&.debug { "cala: #{operation} #{outcome}" }
    rescue StandardError
      nil
    end
  end
end
