# frozen_string_literal: true

# A marketplace: buyers pay, the house keeps a fee, sellers are paid out.
require "cala"
require_relative "book"
include Book

Cala::Ledger.open(store: "sqlite::memory:") do |ledger|
  main = ledger.journals.create(code: "MAIN", name: "Main")[:id]
  ids = %w[PROVIDER BANK COSTS].to_h { |code| [code, account(ledger, code, "debit")] }
  ids.merge!(%w[FEES BAKER POTTER].to_h { |code| [code, account(ledger, code)] })
  provider, bank, costs, fees = %w[PROVIDER BANK COSTS FEES].map { |code| "uuid('#{ids[code]}')" }

  # The card provider owes us what the buyer paid; we owe the seller the price without our fee of 10 %, at least 0.50.
  fee = "max(decimal.Round(params.amount * decimal('0.10'), 2, 'HALF_UP'), decimal('0.50'))"
  template(ledger, main, "PURCHASE", { seller: "uuid", amount: "decimal", order: "string" },
           [debit(provider), credit("params.seller", "params.amount - #{fee}"), credit(fees, fee)],
           external_id: "params.order")
  # The provider pays, less what it takes.
  template(ledger, main, "SETTLEMENT", { amount: "decimal", cost: "decimal" },
           [credit(provider), debit(bank, "params.amount - params.cost"), debit(costs, "params.cost")])
  template(ledger, main, "PAYOUT", { seller: "uuid", amount: "decimal", payout: "string" },
           [debit("params.seller"), credit(bank)], external_id: "params.payout")

  [%w[order-1 BAKER 40.00], %w[order-2 POTTER 99.99], %w[order-3 BAKER 3.00]].each do |order, seller, amount|
    posted = ledger.post("PURCHASE", { seller: ids[seller], amount: amount, order: order })
    _, to_seller, to_house = posted[:entries].map { |entry| entry[:units] }
    puts format("%s  %6s  %-6s %6s  fee %5s", order, amount, seller, to_seller, to_house)
  end
  ledger.post("SETTLEMENT", { amount: "142.99", cost: "4.29" })

  # All sellers are paid, or none. Sent twice, it pays once: each payout has a name of its own.
  owed = ledger.balances.find_many(
    %w[BAKER POTTER].map { |seller| { journal_id: main, account_id: ids[seller], currency: "USD" } }
  )
  ledger.transactions.post_many(
    owed.map do |balance|
      seller = balance[:account_id]
      { tx_template_code: "PAYOUT",
        params: { seller: seller, amount: balance[:settled][:net], payout: "2026-01-31 #{seller}" } }
    end
  )

  trial = ledger.trial_balance(journal_id: main)
  trial[:items].each { |line| puts format("%-8s %7s", line[:code], line[:net]) }
  trial[:totals].each { |total| puts "debits #{total[:debit]}, credits #{total[:credit]}" }
end
