# frozen_string_literal: true

module Cala
  module Hosts
    # A connection of Active Record's (lent by Order.connection_pool.with_connection): the library's statements run on
    # the driver's connection below it, whatever Active Record's settings for prepared statements are.
    # @api private
    class ActiveRecord
      def self.accepts?(handle)
        defined?(::ActiveRecord::ConnectionAdapters::AbstractAdapter) &&
            handle.is_a?(::ActiveRecord::ConnectionAdapters::AbstractAdapter)
      end

      def initialize(connection)
        @record = connection
        connection.materialize_transactions # Active Record sends BEGIN as late as it can
        @driver = Hosts.driver(connection.raw_connection)
      end

      def connection
        @driver.connection
      end

      def store
        @driver.store
      end

      def check_open
        @record.materialize_transactions
        @driver.check_open
      end

      def refusals
        @driver.refusals
      end

      def explain(error)
        @driver.explain(error)
      end

      def run(sql, params)
        @driver.run(sql, params)
      end
    end
  end
end
