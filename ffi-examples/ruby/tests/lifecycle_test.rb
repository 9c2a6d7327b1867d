# frozen_string_literal: true

require_relative "support"
require "open3"

# Each program of lifecycle/ in a process of its own, CALA_RUNS times: no crash, no hang, nothing lost.
class LifecycleTest < Minitest::Test
  RUNS = Integer(ENV.fetch("CALA_RUNS", "20"))
  HANG = 60 # seconds; a program needs one or two
  ON_POSTGRES = %w[exit_with_work_in_flight close_while_busy fork_with_an_open_ledger threads_share_a_ledger].freeze

  Dir[File.expand_path("lifecycle/*.rb", __dir__)].map { |path| File.basename(path,
      ".rb") }.reject { |name| name == "program" }.each do |name|
    define_method(:"test_#{name}") do
      RUNS.times do
        Dir.mktmpdir("cala") do |folder|
          assert_ends_well(name, "sqlite:#{folder}/ledger.db")
          assert_intact("sqlite:#{folder}/ledger.db") unless %w[library_missing another_library].include?(name)
        end
      end
    end
    next unless ON_POSTGRES.include?(name)

    define_method(:"test_#{name}_on_postgres") do
      skip "CALA_TEST_POSTGRES is not set" unless POSTGRES
      RUNS.times { assert_ends_well(name, POSTGRES) }
    end
  end

  private

  def assert_ends_well(name, store)
    Open3.popen2e("ruby", File.expand_path("lifecycle/#{name}.rb", __dir__), store) do |input, output, process|
      input.close
      hung = !process.join(HANG)
      Process.kill(:KILL, process.pid) if hung
      assert_equal ["ok\n", true], [output.read,
                                    process.value.success?], "#{name} #{hung ? "hung" : "ended"}: #{process.value}"
    end
  end

  # Debits and credits agree in what the program left behind.
  def assert_intact(store)
    Cala::Ledger.open(store: store) do |ledger|
      counts = ledger.info
      assert_equal counts[:transactions] * 2, counts[:entries]
    end
  end
end
