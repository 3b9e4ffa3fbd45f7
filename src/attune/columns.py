"""Every column name, once."""

# Keys and times. Every time is UTC with microseconds.
CUSTOMER_ID = "customer_id"
ITEM_ID = "item_id"
EVENT_TIMESTAMP = "event_timestamp"
CREATED_TIMESTAMP = "created_timestamp"

# interactions: one row is customer, item, event, time
INTERACTION_ID = "interaction_id"
ORDER_ID = "order_id"
EVENT = "event"
PURCHASE = "purchase"
RETURN = "return"
QUANTITY = "quantity"
AMOUNT = "amount"
DISCOUNT = "discount"

# items
DEPARTMENT = "department"
CATEGORY = "category"
BRAND = "brand"

# customers
AGE_BAND = "age_band"
INCOME_BAND = "income_band"
HOME_OWNERSHIP = "home_ownership"
MARITAL_STATUS = "marital_status"
HOUSEHOLD_SIZE = "household_size"
CHILDREN = "children"
DEMOGRAPHICS = (AGE_BAND, INCOME_BAND, HOME_OWNERSHIP, MARITAL_STATUS, HOUSEHOLD_SIZE, CHILDREN)
UNKNOWN = "unknown"

# messages: one row is a campaign sent to a customer
MESSAGE_ID = "message_id"
CAMPAIGN_ID = "campaign_id"
CHANNEL = "channel"
FORMAT = "format"
SENT_AT = "sent_at"
ENDS_AT = "ends_at"
RESPONDED = "responded"
RESPONDED_AT = "responded_at"

# consents
PURPOSE = "purpose"
GRANTED = "granted"

# feature view customer_activity
RECENCY_DAYS = "recency_days"
TENURE_DAYS = "tenure_days"
ORDERS_7D = "orders_7d"
ORDERS_30D = "orders_30d"
ORDERS_90D = "orders_90d"
SPEND_7D = "spend_7d"
SPEND_30D = "spend_30d"
SPEND_90D = "spend_90d"
BASKET_SIZE_90D = "basket_size_90d"
DISCOUNT_SHARE_90D = "discount_share_90d"
DAYS_BETWEEN_ORDERS_90D = "days_between_orders_90d"

# Departments with a share of their own in customer_activity; what is not listed counts as "other".
# The eight that sell most in the default data, in lower case with underscores.
DEPARTMENTS = ("grocery", "drug_gm", "produce", "meat", "meat_pckgd", "deli", "pastry", "nutrition")
OTHER_DEPARTMENT = "other"
DEPARTMENT_SHARES = tuple(f"share_{name}_90d" for name in (*DEPARTMENTS, OTHER_DEPARTMENT))

# feature view customer_history: the last items, oldest first, with the second each was bought
HISTORY_ITEMS = "history_items"
HISTORY_TIMES = "history_times"

# feature view message_context
MESSAGES_7D = "messages_7d"
MESSAGES_30D = "messages_30d"
MESSAGES_90D = "messages_90d"
RESPONSES_7D = "responses_7d"
RESPONSES_30D = "responses_30d"
RESPONSES_90D = "responses_90d"
DAYS_SINCE_MESSAGE = "days_since_message"
DAYS_SINCE_RESPONSE = "days_since_response"
RESPONSE_SHARE_90D = "response_share_90d"

# feature view message_history: the last messages, oldest first
MESSAGE_TIMES = "message_times"
MESSAGE_CHANNELS = "message_channels"
MESSAGE_FORMATS = "message_formats"
MESSAGE_ANSWERS = "message_answers"
PAST_MESSAGES = (MESSAGE_TIMES, MESSAGE_CHANNELS, MESSAGE_FORMATS, MESSAGE_ANSWERS)

# feature view item_popularity
ITEM_ORDERS_7D = "item_orders_7d"
ITEM_ORDERS_30D = "item_orders_30d"
ITEM_ORDERS_90D = "item_orders_90d"
ITEM_CUSTOMERS_30D = "item_customers_30d"

# examples: features as of a date, with what happened afterwards
LABEL = "label"

# examples of responses: the message itself, which a decision can ask about before it is sent
SENT_HOUR = "sent_hour"
SENT_WEEKDAY = "sent_weekday"
OFFER_DAYS = "offer_days"
MESSAGE_COLUMNS = (CHANNEL, FORMAT, SENT_HOUR, SENT_WEEKDAY, OFFER_DAYS)

# what a scorer gave an example
SCORE = "score"
