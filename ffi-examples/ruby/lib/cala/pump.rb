# frozen_string_literal: true

module Cala
  # An open ledger's handle and queue, and the one thread that reads the queue and hands each answer to whoever waits
  # for it.
  #
  # It knows nothing of the Ledger, so that one that nobody refers to any more can be collected; its finalizer then
  # shuts down here. The thread ends with the library's last record and frees both handles itself: no other thread can
  # be reading then.
  # @api private
  class Pump
    HEADER = "LSSQlL"
    CAPACITY = 1 << 16
    UNMASKED = { Object => :immediate }.freeze
    MASKED = { Object => :never }.freeze

    # slow_ms: operations that take so long are told of; nil: none are.
    def initialize(ledger, logger, slow_ms)
      @ledger = ledger
      @logger = logger
      @pid = Process.pid
      @closing = false
      @waiting = {}
      @answers = Mutex.new # for @waiting; not @mutex, which a finalizer may want at any moment
      @users = 0
      @mutex = Mutex.new
      @idle = ConditionVariable.new
      begin_with(slow_ms)
      @thread.name = "cala"
    end

    # Yields the ledger's and the queue's handle, which are not freed meanwhile.
    def use
      check_process
      @mutex.synchronize do
        raise ClosedError.new(code: "ledger.closed", message: "the ledger is closed") if @closing

        @users += 1
      end
      begin
        yield @ledger, @queue
      ensure
        @mutex.synchronize { @idle.signal if (@users -= 1).zero? }
      end
    end

    # Starts an operation and returns the Thread::Queue that its [status, document] will be pushed to.
    def start(operation, queue)
      answer = Thread::Queue.new
      @answers.synchronize { @waiting[answer.object_id] = answer }
      status = Raw.cala_op_start(operation, queue, nil, FFI::Pointer.new(answer.object_id))
      return answer if status == Raw::OK

      waiter(answer.object_id)
      raise Error::Reading.from_pointer(status, Raw.cala_op_error(operation))
    end

    # Closes: refuses new work, waits until what is in flight has been answered, frees. Any thread, any number of times.
    def close
      shutdown
      @thread.join if @pid == Process.pid
    end

    # Begins to close, and never waits. Does nothing in a child of the process that opened,
    # nor when the program is ending.
    def shutdown
      return if @pid != Process.pid || !@thread.alive?

      @mutex.synchronize do
        Raw.cala_ledger_shutdown(@ledger, @queue, nil, nil, nil) unless @closing
        @closing = true
      end
    end

    def closed?
      @closing
    end

    private

    # Also what a logger raises leaves nothing open.
    def begin_with(slow_ms)
      @queue = Outcome.handle { |out, error| Raw.cala_queue_new(out, error) }
      hear(slow_ms) if @logger
      @io = IO.for_fd(descriptor, "r")
      @thread = Thread.new { pump }
    ensure
      unless @thread
        @io&.close
        Raw.cala_ledger_free(@ledger)
        Raw.cala_queue_free(@queue)
      end
    end

    def check_process
      return if @pid == Process.pid

      raise ForkedError.new(code: "process.forked",
                            message: "this ledger was opened by process #{@pid}, which forked: " \
                                                             "open one in the child (Cala::Ledger.open)")
    end

    # What the logger would write now.
    def hear(slow_ms)
      levels = { error: :error?, warn: :warn?, info: :info?, debug: :debug? }
      level = levels.keys.reverse.find { |name| @logger.respond_to?(levels[name]) &&
                                        @logger.public_send(levels[name]) } || :error
      text = Document.write({ level: level, slow_ms: slow_ms }.compact)
      Outcome.check { |error| Raw.cala_ledger_log(@ledger, text, text.bytesize, @queue, nil, nil, error) }
    end

    def descriptor
      fd = Raw.cala_queue_fd(@queue)
      fd.negative? ? raise(Error::Reading.from_pointer(-fd, FFI::Pointer::NULL)) : fd
    end

    def pump
      buffer = FFI::MemoryPointer.new(:char, CAPACITY)
      used = FFI::MemoryPointer.new(:size_t)
      loop do
        case Raw.cala_queue_read(@queue, buffer, buffer.size, used)
        when Raw::INVALID then buffer = FFI::MemoryPointer.new(:char, used.read(:size_t))
        when Raw::OK
          bytes = buffer.read_bytes(used.read(:size_t))
          @io.wait_readable if bytes.empty?
          break if hand_over(bytes)
        end
      end
      free
    end

    # Returns whether the last record was among them.
    def hand_over(bytes)
      at = 0
      while at < bytes.bytesize
        length, header, type, tag, status, size = bytes.unpack(HEADER, offset: at)
        return true if type == Raw::RECORD_SHUTDOWN

        data = bytes.byteslice(at + header, size).force_encoding(Encoding::UTF_8)
        type == Raw::RECORD_COMPLETION ? waiter(tag)&.push([status, data]) : log(type, data)
        at += length
      end
      false
    end

    # Whoever waits for the answer with this tag, who then waits no longer.
    def waiter(tag)
      @answers.synchronize { @waiting.delete(tag) }
    end

    # A logger that raises must not end the thread that everybody waits for.
    def log(type, data)
      return unless @logger

      if type == Raw::RECORD_DROPPED
        return @logger.warn("cala: #{data} log records were lost, because nobody read them in time")
      end

      record = Document.read(data)
      fields = record.except(:at, :level, :message).map { |key, value| " #{key}=#{value}" }
      @logger.public_send(record[:level].to_sym, "cala: #{record[:message]}#{fields.join}")
    rescue StandardError, ScriptError
      nil
    end

    def free
      @mutex.synchronize { @idle.wait(@mutex) until @users.zero? }
      Raw.cala_ledger_free(@ledger)
      Raw.cala_queue_free(@queue)
      @io.close
    end
  end
end
