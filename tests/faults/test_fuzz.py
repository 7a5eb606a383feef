"""Parsers written here end in results or in one sentence, whatever bytes they are given."""

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from fuzz_targets import TARGETS, survives

# what fuzzing and the corpus found, by target; each was a traceback, or accepted, once
FOUND: dict[str, list[bytes]] = {
    "boxes": [b'{"1": [{"name": "1/' + b"9" * 400 + b'.jpg", "labels": []}]}', b'{"1": [], "1": []}'],
    "split_json": [b'[{"id": "", "template": "Pushing [something]"}]'],
    "config": [
        b"seeds: [0]\ndatasets: {mine: {recipe: own_videos, teachers: [rgb]}}\n",
        b"seeds: [yes]\ndatasets: 3\n",
    ],
}
SPECIAL = [
    b"\0",
    b"\xff",
    b'"',
    b"{",
    b"[",
    b"]",
    b"}",
    b",",
    b"\n",
    b"-",
    b"9" * 30,
    b"1e999",
    b"NaN",
    b"null",
    b"\xed\xa0\x80",
]


@st.composite
def spoilt(draw: st.DrawFn, whole: bytes) -> bytes:
    """A whole input with a few places cut out, doubled, or written over."""
    data = whole
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(data)))
        end = min(len(data), begin + draw(st.integers(0, 12)))
        new = draw(
            st.one_of(st.sampled_from(SPECIAL), st.binary(max_size=8), st.just(data[begin:end] * 2), st.just(b""))
        )
        data = data[:begin] + new + data[end:]
    return data


@pytest.mark.parametrize("name", TARGETS)
def test_the_whole_input_is_read(name):
    TARGETS[name][0](TARGETS[name][1])


@pytest.mark.parametrize("name", TARGETS)
def test_spoilt_inputs_give_results_or_a_sentence(name):
    whole = TARGETS[name][1]

    @seed(0)
    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(spoilt(whole), spoilt(whole), st.binary(max_size=64)))
    def run(data: bytes) -> None:
        survives(name, data)

    run()


@pytest.mark.parametrize(("name", "data"), [(name, data) for name, found in FOUND.items() for data in found])
def test_what_fuzzing_found_is_mended(name, data):
    survives(name, data)
