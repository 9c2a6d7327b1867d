# frozen_string_literal: true

module Cala
  # What counts as a lost race, for Ledger#retrying.
  # @api private
  module Retry
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

    # The library knows what the driver's SQLSTATE, or SQLite's name of its code, means.
    def driver_says_so?(error)
      state = Hosts.state_of(error)
      !state.nil? && Raw.cala_lost_race(state) == 1
    end
  end
end
