# frozen_string_literal: true

require_relative "hosts/postgres"
require_relative "hosts/sqlite"
require_relative "hosts/active_record"

module Cala
  # The drivers whose transaction a ledger can take part in. None of them is required; they are recognised when they are
  # there.
  # @api private
  module Hosts
    @turns = ObjectSpace::WeakMap.new
    @mutex = Mutex.new

    class << self
      def for(handle)
        ActiveRecord.accepts?(handle) ? ActiveRecord.new(handle) : driver(handle)
      end

      def driver(handle)
        kind = [Postgres, Sqlite].find { |host| host.accepts?(handle) }
        return kind.new(handle) if kind

        raise TypeError, "cannot take part in a transaction of #{handle.class}: pass a PG::Connection, a " \
                         "SQLite3::Database or " \
                         "Active Record's connection (Order.connection_pool.with_connection lends it)"
      end

      # The SQLSTATE of a driver's exception, or SQLite's name of its code; nil for any other exception.
      def state_of(error)
        return Postgres.sqlstate(error) if defined?(::PG::Error) && error.is_a?(::PG::Error)

        Sqlite.code_name(error) if defined?(::SQLite3::Exception) && error.is_a?(::SQLite3::Exception)
      end

      # One turn-taker a driver's connection, however many transactions stand for it.
      # It lives as long as one of them does.
      def turns(connection)
        @mutex.synchronize { @turns[connection] ||= Mutex.new }
      end

      # The PGconn * of a PG::Connection: what pg's extension exports for extensions like this one.
      def pgconn(connection)
        require "fiddle"
        getter = Fiddle::Handle.new(pg_extension)["pg_get_pgconn"]
        Fiddle::Function.new(getter, [Fiddle::TYPE_VOIDP], Fiddle::TYPE_VOIDP,
                             need_gvl: true).call(Fiddle.dlwrap(connection)).to_i
      end

      def pg_extension
        $LOADED_FEATURES.grep(%r{/pg_ext\.(so|bundle)\z}).first ||
            raise(LoadError, "pg_ext, the extension of the gem pg, is not loaded")
      end
    end
  end
end
