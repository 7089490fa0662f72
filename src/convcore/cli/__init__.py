"""The command line: `convcore info`, `summary`, `explain`, `run`, `demo` and `bench`."""
