import re
from pathlib import Path

from jinja2 import Environment, nodes

import attune.governance.lamps
import monitoring.console.use_case
from attune.governance.lamps import Said
from monitoring.console.words import LANGUAGES, catalogue, words

TEMPLATES = Path(monitoring.console.use_case.__file__).with_name("templates")
_PLACES = re.compile(r"{(\w+)")


def sentences() -> set[str]:
    """Every sentence that a template or a lamp says."""
    found = set()
    for template in TEMPLATES.glob("*.html"):
        for call in Environment(autoescape=True).parse(template.read_text()).find_all(nodes.Call):
            said = call.args[0] if call.args else None
            if isinstance(call.node, nodes.Name) and call.node.name == "_" and isinstance(said, nodes.Const):
                found.add(said.value)
    for module in (attune.governance.lamps, monitoring.console.use_case):
        found |= set(re.findall(r'Said\.of\(\s*"([^"]+)"', Path(module.__file__).read_text()))
    return found - {"{moved} of {watched} features"}  # an example in a docstring


def test_every_sentence_is_translated():
    for language in LANGUAGES:
        if language != "en":
            assert sentences() - catalogue(language).keys() == set()


def test_a_translation_has_the_same_places_for_values():
    for language in LANGUAGES:
        for english, other in catalogue(language).items():
            assert sorted(_PLACES.findall(english)) == sorted(_PLACES.findall(other)), english


def test_a_word_from_elsewhere_is_said_as_it_is():
    assert words("ru")("{0.__class__} of {x}") == "{0.__class__} of {x}"
    assert words("ru").said(Said.of("{problem}.", problem="{y}")) == "{y}."
