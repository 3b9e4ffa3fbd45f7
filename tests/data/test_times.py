import pytest

from attune.data.times import parse_moment
from attune.errors import ConfigError


@pytest.mark.parametrize("text", ["yesterday", "99999-01-01", "", "2017-13-01"])
def test_what_is_no_date_is_refused_in_words(text):
    with pytest.raises(ConfigError, match="is no date; write it like 2017-09-03"):
        parse_moment(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31"])
def test_a_date_that_no_table_can_hold_is_refused_in_words(text):
    with pytest.raises(ConfigError, match="is not in the years 1678 to 2261"):
        parse_moment(text)
