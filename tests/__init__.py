"""The tests, and the tables and helpers that they share."""
