# frozen_string_literal: true

module Cala
  # Makes an operation, has it run in one of the library's three ways, and reads its answer.
  #
  # Whatever ends the waiting early (Thread#raise, Timeout, a fiber that is stopped) cancels the operation; interrupts
  # are let in only where nothing can be lost.
  # @api private
  class Operation
    FUNCTIONS = Raw::OPERATIONS.to_h { |name| [name, :"cala_#{name}"] }.freeze

    class << self
      # On a connection of the library's. In a transaction the next operation must not come before this one's answer,
      # cancelled or not.
      def start(pump, name, request, tx = nil)
        perform(name, request) do |make|
          operation = answer = answered = nil
          pump.use { |ledger, queue| answer = pump.start(operation = make.call(ledger, tx), queue) }
          Thread.handle_interrupt(Pump::UNMASKED) { answered = answer.pop }
          read(*answered)
        ensure
          cancel(operation, answer, tx) if answer && !answered
          Raw.cala_op_free(operation)
        end
      end

      # On the caller's thread (a transaction of cala_tx_adopt).
      def run(pump, name, request, tx)
        perform(name, request) do |make|
          operation = pump.use { |ledger, _| make.call(ledger, tx) }
          Outcome.check { |error| Outcome.blocking { Raw.cala_op_run(operation, -1, error) } }
          Document.read(Raw.cala_op_result(operation, nil))
        ensure
          Raw.cala_op_free(operation)
        end
      end

      # By the program's driver: yields the operation, to be stepped until it is answered.
      def step(pump, name, request, tx)
        perform(name, request) do |make|
          operation = pump.use { |ledger, _| make.call(ledger, tx) }
          refused = Thread.handle_interrupt(Pump::UNMASKED) { yield operation }
          answer_of(operation, refused)
        ensure
          Raw.cala_op_free(operation)
        end
      end

      private

      def perform(name, request)
        function = FUNCTIONS.fetch(name) { raise ArgumentError, "there is no operation #{name}" }
        text = Document.write(request)
        trace = Trace.now
        make = lambda do |ledger, tx|
          Trace.mark(Outcome.handle { |out, error| Raw.public_send(function, ledger, tx, text, text.bytesize, out,
                                                                   error) }, trace)
        end
        Thread.handle_interrupt(Pump::MASKED) { yield make }
      end

      def cancel(operation, answer, tx)
        Raw.cala_op_cancel(operation)
        answer.pop if tx
      end

      def read(status, text)
        status == Raw::OK ? Document.read(text) : raise(Error::Reading.from_json(status, text))
      end

      # What the driver said is the error's cause.
      def answer_of(operation, refused)
        status = Raw.cala_op_status(operation)
        return Document.read(Raw.cala_op_result(operation, nil)) if status == Raw::OK

        raise Error::Reading.from_pointer(status, Raw.cala_op_error(operation)), cause: refused
      end
    end
  end
end
