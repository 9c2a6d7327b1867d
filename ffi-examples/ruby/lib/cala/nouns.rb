# frozen_string_literal: true

module Cala
  # The methods that reach the library's operations, grouped by noun. Requests and answers have the keys that cala.h gives for the operation
  # named; answers are Hashes with symbol keys. All raise Cala::Error.
  class Noun
    # @api private
    def initialize(place)
      @place = place
    end

    # The operations that the methods of this noun reach: {account_create: "create"}
    def self.table
      @table ||= {}
    end

    # takes: the request's one key, given as the only argument; gives: the one key of the answer that is returned.
    def self.operation(method, operation, takes: nil, gives: nil)
      table[operation] = method.to_s
      if takes
        define_method(method) { |value| gives ? @place.call(operation, { takes => value })[gives] : @place.call(operation, { takes => value }) }
      else
        define_method(method) { |**request| @place.call(operation, request) }
      end
    end

    def self.list(method, operation)
      table[operation] = method.to_s
      define_method(method) { |**request| List.new(@place, operation, request) }
    end
    private_class_method :operation, :list
  end

  # +ledger.accounts+
  class Accounts < Noun
    # @!method create(code:, name:, **more)
    #   @param more id:, external_id:, normal_balance_type: ("credit" unless given), status:, description:, metadata:, balance_rollup:
    #   @return [Hash] the account
    #   @raise [ConflictError] account.exists (details[:column])
    operation :create, :account_create
    # @!method create_many(accounts)
    #   All or none; 10,000 at most.
    #   @param accounts [Array<Hash>] as for create
    #   @return [Array<Hash>] in the same order
    operation :create_many, :account_create_many, takes: :accounts, gives: :accounts
    # @!method find(id: | code: | external_id:)
    #   @return [Hash] the account
    #   @raise [NotFoundError] account.not_found
    operation :find, :account_find
    # @!method find_many(ids)
    #   @return [Array<Hash>] in the order asked, missing ones left out
    operation :find_many, :account_find_many, takes: :ids, gives: :accounts
    # @!method list(code_prefix: nil, status: nil, first: 100, after: nil, order: "asc")
    #   By code. first: the size of a page.
    #   @return [List]
    list :list, :account_list
    # @!method update(id:, **changes)
    #   Only what is given changes; nil clears external_id, description, metadata.
    #   @return [Hash] the account, its version one higher when anything changed
    operation :update, :account_update
    # @!method lock(id)
    #   Postings to the account are rejected until it is unlocked.
    #   @return [Hash] the account
    operation :lock, :account_lock, takes: :id
    # @!method unlock(id)
    #   @return [Hash] the account
    operation :unlock, :account_unlock, takes: :id
  end

  # +ledger.journals+
  class Journals < Noun
    # @!method create(name:, **more)
    #   @param more id:, code:, description:, status:, effective_balances:, max_scale:
    #   @return [Hash] the journal
    #   @raise [ConflictError] journal.exists
    operation :create, :journal_create
    # @!method find(id: | code:)
    #   @return [Hash] the journal
    #   @raise [NotFoundError] journal.not_found
    operation :find, :journal_find
    # @!method list(status: nil, first: 100, after: nil, order: "asc")
    #   By time of creation.
    #   @return [List]
    list :list, :journal_list
    # @!method update(id:, **changes)
    #   @return [Hash] the journal
    operation :update, :journal_update
    # @!method lock(id)
    #   Postings to the journal are rejected until it is unlocked.
    #   @return [Hash] the journal
    operation :lock, :journal_lock, takes: :id
    # @!method unlock(id)
    #   @return [Hash] the journal
    operation :unlock, :journal_unlock, takes: :id
  end

  # +ledger.tx_templates+
  class TxTemplates < Noun
    # @!method create(code:, transaction:, entries:, **more)
    #   @param transaction [Hash] effective:, journal_id: and more, each a CEL expression
    #   @param entries [Array<Hash>] entry_type:, account_id:, layer:, direction:, units:, currency:, each a CEL expression
    #   @param more params: [{name:, type:, default:, min:, max:}], id:, description:, metadata:
    #   @return [Hash] the tx template
    #   @raise [InvalidError] cel.compile (details[:pointer])
    #   @raise [RejectedError] tx_template.unbalanced: it can never balance
    #   @raise [ConflictError] tx_template.exists
    operation :create, :tx_template_create
    # @!method find(id: | code:)
    #   @return [Hash] the tx template
    #   @raise [NotFoundError] tx_template.not_found
    operation :find, :tx_template_find
    # @!method list(first: 100, after: nil, order: "asc")
    #   By code.
    #   @return [List]
    list :list, :tx_template_list
  end

  # +ledger.transactions+
  class Transactions < Noun
    # @!method post(tx_template_code:, params: {}, id: nil)
    #   {Operations#post} is shorter.
    #   @return [Hash] transaction:, entries:, replayed:
    operation :post, :transaction_post
    # @!method post_many(postings)
    #   All or none, as if one after the other; 10,000 at most. An error names its posting by #posting_index.
    #   @param postings [Array<Hash>] as for post
    #   @return [Array<Hash>] as of post
    operation :post_many, :transaction_post_many, takes: :postings, gives: :results
    # @!method find(id: | external_id:)
    #   @return [Hash] the transaction
    #   @raise [NotFoundError] transaction.not_found
    operation :find, :transaction_find
    # @!method find_many(ids)
    #   @return [Array<Hash>] in the order asked, missing ones left out
    operation :find_many, :transaction_find_many, takes: :ids, gives: :transactions
    # @!method list(tx_template_id: nil, journal_id: nil, account_id: nil, correlation_id: nil, effective_from: nil, effective_to: nil, stable: false, **page)
    #   In the order in which they were posted; dates inclusive. stable: ends before what is still being posted.
    #   @return [List]
    list :list, :transaction_list
  end

  # +ledger.entries+
  class Entries < Noun
    # @!method list(account_id: | journal_id: | transaction_id:, created_from: nil, created_to: nil, effective_from: nil, effective_to: nil, stable: false, **page)
    #   In the order in which they were posted; instants and dates inclusive. stable: ends before what is still being posted.
    #   @return [List]
    list :list, :entry_list
    # @!method find_many(ids)
    #   @return [Array<Hash>] in the order asked, missing ones left out
    operation :find_many, :entry_find_many, takes: :ids, gives: :entries
  end

  # +ledger.balances+
  class Balances < Noun
    # @!method find(journal_id:, account_id:, currency:)
    #   @return [Hash] version:, settled: {debit:, credit:, net:}, pending:, encumbrance:, available: {settled:, pending:, encumbrance:}, ...:
    #     amounts are decimal Strings
    #   @raise [NotFoundError] balance.not_found, also when the account has no entry yet
    operation :find, :balance_find
    # @!method find_many(keys)
    #   @param keys [Array<Hash>] as for find
    #   @return [Array<Hash>] in the order asked, missing ones left out
    operation :find_many, :balance_find_many, takes: :keys, gives: :balances
    # @!method list(journal_id:, account_ids:, **page)
    #   By account id and currency.
    #   @return [List]
    list :list, :balance_list
    # @!method history(journal_id:, account_id:, currency:, **page)
    #   Every version of a balance.
    #   @return [List]
    list :history, :balance_history
    # @!method at(journal_id:, account_id:, currency:, version: | recorded_at:)
    #   The balance as it was.
    #   @return [Hash] the balance
    operation :at, :balance_at
  end
end
