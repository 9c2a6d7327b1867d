# frozen_string_literal: true

module Cala
  # Requests and answers: JSON on the way to and from the library.
  # @api private
  module Document
    SYMBOLIZED = { symbolize_names: true }.freeze

    module_function

    # Hashes, arrays, strings, symbols, integers, booleans and nil as they are; BigDecimal, Date and Time as the library writes them.
    # An amount is never a Float: one that is given for a param is refused here, where the mistake is.
    def write(request)
      params = request[:params]
      refuse_float_params(params) if params.is_a?(Hash)
      JSON.generate(plain(request))
    rescue JSON::JSONError, EncodingError => e
      raise InvalidError.new(code: "request.malformed", message: "the request cannot be written as JSON: #{e.message}")
    end

    def read(text)
      JSON.parse(text, SYMBOLIZED)
    end

    def refuse_float_params(params)
      name, = params.find { |_, value| value.is_a?(Float) }
      return unless name

      raise InvalidError.new(code: "param.type", details: { pointer: "/params/#{name}", param: name.to_s },
                             message: "param #{name} is a Float, which cannot hold every amount: pass a String or a BigDecimal")
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
