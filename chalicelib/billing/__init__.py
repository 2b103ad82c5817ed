"""The nouns of money: pure values and rules that know no clock, no network and no database.

Money and days:   money, currencies, periods, wake, records, errors
What is sold:     products, pricing, lines, discounts, redemptions, orders, summaries
Subscriptions:    subscriptions, statuses, boundaries, gaps, edits, proration, differences, papers, mrr
An invoice:       rating, tax, automatic_tax, issuing, numbering, invoices, instalments
How it is paid:   collection, ways, dunning, ceilings, payments, receipts, gateway, setups, addresses
What goes back:   credits, parts, refunds, disputes
What happened:    events, stripe_events, deliveries, webhooks, webhook_deliveries
The books:        ledger, recognition, laws, audits
Told of it:       explain, explanation, sentences, forecast, billing_runs, replays
"""
