# frozen_string_literal: true

module Cala
  # What can be done in a ledger (each call by itself) and in a transaction (all of them together): the same methods.
  module Operations
    NOUNS = { accounts: Accounts, journals: Journals, tx_templates: TxTemplates, transactions: Transactions, entries: Entries,
              balances: Balances }.freeze

    # @!method accounts
    #   @return [Accounts]
    # @!method journals
    #   @return [Journals]
    # @!method tx_templates
    #   @return [TxTemplates]
    # @!method transactions
    #   @return [Transactions]
    # @!method entries
    #   @return [Entries]
    # @!method balances
    #   @return [Balances]
    NOUNS.each { |name, noun| define_method(name) { noun.new(self) } }

    # Which method reaches which operation of cala.h; a test holds it against the header.
    METHODS = NOUNS.flat_map { |name, noun| noun.table.map { |operation, method| [operation, "#{name}.#{method}"] } }.to_h.merge(
      tx_lock_accounts: "lock_accounts", tx_exec: "exec", cel_evaluate: "cel_evaluate", ledger_info: "info", ledger_migrate: "migrate"
    ).freeze

    # Posts a transaction by a tx template. The same id or external id again, with the same content, writes nothing and gives the first
    # result with replayed: true.
    # @param code [String] the tx template's
    # @param params [Hash] what it declares; amounts as String or BigDecimal. May be given as keywords, +post("T", amount: "1")+, unless
    #   one is called id.
    # @param id [String, nil] a UUID of the program's choosing
    # @return [Hash] transaction:, entries: [...], replayed:
    # @raise [NotFoundError] tx_template.not_found, journal.not_found, account.not_found
    # @raise [InvalidError] param.missing, param.unknown, param.type, cel.eval, ...
    # @raise [RejectedError] posting.unbalanced, journal.locked, account.locked
    # @raise [ConflictError] transaction.replay_differs
    def post(code, params = nil, id: nil, **keywords)
      raise ArgumentError, "give the params as a Hash or as keywords, not both" if params && !keywords.empty?

      request = { tx_template_code: code, params: params || keywords }
      request[:id] = id if id
      call(:transaction_post, request)
    end

    # Evaluates a CEL expression, for authors of tx templates.
    # @param options as:, clock:, params:, vars:, bindings:, container:, as cala.h has them
    # @return [Hash] type:, value:
    def cel_evaluate(expr, **options)
      call(:cel_evaluate, options.merge(expr: expr))[:value]
    end

    # What this ledger is: version:, store:, schema_version:, counts, clock:, now:
    # @return [Hash]
    def info
      call(:ledger_info)
    end

    # Brings the ledger's tables to the library's version.
    # @return [Hash] from_version:, to_version:
    def migrate
      call(:ledger_migrate)
    end
  end
end
