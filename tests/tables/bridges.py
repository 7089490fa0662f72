"""What each bridge to another library does with each operator.

The tests of a bridge prove every entry (``having``), and the site prints them: nothing is claimed
that is not run.
"""

from convcore.spec.registry import OPERATORS

FEATURES = ("call", "gradient", "second gradient", "jit", "vmap", "lazy")

ALL = tuple(OPERATORS)

# The modules of ``convcore`` that need the library of their name, and how it is written. Tests and
# pages of a bridge are skipped without it.
LIBRARIES = {
    "dask": "dask",
    "jax": "JAX",
    "sklearn": "scikit-learn",
    "torch": "PyTorch",
    "xarray": "xarray",
}

SLIDING_POOLS = ("avg_pool", "max_pool", "lp_pool", "l2_pool")

# The library, the feature, the kinds of operators that have it.
BRIDGES: dict[str, dict[str, tuple[str, ...]]] = {
    "dask": {
        "lazy": (
            "conv",
            "local_conv",
            "tiled_conv",
            "max_pool",
            "avg_pool",
            "lp_pool",
            "l2_pool",
            "weighted_pool",
        ),
    },
    "xarray": {"call": ("conv", *SLIDING_POOLS), "lazy": ("conv", *SLIDING_POOLS)},
    # With missing cells: no second gradient.
    "torch": {
        "call": ALL,
        "gradient": ALL,
        "second gradient": ALL,
        "jit": ALL,  # torch.compile without a break, torch.export
        "vmap": ALL,
    },
    "jax": dict.fromkeys(("call", "gradient", "second gradient", "jit", "vmap"), ALL),
}


def having(library: str, feature: str) -> tuple[str, ...]:
    """Return the kinds of operators of which a bridge claims a feature."""
    assert feature in FEATURES
    return BRIDGES[library].get(feature, ())
