"""The one list of what is watched: by feature service, its features, and the answers that rest on them.

The limits were chosen on the default data, as of every week from September to December. Without a change no
feature but recency moved by more than 0.04, against the common limit of 0.1. When a third of the customers
switch to another store format, some feature moves by 0.14 within four weeks and by 0.45 within a quarter.
"""

from attune.columns import HISTORY_ITEMS, HISTORY_TIMES, PAST_MESSAGES, RECENCY_DAYS, TENURE_DAYS
from attune.drift.monitor import DecisionRules, DriftRules, ListRules, Monitor

_TENURE = "Every customer's grows by a day a day: it tells the calendar, not a change of behaviour."
_HISTORY = "It is a list of purchases, on which no distance is defined."
_MESSAGES = "It is a list of messages; how many there were and how many were answered is watched."

MONITORS = {
    monitor.feature_service: monitor
    for monitor in (
        Monitor(
            feature_service="churn_v1",
            not_watched={TENURE_DAYS: _TENURE},
            # One day on which shops are closed moves the days since the last purchase by 0.11 in that week.
            limits={RECENCY_DAYS: 0.2},
        ),
        Monitor(
            feature_service="recommend_v1",
            next_days=7,
            not_watched={HISTORY_ITEMS: _HISTORY, HISTORY_TIMES: _HISTORY, TENURE_DAYS: _TENURE},
            # Its window ends a week before the newest features, when that week's buyers are known: about half
            # of the active customers. On so few rows the limits rise by what chance can do.
            rules=DriftRules(max_age_days=14, min_rows=500),
        ),
        Monitor(
            feature_service="response_v1",
            # Messages go to chosen customers: those of a month are compared with those that it learnt from.
            sent_days=7,
            sent_windows=4,
            not_watched={
                TENURE_DAYS: _TENURE,
                HISTORY_TIMES: _HISTORY,
                **dict.fromkeys(PAST_MESSAGES, _MESSAGES),
            },
            limits={RECENCY_DAYS: 0.2},
            rules=DriftRules(max_age_days=14, min_rows=500),
        ),
    )
}

# Of answers in the prediction log. Lists are held against what was bought; of scores, the highest fifth is a
# yes, and of those who left as many have to be found in every group of people.
ANSWERS = {"recommend_v1": ListRules(), "churn_v1": DecisionRules()}
