# frozen_string_literal: true

module Cala
  # Events as they happen, in order, each at least once, none missed; what is not taken waits in the ledger. Made by
  # Ledger#listen, to be closed; #each ends when it is closed, or its ledger. Threads that share one take turns.
  #
  #   ledger.listen(name: "mailer") do |events|
  #     events.each { |event| ... ledger.listeners.ack(name: "mailer", place: event[:place]) }
  #   end
  class Listening
    include Enumerable

    LOOK_AROUND = 0.2 # seconds: a ledger that is closed says nothing here
    private_constant :LOOK_AROUND

    # @api private
    def self.finalizer(handles)
      proc { release(handles) }
    end

    # @api private
    def self.release(handles)
      listener, queue = handles.shift(2)
      Raw.cala_listener_free(listener) if listener
      Raw.cala_queue_free(queue) if queue
    end

    # @api private
    def initialize(ledger, pump, options)
      @ledger = ledger # keeps it open
      @pump = pump
      @turn = Mutex.new
      @ready = []
      @done = 0 # the place of the last event that was given out, while others are ready
      text = Document.write(options)
      Thread.handle_interrupt(Pump::MASKED) do
        @handles = open(text)
        @io = IO.for_fd(Raw.cala_queue_fd(@handles.last), "r")
      end
      @buffer = FFI::MemoryPointer.new(:char, Pump::CAPACITY)
      ObjectSpace.define_finalizer(self, Listening.finalizer(@handles))
    end

    # Yields each event as it comes. Without a block, an Enumerator.
    # @yieldparam event [Hash] as of events.list
    def each
      return to_enum unless block_given?

      while (event = next_event)
        yield event
      end
      self
    end

    # Waits for the next event.
    # @return [Hash, nil] nil when this or its ledger is closed
    # @raise [Error] why no event will come any more
    def next_event
      until closed?
        event = @turn.synchronize { now }
        return event if event

        wait
      end
    end

    # @return [Integer, nil] the place up to which this gave out all there is: to be acknowledged as soon as what it
    # gave is dealt with
    def reached
      @turn.synchronize { reached_now unless @handles.empty? }
    end

    # Closes it. Closing twice is fine.
    def close
      @turn.synchronize do
        next if @handles.empty?

        Listening.release(@handles)
        @io.close
      end
      ObjectSpace.undefine_finalizer(self)
      nil
    end

    def closed?
      @handles.empty? || @pump.closed?
    end

    private

    def open(text)
      queue = Outcome.handle { |out, error| Raw.cala_queue_new(out, error) }
      begin
        listener = @pump.use do |ledger, _|
          Outcome.blocking do
            Outcome.handle { |out, error| Raw.cala_listener_open(ledger, text, text.bytesize, queue, nil, nil, out,
                                                                 error) }
          end
        end
      ensure
        Raw.cala_queue_free(queue) unless listener
      end
      [listener, queue]
    end

    # An event that is there.
    def now
      return if @handles.empty?

      read if @ready.empty?
      raise @failure if @ready.empty? && @failure

      event = @ready.shift
      @done = event[:place] if event
      event
    end

    # Events that are ready were not given out.
    def reached_now
      @ready.empty? ? Raw.cala_listener_reached(@handles.first) : @done
    end

    def wait
      @io.wait_readable(LOOK_AROUND)
    rescue IOError
      nil # closed meanwhile
    end

    def read
      @done = reached_now
      used = FFI::MemoryPointer.new(:size_t)
      case Raw.cala_queue_read(@handles.last, @buffer, @buffer.size, used)
      when Raw::INVALID
        @buffer = FFI::MemoryPointer.new(:char, used.read(:size_t))
        read
      when Raw::OK then records(@buffer.read_bytes(used.read(:size_t)))
      end
    end

    def records(bytes)
      at = 0
      while at < bytes.bytesize
        length, header, type, _tag, status, size = bytes.unpack(Pump::HEADER, offset: at)
        data = bytes.byteslice(at + header, size).force_encoding(Encoding::UTF_8)
        at += length
        next unless type == Raw::RECORD_EVENT

        status == Raw::OK ? @ready << Document.read(data) : @failure = Error::Reading.from_json(status, data)
      end
    end
  end
end
