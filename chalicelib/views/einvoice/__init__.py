"""Invoices and credit notes as EN 16931 has them, in its two syntaxes: CII, which Factur-X is made of, and UBL 2.1.

`xml` writes a document; `documents` makes the semantic model (BT and BG terms) of what was issued, prices without tax and
every sum exact; `gaps` says what a valid one lacks, so that none is ever almost valid.
"""
