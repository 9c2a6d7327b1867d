# frozen_string_literal: true

module Cala
  module Hosts
    # A SQLite3::Database: runs the library's statements on it.
    # @api private
    class Sqlite
      OLDEST = 3_035_000
      NAMES = { 3 => "SQLITE_PERM", 5 => "SQLITE_BUSY", 6 => "SQLITE_LOCKED", 7 => "SQLITE_NOMEM",
               8 => "SQLITE_READONLY",
                9 => "SQLITE_INTERRUPT", 10 => "SQLITE_IOERR", 11 => "SQLITE_CORRUPT", 13 => "SQLITE_FULL",
                14 => "SQLITE_CANTOPEN",
                17 => "SQLITE_SCHEMA", 18 => "SQLITE_TOOBIG", 19 => "SQLITE_CONSTRAINT", 26 => "SQLITE_NOTADB" }.freeze

      attr_reader :connection

      def self.accepts?(handle)
        defined?(::SQLite3::Database) && handle.is_a?(::SQLite3::Database)
      end

      def self.check_version
        version = ::SQLite3.libversion
        return if version >= OLDEST

        raise UnsupportedError.new(code: "store.too_old",
                                   message: "SQLite #{version / 1_000_000}.#{version / 1000 % 1000} is too old for " \
                                                                   "the ledger: 3.38, or 3.35 built with JSON " \
                                                                   "functions, is needed")
      end

      # nil when the driver gives no code.
      def self.code_name(error)
        error.code && NAMES.fetch(error.code & 0xff, "SQLITE_ERROR")
      end

      def initialize(connection)
        Sqlite.check_version
        @connection = connection
      end

      def store
        :sqlite
      end

      # SQLite has no name for a transaction, so the library cannot tell that there is none; the driver can.
      def check_open
        raise MisuseError.new(code: "call.misuse",
                              message: "the SQLite3::Database has been closed") if @connection.closed?
        return if @connection.transaction_active?

        raise MisuseError.new(code: "transaction.none",
                              message: "no transaction is open on this connection: begin one first")
      end

      def refusals
        [::SQLite3::Exception]
      end

      def explain(error)
        [Sqlite.code_name(error), error.message]
      end

      def run(sql, params)
        @connection.prepare(sql) do |statement|
          statement.bind_params(*params)
          row = statement.step
          statement.step if row # to its end, so that it is complete before the program's next one
          # A text came in the program's default_internal; with PRAGMA count_changes a write gives a number.
          row&.first&.to_s&.encode(Encoding::UTF_8)
        end
      end
    end
  end
end
