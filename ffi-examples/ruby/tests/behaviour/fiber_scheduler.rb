# frozen_string_literal: true

require "io/wait"

# The smallest scheduler that Ruby accepts: fibers wait for descriptors, sleep, and block on queues and mutexes.
class SmallScheduler
  def initialize
    @readers = {} # IO => fiber
    @writers = {} # IO => fiber
    @sleeping = {} # fiber => time
    @blocked = {} # fiber => true
    @ready = []
    @mutex = Thread::Mutex.new
    @urgent_reader, @urgent_writer = IO.pipe
  end

  def run
    step until @readers.empty? && @writers.empty? && @sleeping.empty? && @blocked.empty? &&
        @mutex.synchronize { @ready.empty? }
  end
  alias close run

  def fiber(&block)
    Fiber.new(blocking: false, &block).tap(&:resume)
  end

  def io_wait(io, events, _timeout)
    (events.anybits?(IO::READABLE) ? @readers : @writers)[io] = Fiber.current
    Fiber.yield
    events
  end

  def kernel_sleep(duration = nil)
    @sleeping[Fiber.current] = now + duration.to_f
    Fiber.yield
  end

  def block(_blocker, _timeout = nil)
    @blocked[Fiber.current] = true
    Fiber.yield
  end

  # Any thread.
  def unblock(_blocker, fiber)
    @mutex.synchronize { @ready << fiber }
    @urgent_writer.write_nonblock(".")
  end

  private

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def step
    rest = @sleeping.empty? ? nil : [@sleeping.values.min - now, 0].max
    readable, writable = IO.select([@urgent_reader, *@readers.keys], @writers.keys, nil, rest)
    due(readable || [], writable || []).each(&:resume)
  end

  def due(readable, writable)
    @urgent_reader.read_nonblock(4096) if readable.delete(@urgent_reader)
    woken = @mutex.synchronize { @ready.tap { @ready = [] } }
    woken.each { |fiber| @blocked.delete(fiber) }
    rested = @sleeping.select { |_, time| time <= now }.keys.each { |fiber| @sleeping.delete(fiber) }
    readable.map { |io| @readers.delete(io) } + writable.map { |io| @writers.delete(io) } + woken + rested
  end
end
