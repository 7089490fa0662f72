"""What is tested: lists of cases that every kind of test reads, and that the tools read, too."""
