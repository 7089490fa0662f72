"""How it is tested: comparisons, memory with fences, processes, browsers. No test lies here."""
