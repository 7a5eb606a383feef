"""The list of licences is that of the lock, with a licence for (nearly) every package."""

import re
import tomllib
from email.message import Message

from paths import REPOSITORY
from write_envs import pins
from write_licences import NOT_STATED, licence_of

DOC = (REPOSITORY / "docs" / "dependencies.md").read_text()
ROWS = re.findall(r"^\| ([a-z0-9-]+) \| (\d\S*) \| (.+) \|$", DOC, re.M)


class Package:
    """What a package says of itself."""

    files = ()

    def __init__(self, *fields: tuple[str, str]):
        self.metadata = Message()
        for name, value in fields:
            self.metadata[name] = value


def test_the_list_has_the_packages_and_versions_of_the_lock():
    listed = [f"{name}=={version}" for name, version, _ in ROWS]
    assert listed == pins(tomllib.loads((REPOSITORY / "uv.lock").read_text())), "run python tools/write_licences.py"


def test_the_list_names_a_licence_for_all_but_a_few():
    assert len([name for name, _, licence in ROWS if licence == NOT_STATED]) <= 3


def test_the_expression_counts_before_classifiers_and_these_before_free_text():
    classifier = ("Classifier", "License :: OSI Approved :: MIT License")
    text = ("License", "BSD\nRedistribution and use in source")
    assert licence_of(Package(("License-Expression", "Apache-2.0"), classifier, text)) == "Apache-2.0"
    assert licence_of(Package(classifier, text)) == "MIT License"
    assert licence_of(Package(("Classifier", "License :: OSI Approved"), text)) == "BSD"
    assert licence_of(Package(("License", "UNKNOWN"))) == NOT_STATED
