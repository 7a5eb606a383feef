"""Bytecode that a full disk cut off is deleted, and nothing else."""

import py_compile
import subprocess
import sys

import pytest

from egokd.planning.bytecode import remove_cut_off


@pytest.fixture
def compiled(tmp_path):
    """Two modules and their bytecode; the first is the longer one."""
    for name, text in (("whole", "x = 1\n"), ("cut", "y = [1, 2, 3]\n" * 50)):
        (tmp_path / f"{name}.py").write_text(text)
        py_compile.compile(str(tmp_path / f"{name}.py"))
    return tmp_path


@pytest.mark.parametrize("size", [0, 10, 16, 60])
def test_a_cut_off_file_is_deleted_and_the_module_can_be_imported_again(compiled, size):
    file = next(compiled.glob("__pycache__/cut.*.pyc"))
    file.write_bytes(file.read_bytes()[:size])
    assert remove_cut_off(compiled) == [file]
    assert len(list(compiled.glob("__pycache__/*.pyc"))) == 1
    subprocess.run([sys.executable, "-c", "import cut; assert cut.y"], cwd=compiled, check=True)


def test_whole_files_and_those_of_other_versions_stay(compiled):
    other = compiled / "__pycache__" / "cut.cpython-30.pyc"
    other.write_bytes(b"\x00\x01\r\n" + bytes(20))
    assert remove_cut_off(compiled) == []
    assert len(list(compiled.glob("__pycache__/*.pyc"))) == 3
