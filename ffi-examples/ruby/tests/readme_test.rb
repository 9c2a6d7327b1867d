# frozen_string_literal: true

require_relative "support"
require "open3"

# What the README shows is what these programs do.
class ReadmeTest < Minitest::Test
  FOLDER = File.expand_path("..", __dir__)

  def test_the_programs_run_one_after_the_other
    Dir.mktmpdir("cala") do |folder|
      assert_equal "Alice has 100.00 USD\n", run_in(folder, "quick_start")
      lines = run_in(folder, "active_record").lines(chomp: true)
      assert_match(/\Aaccount.locked: /, lines.shift)
      assert_equal ["100.00", "5.00", "7.5", "1", "3 orders, 2 transactions on the second page, 113.50 USD"], lines
    end
  end

  def test_every_snippet_is_in_a_program
    programs = Dir["#{FOLDER}/samples/*.rb"].map { |path| squeezed(File.read(path)) }
    snippets = File.read("#{FOLDER}/README.md").scan(/^```ruby\n(.*?)^```$/m).flatten
    refute_empty snippets
    snippets.each { |snippet| assert(programs.any? { |program| program.include?(squeezed(snippet)) },
                                     "in no program: #{snippet}") }
  end

  private

  def run_in(folder, name)
    printed, complaints, status = Open3.capture3("ruby", "-I#{FOLDER}/lib", "#{FOLDER}/samples/#{name}.rb",
                                                 chdir: folder)
    assert status.success?, complaints
    printed
  end

  # Without indentation, which differs between a page and a program.
  def squeezed(text)
    text.lines.map(&:strip).reject(&:empty?).join("\n")
  end
end
