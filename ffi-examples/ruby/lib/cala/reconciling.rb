# frozen_string_literal: true

module Cala
  # What the program has, walked against the ledger. Made by Ledger#reconcile.
  # @api private
  class Reconciling
    COMPARED = %i[tx_template_code journal_id effective correlation_id description].freeze
    # What is expected may be of these; nil: the transaction has none.
    CLASSES = { external_id: [String], tx_template_code: [String, Symbol, nil], journal_id: [String, nil],
               effective: [String, Date, nil],
                correlation_id: [String, nil], description: [String, nil], amounts: [Hash], row: [BasicObject] }.freeze
    AMOUNT = /\A-?[0-9]+(\.[0-9]+)?\z/.freeze
    PLACE = %i[row transaction].freeze
    FILTERS = %i[journal_id tx_template_id account_id correlation_id].freeze
    ENTRIES_AT_ONCE = 10_000
    REFUSALS = [InvalidError, NotFoundError, ConflictError, RejectedError].freeze
    private_constant :COMPARED, :CLASSES, :AMOUNT, :PLACE, :FILTERS, :ENTRIES_AT_ONCE, :REFUSALS

    def initialize(ledger, options)
      @ledger = ledger
      @rows, @known, @replay, @size, last, @filters = options.values_at(:rows, :known, :replay, :page_size, :last,
                                                                        :filters)
      unknown = (@filters.keys - FILTERS).first
      malformed("reconcile has no option #{unknown}") if unknown
      @from = { row: nil, transaction: nil, **given_place(options[:place]) }
      @last = recorded_by(last) unless last.nil?
      malformed("page_size is #{@size}, and must be 1 to 1000") unless @size.is_a?(Integer) && (1..1000).cover?(@size)
    end

    def each(&block)
      @place = @from
      rows = @rows.call(@place[:row])
      unless rows.is_a?(Enumerable)
        malformed("rows gave #{said(rows)}, and must give an Enumerable of what is expected")
      end
      rows.each_slice(@size) { |some| yield compared(some) }
      transactions(&block) if @known
    end

    private

    # What was kept, also as it is read from JSON, with Strings for keys.
    def given_place(place)
      return {} if place.nil?

      malformed("place is a #{place.class}, and must be a Hash") unless place.is_a?(Hash)
      place = place.transform_keys { |key| key.is_a?(String) ? key.to_sym : key }
      unknown = (place.keys - PLACE).first
      malformed("place has no key #{unknown}") if unknown
      wrong = place.keys.find { |key| !(place[key].nil? || place[key].is_a?(String)) }
      malformed("#{wrong} of place must be a String") if wrong
      place
    end

    def recorded_by(given)
      given = given.to_time if given.is_a?(DateTime)
      given = Time.iso8601(given) if given.is_a?(String) && given.match?(/(Z|[+-]\d\d:\d\d)\z/i)
      return given if given.is_a?(Time)
    rescue ArgumentError
      malformed("recorded_by is no instant: #{given}")
    else
      malformed("recorded_by is #{given.inspect}, and must be a Time, or an instant with its zone: " \
                "2026-01-31T12:00:00Z")
    end

    def said(value)
      value.nil? ? "nil" : "of class #{value.class}"
    end

    def page(checked)
      { checked: checked, missing: [], differing: [], extra: [], replayed: [], refused: [], place: @place }
    end

    def compared(rows)
      rows.each { |row| check(row) }
      found = @ledger.transactions.find_many(external_ids: rows.map { |row| row[:external_id] })
      there = found.to_h { |item| [item[:external_id], item] }
      debited = debits(rows, there)
      page = page(rows.size)
      rows.each { |row| compare(row, there[row[:external_id]], debited, page) }
      page[:missing].each { |expected| replay(expected, page) } if @replay
      page[:place] = @place = @place.merge(row: rows.last[:external_id])
      page
    end

    def check(row)
      malformed("what is expected of a transaction is #{said(row)}, and must be a Hash") unless row.is_a?(Hash)
      unknown = (row.keys - CLASSES.keys).first
      malformed("what is expected of a transaction has no key #{unknown}") if unknown
      malformed("what is expected of a transaction needs an external_id") unless row.key?(:external_id)
      wrong = row.keys.find { |key| CLASSES[key].none? { |is| is === row[key] } ||
                             (key == :effective && row[key].is_a?(DateTime)) }
      if wrong
        classes = CLASSES[wrong].map(&:inspect).join(" or ")
        malformed("#{wrong} of what is expected of a transaction is #{said(row[wrong])}, and must be #{classes}")
      end
      check_amounts(row.fetch(:amounts, {}))
    end

    def check_amounts(amounts)
      amounts.each do |currency, amount|
        exact = amount.is_a?(BigDecimal) ? amount.finite? : amount.is_a?(Integer) ||
            (amount.is_a?(String) && amount.match?(AMOUNT))
        next if exact && (currency.is_a?(String) || currency.is_a?(Symbol))

        malformed("amounts of what is expected of a transaction has #{{ currency => amount }.inspect}, and must " \
                  "be as { \"USD\" => \"10.00\" }, " \
                  "each amount a String or a BigDecimal")
      end
    end

    def malformed(message)
      raise InvalidError.new(code: "request.malformed", message: message)
    end

    def compare(row, transaction, debited, page)
      return page[:missing] << row unless transaction

      fields = COMPARED.select { |key| row.key?(key) && row[key]&.to_s != transaction[key] }
      fields << :voided_by if transaction[:voided_by]
      fields << :amounts if row[:amounts] && amounts(row[:amounts]) != debited.fetch(transaction[:id], {})
      page[:differing] << { expected: row, transaction: transaction, fields: fields } unless fields.empty?
    end

    # What is debited by currency, of the transactions whose amounts are compared.
    def debits(rows, there)
      ids = rows.select { |row| row[:amounts] }.flat_map { |row| there.dig(row[:external_id], :entry_ids) || [] }.uniq
      sums = {}
      ids.each_slice(ENTRIES_AT_ONCE) do |some|
        @ledger.entries.find_many(some).each do |entry|
          next unless entry[:direction] == "debit"

          of = (sums[entry[:transaction_id]] ||= Hash.new(BigDecimal(0)))
          of[entry[:currency]] += BigDecimal(entry[:units])
        end
      end
      sums
    end

    def amounts(given)
      given.to_h { |currency, amount| [currency.to_s, BigDecimal(amount.to_s)] }
    end

    # Posts what is missing, after a look at whether it would have its external id: else it were missing for ever.
    def replay(expected, page)
      posting = @replay.call(expected) or return
      seen = @ledger.transactions.preview(**posting)
      external_id = seen.dig(:transaction, :external_id)
      if seen[:would_post] && external_id != expected[:external_id]
        raise ArgumentError, "the posting of #{expected[:external_id]} has the external id #{external_id.inspect}"
      end

      page[:replayed] << @ledger.post(posting[:tx_template_code], posting[:params] || {}, id: posting[:id])
    rescue *REFUSALS => e
      raise if e.retryable?

      page[:refused] << { expected: expected, error: e }
    end

    # The other way round: what the ledger has, in the order in which it was posted.
    def transactions
      more = true
      while more
        listed = recorded
        items = listed[:items]
        page = page(items.size)
        page[:extra] = unknown(items.select { |item| item[:external_id] && !(item[:voided_by] || item[:void_of]) })
        page[:place] = @place = @place.merge(transaction: listed[:end_cursor]) if listed[:end_cursor]
        more = listed[:has_next_page]
        yield page unless items.empty?
      end
    end

    def unknown(items)
      return [] if items.empty?

      known = @known.call(items.map { |item| item[:external_id] })
      unless known.is_a?(Enumerable)
        malformed("known gave #{said(known)}, and must give the external ids that are known")
      end
      known = known.to_h do |external_id|
        unless external_id.is_a?(String)
          malformed("known gave an external id that is #{said(external_id)}, and must be a String")
        end
        [external_id, true]
      end
      items.reject { |item| known.key?(item[:external_id]) }
    end

    # A page, which ends before the first that is younger than asked.
    def recorded
      listed = list(@size)
      count = @last && listed[:items].index { |item| time(item[:created_at]) > @last }
      return listed unless count
      return { items: [], has_next_page: false } if count.zero?

      { **list(count), has_next_page: false }
    end

    def list(first)
      asked = { **@filters, first: first, stable: true }
      asked[:after] = @place[:transaction] if @place[:transaction]
      @ledger.call(:transaction_list, asked)
    end

    def time(value)
      value.is_a?(String) ? Time.iso8601(value) : value
    end
  end
end
