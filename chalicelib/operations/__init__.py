"""Verbs: each reads, lets the core decide, and commits. A verb is a file; what is about the same stands in one row here.

What is awake:       agenda, together, advance, release
A person asks:       act, fill, checks, archive, create, revoke
Selling:             order, draft, plan, subscribe, offer
Changing:            change, switch, pause, move, cancel, delete_subscription, papers, standing, tell
Billing:             renew, tax, numbering
Charging:            collect, ask, governor, outcomes, decline, settle, reconcile, clear, confirm
By hand:             pay, payment_schedule, void, record, unrecord
On Stripe's page:    checkout, setup, keep, attach, invite
Money that goes:     credit, give_back, refund, dispute
What Stripe tells:   heed, retrace
Facts, and letters:  publish, deliver, letter_records, moot, enclose, stop_mail, expire, repeat, preview_letter
Webhooks:            listen, listeners, post, answers, event_payloads, resend
Documents:           documents, einvoices, parties
Who is who:          settings, rezone, profile, logo, tax_ids, buyers, revise, users, wordings
What would be:       simulate, rehearse, assume, preview_run, replay
What is wrong:       audit, audit_records, audit_stripe, books
"""
