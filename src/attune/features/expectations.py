"""What is expected of the rows of a view: columns, types, ranges, empty values, one row a key."""

import polars as pl

from attune.data.contracts import EXAMPLES, Violation
from attune.errors import FeatureError
from attune.features.definitions.base import Feature, View

TYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "int64": pl.Int64(),
    "float64": pl.Float64(),
    "list[string]": pl.List(pl.String()),
    "list[int64]": pl.List(pl.Int64()),
}


def require_expected(view: View, rows: pl.DataFrame) -> pl.DataFrame:
    """Hand rows on that are what their view declares.

    Raises:
        FeatureError: They are not; the message lists everything that differs.
    """
    found = check_rows(view, rows)
    if found:
        lines = "\n  ".join(map(str, found))
        raise FeatureError(
            f"view {view.name!r} is not what its schema declares; align its computation or add a new view:"
            f"\n  {lines}"
        )
    return rows


def check_rows(view: View, rows: pl.DataFrame) -> list[Violation]:
    """Hold the rows of a view against its definition; no violation, an empty list.

    Args:
        view: What is declared.
        rows: The key column and the features, in the order of the definition.
    """
    declared = [view.key, *view.feature_names]
    if rows.columns != declared:
        return [Violation(view.name, "", f"computes {rows.columns}, but its schema declares {declared}", 0)]
    found = []
    repeated = rows[view.key].is_duplicated().sum()
    if repeated or rows[view.key].null_count():
        found.append(Violation(view.name, view.key, "is empty or there more than once", int(repeated) or 1))
    for feature in view.features:
        found += _check_values(view, feature, rows[feature.name])
    return found


def _check_values(view: View, feature: Feature, values: pl.Series) -> list[Violation]:
    wanted = TYPES[feature.type]
    if values.dtype != wanted:
        return [Violation(view.name, feature.name, f"has the type {values.dtype}, wanted is {wanted}", 0)]
    found = []
    if values.null_count() > feature.null_share * len(values):
        rule = f"is empty, allowed is a share of {feature.null_share:g}"
        found.append(Violation(view.name, feature.name, rule, values.null_count()))
    outside = values.filter(_outside(feature, values))
    if len(outside):
        low = "any" if feature.minimum is None else f"{feature.minimum:g}"
        high = "any" if feature.maximum is None else f"{feature.maximum:g}"
        examples = tuple(map(str, outside[:EXAMPLES]))
        rule = f"is outside its range, {low} to {high} {feature.unit}, or not finite"
        found.append(Violation(view.name, feature.name, rule, len(outside), examples))
    return found


def _outside(feature: Feature, values: pl.Series) -> pl.Series:
    outside = ~values.is_finite() if values.dtype.is_float() else pl.repeat(False, len(values), eager=True)
    if feature.minimum is not None:
        outside |= values < feature.minimum
    if feature.maximum is not None:
        # A share of sums of floats may end a few bits above 1.
        outside |= values > feature.maximum + 1e-9
    return outside.fill_null(value=False)
