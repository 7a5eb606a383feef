"""Every kind of data has a word about its licence, for the cards of models that are trained on it."""

from egokd.datasets.formats import FORMATS
from egokd.datasets.licences import LICENCES, licence_of


def test_every_format_has_one():
    assert set(LICENCES) == set(FORMATS)


def test_generated_data_in_an_official_layout_do_not_have_its_licence():
    assert licence_of("epic100", generated=False)[0] == "cc-by-nc-4.0"
    assert licence_of("epic100", generated=True)[0] == "mit"
