"""What developers run: the fuzzer, the golden sums, the sanitizer build. It is not installed."""
