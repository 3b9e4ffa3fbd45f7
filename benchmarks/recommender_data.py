"""Public data sets of interactions, read from a folder beside the project; none of them is part of it."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from attune.columns import CATEGORY, CUSTOMER_ID, EVENT_TIMESTAMP, ITEM_ID, QUANTITY
from attune.data.sources import complete_journey
from attune.errors import DataError

FOLDER = Path(__file__).parents[2] / "shared" / "data"
_FEWEST = 5  # items seldomer than that are left out of the published tables of MovieLens


@dataclass(frozen=True)
class Data:
    """Interactions in order of time within each customer, and the category of each item where known."""

    name: str
    interactions: pd.DataFrame
    category: pd.Series


def load(name: str, folder: Path = FOLDER) -> Data:
    """Read a data set.

    Args:
        name: One of `LOADERS`.
        folder: Holds one folder a data set.

    Raises:
        DataError: It is not there.
    """
    try:
        return LOADERS[name](folder)
    except FileNotFoundError as error:
        raise DataError(
            f"the data set {name} is not at {error.filename}; it may not be passed on with the project, so "
            "get it from its publisher and name the folder with --data"
        ) from error


def movielens_1m(folder: Path) -> Data:
    """MovieLens-1M: who rated what in which order, without time stamps (GroupLens: research only)."""
    home = folder / "movielens_1m"
    ratings = pd.read_parquet(home / "interactions_ordered.parquet")
    movies = pd.read_csv(
        home / "movies.dat", sep="::", engine="python", encoding="latin-1", names=["item", "title", "genres"]
    )
    ratings = ratings.sort_values(["user_id", "pos"], kind="stable", ignore_index=True)
    return Data("MovieLens-1M", _frequent(_pairs(ratings, "user_id", "item_id")), _genres(movies, "item"))


def movielens_100k(folder: Path) -> Data:
    """MovieLens-100K: ratings with time stamps (GroupLens: research only)."""
    home = folder / "movielens_100k"
    ratings = pd.read_parquet(home / "ratings.parquet")
    ratings = ratings.sort_values(["user_id", "timestamp"], kind="stable", ignore_index=True)
    pairs = _pairs(ratings, "user_id", "movie_id")
    pairs[EVENT_TIMESTAMP] = pd.to_datetime(ratings["timestamp"], unit="s", utc=True).dt.as_unit("us")
    movies = pd.read_parquet(home / "movies.parquet")
    return Data("MovieLens-100K", _frequent(pairs), _genres(movies, "movie_id"))


def amazon_beauty(folder: Path) -> Data:
    """Amazon Beauty, 5-core: one customer a line, items in order, no time stamps (McAuley and others)."""
    with gzip.open(folder / "amazon_beauty" / "Beauty.txt.gz", "rt", encoding="utf-8") as lines:
        pairs = [(customer, item) for customer, *items in map(str.split, lines) for item in items]
    interactions = pd.DataFrame(pairs, columns=[CUSTOMER_ID, ITEM_ID], dtype=object)
    return Data("Amazon Beauty", interactions, pd.Series(dtype=object))


def complete_journey_data(folder: Path) -> Data:  # noqa: ARG001  it comes with a package
    """The Complete Journey: groceries of 2,469 households in baskets, without petrol and till entries."""
    raw = complete_journey.load()
    no_goods = frozenset[str]().union(*raw.not_goods.values())
    lines = raw.interactions
    interactions = _pairs(lines, CUSTOMER_ID, ITEM_ID).assign(
        **{EVENT_TIMESTAMP: pd.to_datetime(lines[EVENT_TIMESTAMP], utc=True).dt.as_unit("us")}
    )
    kept = (lines[QUANTITY] > 0).to_numpy() & ~interactions[ITEM_ID].isin(no_goods).to_numpy()
    items = raw.items.dropna(subset=[CATEGORY])
    category = pd.Series(items[CATEGORY].to_numpy(), index=items[ITEM_ID].astype(str))
    return Data("The Complete Journey", interactions[kept].reset_index(drop=True), category)


def online_retail(folder: Path) -> Data:
    """Online Retail: invoices of a gift wholesaler, without cancellations, postage and the like (UCI 352)."""
    lines = pd.read_parquet(folder / "online_retail" / "online_retail.parquet")
    sold = lines["CustomerID"].notna() & (lines["Quantity"] > 0) & ~lines["InvoiceNo"].str.startswith("C")
    # A stock code is five digits and perhaps a letter for the colour: POST, D and bank charges are no goods.
    lines = lines[sold & lines["StockCode"].str.match(r"^\d{5}")]
    lines = lines.sort_values(["CustomerID", "InvoiceDate"], kind="stable", ignore_index=True)
    interactions = _pairs(lines.astype({"CustomerID": "int64"}), "CustomerID", "StockCode")
    interactions[EVENT_TIMESTAMP] = lines["InvoiceDate"].dt.tz_localize("UTC").dt.as_unit("us")
    return Data("Online Retail", interactions, pd.Series(dtype=object))


LOADERS: dict[str, Callable[[Path], Data]] = {
    "movielens_1m": movielens_1m,
    "movielens_100k": movielens_100k,
    "amazon_beauty": amazon_beauty,
    "complete_journey": complete_journey_data,
    "online_retail": online_retail,
}


def _pairs(rows: pd.DataFrame, customer: str, item: str) -> pd.DataFrame:
    ids = {CUSTOMER_ID: rows[customer], ITEM_ID: rows[item]}
    return pd.DataFrame({name: values.astype(str).astype(object) for name, values in ids.items()})


def _frequent(interactions: pd.DataFrame) -> pd.DataFrame:
    counts = interactions[ITEM_ID].value_counts()
    kept = interactions[ITEM_ID].map(counts) >= _FEWEST
    return interactions[kept].reset_index(drop=True)


def _genres(movies: pd.DataFrame, item: str) -> pd.Series:
    """The first genre of each film: a film has one category here."""
    return pd.Series(movies["genres"].str.split("|").str[0].to_numpy(), index=movies[item].astype(str))
