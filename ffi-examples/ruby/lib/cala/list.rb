# frozen_string_literal: true

module Cala
  # One page of a list.
  # items:: the rows, an Array of Hashes
  # has_next_page:: whether there are more
  # end_cursor:: what to pass as +after+ for the next page; nil when the page is empty
  Page = Struct.new(:items, :has_next_page, :end_cursor, keyword_init: true) do
    alias_method :has_next_page?, :has_next_page
  end

  # A list of the ledger's: an Enumerator that asks for the next page when it has given out the last one's items.
  #
  #   ledger.accounts.list.each { |account| puts account[:code] }
  #   ledger.accounts.list(code_prefix: "A").first(3)
  #   page = ledger.accounts.list.page(first: 20)
  #   page = ledger.accounts.list.page(first: 20, after: page.end_cursor)
  class List < Enumerator
    # @api private
    def initialize(place, operation, request)
      @place = place
      @operation = operation
      @request = request
      super() { |items| walk(items) }
    end

    # One page.
    # @param options first: how many, 1 to 1000 (100 unless given); after: an end_cursor of this list; order: "asc" or
    #   "desc"
    # @return [Page]
    # @raise [InvalidError] +after+ is no cursor of this list
    def page(**options)
      answer = @place.call(@operation, @request.merge(options))
      Page.new(items: answer[:items], has_next_page: answer[:has_next_page], end_cursor: answer[:end_cursor])
    end

    private

    def walk(items)
      current = page
      until current.nil?
        current.items.each { |item| items << item }
        current = current.has_next_page? ? page(after: current.end_cursor) : nil
      end
    end
  end
end
