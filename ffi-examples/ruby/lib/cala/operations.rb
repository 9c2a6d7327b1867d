# frozen_string_literal: true

module Cala
  # What can be done in a ledger (each call by itself) and in a transaction (all of them together): the same methods.
  # The nouns are in nouns.rb.
  module Operations
    # Posts a transaction by a tx template. The same id or external id again, with the same content, writes nothing and
    # gives the first result with replayed: true.
    # @param code [String] the tx template's
    # @param params [Hash] what it declares; amounts as String or BigDecimal. May be given as keywords, +post("T",
    #   amount: "1")+, unless one is called id.
    # @param id [String, nil] a UUID of the program's choosing
    # @return [Hash] transaction:, entries: [...], replayed:
    # @raise [NotFoundError] tx_template.not_found, journal.not_found, account.not_found
    # @raise [InvalidError] cel.eval, cel.coerce, param.missing, param.unknown, param.type, param.range,
    #   currency.unknown, amount.range, amount.scale
    # @raise [RejectedError] posting.unbalanced, journal.locked, journal.closed, account.locked, account.is_set,
    #   account.below_min, account.above_max, velocity.exceeded
    # @raise [ConflictError] transaction.replay_differs, transaction.exists, balance.changed
    def post(code, params = nil, id: nil, **keywords)
      raise ArgumentError, "give the params as a Hash or as keywords, not both" if params && !keywords.empty?

      request = { tx_template_code: code, params: params || keywords }
      request[:id] = id if id
      call(:transaction_post, request)
    end

    # A page of what the accounts of a journal, or those below an account set, have in one layer.
    # @param options journal_id:, account_set_id:, subtotals:, currency:, layer:, at:, first:, after:, order:, as cala.h
    #   has them
    # @return [Hash] items:, totals:, has_next_page:, end_cursor:
    # @raise [NotFoundError] journal.not_found, account_set.not_found
    # @raise [RejectedError] journal.no_effective_balances
    # @raise [InvalidError] currency.unknown, amount.range
    def trial_balance(**options) = call(:trial_balance, options)

    # Evaluates a CEL expression, for authors of tx templates.
    # @param options as:, clock:, params:, vars:, bindings:, container:, as cala.h has them
    # @return [Hash] type:, value:
    # @raise [InvalidError] cel.compile, cel.params, cel.eval, cel.coerce
    def cel_evaluate(expr, **options)
      call(:cel_evaluate, options.merge(expr: expr))[:value]
    end
  end
end
