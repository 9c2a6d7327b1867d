# frozen_string_literal: true

module Cala
  # What counts as a lost race, for Ledger#retrying.
  # @api private
  module Retry
    SQLSTATES = %w[40001 40P01].freeze
    ATTEMPTS = 10

    module_function

    # Also when Active Record's exception, or the program's, is around the one that says so.
    def lost_a_race?(error)
      until error.nil?
        return error.tx_state == :retry if error.is_a?(Error)
        return true if driver_says_so?(error)

        error = error.cause
      end
      false
    end

    # Seconds, random so that two that met do not meet again: 2 to 4 ms, then twice as much each time, 256 ms at most.
    def pause(attempt)
      most = 0.002 * (2**[attempt, 7].min)
      (most / 2) + (rand * most / 2)
    end

    def driver_says_so?(error)
      return SQLSTATES.include?(Hosts::Postgres.sqlstate(error)) if defined?(::PG::Error) && error.is_a?(::PG::Error)

      defined?(::SQLite3::BusyException) && error.is_a?(::SQLite3::BusyException)
    end
  end
end
