# frozen_string_literal: true

module Cala
  # Requests and answers: JSON on the way to and from the library.
  # @api private
  module Document
    SYMBOLIZED = { symbolize_names: true }.freeze

    module_function

    # Hashes, arrays, strings, symbols, integers, booleans and nil as they are; BigDecimal, Date and Time as the library
    # writes them. An amount is never a Float: one that is given in a posting's params is refused here, where the
    # mistake is.
    def write(request)
      refuse_floats_of_posting(request)
      postings = of(request, :postings)
      postings.each_with_index { |posting, at| refuse_floats_of_posting(posting, at) } if postings.is_a?(Array)
      JSON.generate(plain(request))
    rescue JSON::JSONError, EncodingError => e
      raise InvalidError.new(code: "request.malformed", message: "the request cannot be written as JSON: #{e.message}")
    end

    def read(text)
      JSON.parse(text, SYMBOLIZED)
    end

    # The params of cel_evaluate and tx_exec are no Hashes.
    def refuse_floats_of_posting(posting, index = nil)
      params = of(posting, :params)
      return unless params.is_a?(Hash)

      params.each do |name, value|
        place = float_in(value, "/params/#{name}")
        next unless place

        raise InvalidError.new(code: "param.type", details: { pointer: index ? "/postings/#{index}#{place}" : place,
                                                             param: name.to_s },
                               message: "param #{name} is or holds a Float, which cannot hold every amount: pass " \
                                        "a String or a BigDecimal",
                               posting_index: index)
      end
    end

    # Where in a value a Float is, as a JSON pointer; nil when there is none.
    def float_in(value, pointer)
      inner = case value
              when Float then return pointer
              when Hash then value
              when Array then value.each_index.zip(value)
              else return nil
              end
      inner.each { |key, item| (found = float_in(item, "#{pointer}/#{key}")) && (return found) }
      nil
    end

    def of(request, key)
      request.is_a?(Hash) ? request.fetch(key) { request[key.to_s] } : nil
    end

    # A key that is there and nil is most likely a variable that is not set: it must not mean the default.
    def refuse_nil(config, pointer = "")
      config.each do |key, value|
        place = "#{pointer}/#{key}"
        if value.nil?
          raise InvalidError.new(code: "request.malformed", details: { pointer: place },
                                 message: "#{place} is nil: leave the key out to have its default")
        end

        refuse_nil(value, place) if value.is_a?(Hash)
      end
    end

    def plain(value)
      case value
      when Hash then value.transform_values { |inner| plain(inner) }
      when Array then value.map { |inner| plain(inner) }
      when String, Symbol, Integer, Float, true, false, nil then value
      when BigDecimal, Time, Date then text(value)
      else raise TypeError, "#{value.class} cannot be sent to the ledger: #{value.inspect}"
      end
    end

    def text(value)
      case value
      when BigDecimal then decimal(value)
      when DateTime then text(value.to_time)
      when Time then value.getutc.strftime("%Y-%m-%dT%H:%M:%S.%6NZ")
      else value.to_s
      end
    end

    def decimal(value)
      raise InvalidError.new(code: "request.malformed", message: "#{value} is no amount") unless value.finite?

      value.frac.zero? ? value.to_i.to_s : value.to_s("F")
    end
  end
end
