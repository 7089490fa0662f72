"""Networks and filter banks as estimators of scikit-learn."""

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError:
    raise ImportError(
        'convcore.sklearn: needs scikit-learn: pip install "convcore[sklearn]"'
    ) from None

from convcore.sklearn.classifier import ConvClassifier
from convcore.sklearn.filters import FilterBank
from convcore.sklearn.regressor import ConvRegressor

__all__ = ["ConvClassifier", "ConvRegressor", "FilterBank"]

# Users import from here; where a name is defined may change.
for _name in __all__:
    globals()[_name].__module__ = "convcore.sklearn"


def __dir__() -> list[str]:
    return sorted(__all__)
