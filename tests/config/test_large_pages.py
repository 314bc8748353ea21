"""The memory of the worker processes."""

import os
import platform

import pytest

from config.server import large_pages

NAMES = ("PYTHONMALLOC", "GLIBC_TUNABLES")


@pytest.fixture(autouse=True)
def system(monkeypatch, tmp_path):
    """A system on which large pages are possible, and an environment in which nothing was chosen."""
    setting = tmp_path / "enabled"
    setting.write_text("always [madvise] never\n")
    monkeypatch.setattr(large_pages, "SETTING", setting)
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
    for name in NAMES:
        monkeypatch.setenv(name, "")  # restores the earlier environment after the test
        monkeypatch.delenv(name)
    return setting


def test_processes_that_begin_now_use_glibc_with_large_pages():
    assert large_pages.use()
    assert os.environ["PYTHONMALLOC"] == "malloc"
    assert os.environ["GLIBC_TUNABLES"] == "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1"


def test_other_tunables_stay(monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=1")
    assert large_pages.use()
    assert os.environ["GLIBC_TUNABLES"].startswith("glibc.pthread.rseq=1:glibc.malloc.hugetlb=1")


@pytest.mark.parametrize(
    ("name", "value"), [("PYTHONMALLOC", "pymalloc"), ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=0")]
)
def test_environment_variables_of_the_operator_are_kept(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert not large_pages.use()
    assert [os.environ.get(each) for each in NAMES] == [value if each == name else None for each in NAMES]


@pytest.mark.parametrize("libc", [("glibc", "2.34"), ("", "")])
def test_an_older_library_or_another_one_has_none(monkeypatch, libc):
    monkeypatch.setattr(platform, "libc_ver", lambda: libc)
    assert not large_pages.use()


def test_a_kernel_may_refuse_them_or_have_none(system):
    system.write_text("always madvise [never]\n")
    assert not large_pages.use()
    system.unlink()
    assert not large_pages.use()
