"""The database: tables, transactions, pruning, pseudonyms."""
