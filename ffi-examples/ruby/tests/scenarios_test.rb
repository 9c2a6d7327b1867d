# frozen_string_literal: true

require_relative "support"

# The scenario files that every binding runs, through call; ../../../tests/scenarios/README.md describes them.
class ScenariosTest < Minitest::Test
  FOLDER = File.expand_path("../../../tests/scenarios", __dir__)
  FEWEST = 103
  STATES = { usable: 0, aborted: 1, retry: 2 }.freeze

  Line = Struct.new(:place, :text)

  # One scenario's run.
  class Story
    def initialize(ledger)
      @ledger = ledger
      @names = {}
      @checked = true
    end

    # Does what a line says, and gives what is wrong, if anything.
    def read(text)
      word, rest = cut(text.gsub(/\$\{([^}]*)\}/) { @names.fetch(Regexp.last_match(1)) })
      return check(word, rest) if %w[ok error].include?(word)
      return "the answer before this line is not checked" unless @checked

      tell(word, *cut(rest))
    end

    def checked?
      @checked
    end

    private

    def cut(text)
      first, rest = text.split(/ +/, 2)
      [first.to_s, rest.to_s]
    end

    def tell(word, first, rest)
      case word
      when "do" then keep { (@tx || @ledger).call(first.to_sym, JSON.parse(rest)) }
      when "clock" then keep { move_clock(first, rest) }
      when "set" then @names[first] = rest
      when "take" then @names[first] = rest.split("/").drop(1).reduce(@result) { |at, key| at.is_a?(Array) ?
          at[Integer(key)] : at[key.to_sym] }.to_s
      when "begin" then @tx = @ledger.begin
      when "commit", "rollback" then end_transaction(word)
      else return "no line begins with #{word}"
      end
      nil
    end

    def move_clock(how, value)
      how == "set" ? @ledger.clock_set(value) : @ledger.clock_advance(Integer(value))
      {}
    end

    def end_transaction(how)
      @tx.public_send(how)
      @tx = nil
    end

    def count
      (@tx || @ledger).info.except(:now)
    end

    def keep
      @counts = count
      @checked = false
      @result = @refusal = nil
      @result = yield
    rescue Cala::Error => e
      @refusal = { status: status_of(e), code: e.code, message: e.message, retryable: e.retryable?,
                  sqlstate: e.sqlstate.to_s,
                   tx_state: STATES.fetch(e.tx_state), posting_index: e.posting_index || -1, details: e.details }
    end

    def status_of(error)
      Cala::Raw.cala_status_name(Cala::Error::Reading::CLASSES.index(error.class))
    end

    def check(word, rest)
      @checked = true
      code, document = word == "ok" ? [nil, rest] : cut(rest)
      return @refusal ? "refused: #{@refusal}" : compare(document, @result) if word == "ok"
      return "not refused with #{code}: #{@refusal || @result}" unless @refusal && @refusal[:code] == code
      return "refused and yet written" if count != @counts

      compare(document, @refusal)
    end

    def compare(expected, document)
      return if expected.empty?

      wrong = mismatch(JSON.parse(expected, symbolize_names: true), document, "")
      wrong && "#{wrong}\nin #{document}"
    end

    # Where an answer is not as it should be; nil when it is.
    def mismatch(wanted, found, at)
      case wanted
      when "*" then found.nil? ? "#{at} is not there" : nil
      when Hash then found.is_a?(Hash) ? members(wanted, found, at) : "#{at} is no object: #{found}"
      when Array then found.is_a?(Array) && found.size == wanted.size ? items(wanted, found, at) :
          "#{at} has not #{wanted.size} items: #{found}"
      else wanted == found ? nil : "#{at} should be #{wanted.inspect}, not #{found.inspect}"
      end
    end

    def members(wanted, found, at)
      wanted.each { |key, value| (wrong = mismatch(value, found[key], "#{at}/#{key}")) && (return wrong) }
      nil
    end

    def items(wanted, found, at)
      wanted.each_with_index { |value, index| (wrong = mismatch(value, found[index], "#{at}/#{index}")) &&
                              (return wrong) }
      nil
    end
  end

  # A file's lines without comments, continuations joined, includes in place.
  def self.lines_of(name)
    lines = []
    File.readlines(File.join(FOLDER, name), chomp: true, encoding: "UTF-8").each.with_index(1) do |text, number|
      next if text.empty? || text.start_with?("#")

      text.start_with?(" ") ? lines.last.text += " #{text.lstrip}" : lines << Line.new("#{name}:#{number}", text)
    end
    lines.flat_map { |line| line.text.start_with?("include ") ? lines_of(line.text.delete_prefix("include ")) : [line] }
  end

  # Whether a scenario's first line excepts this wrapper.
  def self.excepted?(lines)
    hosts, reason = lines.first&.text.to_s.split(": ", 2)
    hosts.to_s.split.first == "except" && hosts.split.include?("ruby") && !reason.empty?
  end

  # {"file: title" => lines} of every scenario, and apart from them those that this wrapper cannot be asked.
  LEFT_OUT, SCENARIOS = Dir.children(FOLDER).grep(/\.txt\z/).sort.each_with_object({}) do |name, told|
    current = nil
    lines_of(name).each do |line|
      if line.text.start_with?("scenario ")
        current = told["#{name}: #{line.text.delete_prefix("scenario ")}"] = []
      else
        current&.push(line)
      end
    end
  end.partition { |_, lines| excepted?(lines) }.map(&:to_h)

  def test_there_are_scenarios
    assert_operator SCENARIOS.size, :>=, FEWEST
    assert_equal ["metadata.txt: Fractions in a param of type json are kept exactly"], LEFT_OUT.keys
  end

  def tell(lines, **config)
    Cala::Ledger.open(migrate: true, clock: { manual: "2026-01-01T00:00:00Z" }, **config) do |ledger|
      story = Story.new(ledger)
      lines.reject { |line| line.text.start_with?("except ") }.each do |line|
        wrong = story.read(line.text)
        assert_nil wrong, "#{line.place}: #{line.text}"
      end
      assert_predicate story, :checked?
    end
  end

  SCENARIOS.each do |title, lines|
    define_method("test_on_sqlite_#{title}") { tell(lines, store: "sqlite::memory:") }
    define_method("test_on_postgres_#{title}") do
      skip "CALA_TEST_POSTGRES is not set" unless POSTGRES
      tell(lines, store: POSTGRES, schema: "cala_#{SecureRandom.hex(6)}", pool: { max: 2 })
    end
  end
end
