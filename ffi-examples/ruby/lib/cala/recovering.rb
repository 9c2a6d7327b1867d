# frozen_string_literal: true

module Cala
  # What is prepared ends as the program decided. Made by Ledger#recover.
  # @api private
  class Recovering
    KINDS = { "commit" => :committed, "rollback" => :rolled_back }.freeze
    LATER = %w[prepared.busy store.permission].freeze
    private_constant :KINDS, :LATER

    def initialize(ledger, min_age_ms)
      unless min_age_ms.is_a?(Integer) && min_age_ms >= 0
        raise InvalidError.new(code: "request.malformed",
                               message: "min_age_ms is #{min_age_ms.inspect}, and must be a number of milliseconds")
      end

      @ledger = ledger
      @min_age_ms = min_age_ms
      @done = { committed: [], rolled_back: [], ended: [], left: [], failed: [] }
    end

    def recover
      @ledger.prepared.list.to_a.each do |prepared|
        next if prepared[:age_ms] < @min_age_ms

        outcome = yield prepared
        outcome.nil? ? @done[:left] << prepared : finish(prepared, outcome)
      end
      @done
    end

    private

    def finish(prepared, outcome)
      @done[KINDS.fetch(@ledger.prepared.finish(gid: prepared[:gid], outcome: outcome)[:outcome])] << prepared
    rescue Error => e
      if e.code == "prepared.not_found"
        @done[:ended] << prepared
      elsif LATER.include?(e.code)
        @done[:failed] << { prepared: prepared, error: e }
      else
        raise
      end
    end
  end
end
