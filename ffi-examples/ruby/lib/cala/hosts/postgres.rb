# frozen_string_literal: true

module Cala
  module Hosts
    # A PG::Connection: runs the library's statements on it.
    # @api private
    class Postgres
      attr_reader :connection

      def self.accepts?(handle)
        defined?(::PG::Connection) && handle.is_a?(::PG::Connection)
      end

      # What the server said, nil when the error is the connection's own.
      def self.sqlstate(error)
        error.respond_to?(:result) ? error.result&.error_field(::PG::Result::PG_DIAG_SQLSTATE) : nil
      end

      def initialize(connection)
        @connection = connection
        @texts = ::PG::TypeMapAllStrings.new
      end

      def store
        :postgres
      end

      # The library itself tells when no transaction is open.
      def check_open; end

      def refusals
        [::PG::Error]
      end

      def explain(error)
        lost = @connection.finished? || @connection.status != ::PG::CONNECTION_OK
        [Postgres.sqlstate(error) || ("08006" if lost), error.message]
      end

      def run(sql, params)
        answered = false
        result = @connection.exec_params(sql, params, 0, @texts)
        answered = true
        result.type_map = @texts
        result.ntuples.zero? ? nil : result.getvalue(0, 0)&.encode(Encoding::UTF_8)
      ensure
        result&.clear
        Thread.handle_interrupt(Pump::MASKED) { interrupt } unless answered
      end

      private

      # What is still running on the connection when the program stops waiting would block its ROLLBACK. A cancel that
      # comes before the server has begun with the statement is lost, so it is sent until the statement ends.
      def interrupt
        return if @connection.finished? || @connection.transaction_status != ::PG::PQTRANS_ACTIVE

        loop do
          @connection.cancel
          break if @connection.block(0.1)
        end
        @connection.get_last_result
      rescue ::PG::Error
        nil
      end
    end
  end
end
