"""A fuzzer that knows what a call is: legal and nearly legal calls of every public operator.

    python -m tools.fuzz --calls 10000 --seed 0

makes calls with options of every spelling, operands that lie oddly in memory, results written over
operands, special values, and (one call in four) something wrong. Each answer is compared with
`convcore.reference`, each refusal with the form that refusals have. A call with a finding is made
smaller and printed as Python. See `tools.fuzz.check` for what counts as a finding.

    python -m tools.fuzz --bits 1500

compares bits instead: over threads, layouts, batches and instruction sets.
"""
