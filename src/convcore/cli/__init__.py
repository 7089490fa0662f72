"""The command line: `convcore info`, `summary`, `demo` and `bench`."""
