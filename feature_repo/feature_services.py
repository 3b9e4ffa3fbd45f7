"""What each version of a model reads. A released service is never edited: the next one stands beside it."""

from feast import FeatureService

from attune.columns import AGE_BAND, HISTORY_TIMES, INCOME_BAND, ORDERS_90D, TENURE_DAYS
from feature_views.customer_activity import customer_activity
from feature_views.customer_history import customer_history
from feature_views.customer_profile import customer_profile
from feature_views.item_popularity import item_popularity
from feature_views.item_profile import item_profile
from feature_views.message_context import message_context
from feature_views.message_history import message_history

churn_v1 = FeatureService(
    name="churn_v1",
    features=[customer_profile, customer_activity],
    description="Who a customer is and how much they buy: whether they will leave.",
)

recommend_v1 = FeatureService(
    name="recommend_v1",
    features=[
        customer_history,
        customer_profile[[AGE_BAND, INCOME_BAND]],
        customer_activity[[TENURE_DAYS, ORDERS_90D]],
    ],
    description="What a customer bought, in order: what they will buy next.",
)

popularity_v1 = FeatureService(
    name="popularity_v1",
    features=[item_popularity],
    description="What everybody buys.",
)

response_v1 = FeatureService(
    name="response_v1",
    features=[
        customer_profile,
        customer_activity,
        message_context,
        message_history,
        customer_history[[HISTORY_TIMES]],
    ],
    description="Who a customer is, how much and when they buy, what they were sent: whether they respond.",
)

items_v1 = FeatureService(
    name="items_v1",
    features=[item_profile, item_popularity],
    description="What an item is and who buys it.",
)
