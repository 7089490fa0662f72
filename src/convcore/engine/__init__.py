"""How a described layer is computed: which cores, how prepared, and how run on arrays."""
