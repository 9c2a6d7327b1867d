# frozen_string_literal: true

module Cala
  # Applies events to tables of the program's, a page in one transaction together with its place: each exactly once,
  # whatever is killed when, and however many processes do it. Made by Ledger#projection; see docs/projection.md.
  class Projection
    ATTEMPTS = 10
    MOVED = %w[listener.changed listener.not_found].freeze # by another: it caught up, or forgets the place
    private_constant :ATTEMPTS, :MOVED

    # @api private
    def initialize(ledger, name, **options)
      @ledger = ledger
      @name = name
      @apply, @clear, @transaction, size, filters = options.values_at(:apply, :clear, :transaction, :page_size,
                                                                      :filters)
      @request = { **filters, limit: size }
    end

    # Applies what is new, page after page.
    # @return [Integer] how many events that were
    def catch_up
      applied = 0
      run { |_, place| kept(place) } # by itself: a transaction that begins a listener sees no events yet
      loop do
        page = run { |connection, place| step(connection, place) }
        applied += page[:items].size
        return applied unless page[:has_next_page]
      end
    end

    # Empties the tables by clear and forgets the place, in one transaction, and applies all events anew.
    # @return [Integer] how many events that were
    # @raise [NotFoundError] event.pruned: the first ones are no longer there; nothing is emptied then
    def rebuild
      raise ArgumentError, "a projection that is rebuilt needs clear" unless @clear

      # by itself: what removes it holds its row, which the ack of one that is catching up needs
      run { |_, place| kept(place) }
      run { |connection, place| restart(connection, place) }
      catch_up
    end

    private

    def kept(place)
      place.listeners.place(name: @name, from: "start")[:place]
    end

    def step(connection, place)
      from = kept(place)
      page = place.events.list(**@request, after: from)
      page[:items].each { |event| @apply.call(connection, event) }
      place.listeners.ack(name: @name, place: page[:place], expected_place: from) if page[:place] > from
      page
    end

    def restart(connection, place)
      begin
        place.listeners.remove(@name) # before clear: who has written and not committed is waited for, or fails
      rescue NotFoundError
        nil # somebody else removed it
      end
      @clear.call(connection)
      kept(place)
    end

    # Runs a transaction, again where another was faster.
    def run(&work)
      attempt = 1
      begin
        in_transaction(&work)
      rescue StandardError => e
        moved = e.is_a?(Error) && MOVED.include?(e.code)
        raise if attempt >= ATTEMPTS || !(moved || Retry.lost_a_race?(e))

        sleep(Retry.pause(attempt))
        attempt += 1
        retry
      end
    end

    # The value is kept here, for not every driver's transaction gives that of its block.
    def in_transaction
      return @ledger.begin { |tx| yield tx, tx } unless @transaction

      value = nil
      @transaction.call(->(connection) { value = yield connection, @ledger.in(connection) })
      value
    end
  end
end
