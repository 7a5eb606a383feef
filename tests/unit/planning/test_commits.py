"""The commit of the code, where there is one."""

import shutil
import subprocess

import pytest

from egokd.planning.provenance import commit_of, package_digest

GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
NONE = {"commit": None, "modified": None}


@pytest.fixture
def repository(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    (tmp_path / "Snakefile").write_text("one\n")
    for arguments in (["init", "-q"], ["add", "Snakefile"], ["commit", "-qm", "first"]):
        subprocess.run([*GIT, *arguments], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_commit_and_whether_files_differ_from_it(repository):
    head = subprocess.run([*GIT, "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True).stdout.strip()
    assert commit_of(repository) == {"commit": head, "modified": False}
    (repository / "results").mkdir()
    (repository / "results" / "new.txt").write_text("x")  # what a run makes is no change of the code
    assert commit_of(repository) == {"commit": head, "modified": False}
    (repository / "Snakefile").write_text("two\n")
    assert commit_of(repository) == {"commit": head, "modified": True}


def test_a_copy_inside_another_repository_has_no_commit_of_its_own(repository):
    copy = repository / "build" / "smoke"
    copy.mkdir(parents=True)
    (copy / "Snakefile").write_text("one\n")
    assert commit_of(copy) == NONE


def test_without_git_there_is_no_commit(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit_of(repository) == NONE


def test_the_digest_of_the_package_is_stable_in_a_process_and_a_hash():
    assert package_digest() == package_digest()
    assert len(package_digest()) == 32
