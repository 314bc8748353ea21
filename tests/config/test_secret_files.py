"""NAME_FILE: a variable whose value is in a file, as containers and systemd give secrets."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment, SecretFiles


@pytest.fixture
def env(monkeypatch, tmp_path):
    """Reads what the test put into the environment; `write` puts a file's name there."""
    read = Environment()
    read.ENVIRON = SecretFiles()

    def write(name: str, content: bytes) -> None:
        file = tmp_path / name
        file.write_bytes(content)
        monkeypatch.setenv(f"{name}_FILE", str(file))

    read.write = write
    return read


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n"])
def test_the_newline_at_the_end_of_a_file_is_not_part_of_the_secret(env, end):
    env.write("A_SECRET", b" correct horse" + end)
    env.write("SOME_KEYS", b"new,old" + end)
    assert env.str("A_SECRET") == " correct horse"
    assert env.list("SOME_KEYS") == ["new", "old"]


def test_a_file_wins_over_a_variable_of_the_same_name(env, monkeypatch):
    monkeypatch.setenv("A_SECRET", "of the environment")
    env.write("A_SECRET", b"of the file")
    assert env.str("A_SECRET") == "of the file"


def test_a_database_url_works_from_a_file(env):
    env.write("A_URL", b"postgresql://bank_app:secret@database:5432/countersign\n")
    assert env.db_url("A_URL")["NAME"] == "countersign"


def test_a_missing_file_is_named_with_its_variable(env, monkeypatch, tmp_path):
    monkeypatch.setenv("A_SECRET_FILE", str(tmp_path / "none"))
    with pytest.raises(ImproperlyConfigured, match=r"A_SECRET_FILE must name a file .*none: No such file or directory"):
        env.str("A_SECRET")


def test_a_file_that_is_no_text_is_named_and_not_shown(env):
    env.write("A_SECRET", b"\xff\xfe\x00key")
    with pytest.raises(ImproperlyConfigured, match=r"A_SECRET_FILE .*not UTF-8") as raised:
        env.str("A_SECRET", default="")
    assert "key" not in str(raised.value)


@pytest.mark.parametrize("content", [b"new,old", b"new old", b"new\nold\n", b" new, old "])
def test_encryption_keys_may_be_on_separate_lines(env, content):
    env.write("SOME_KEYS", content)
    assert env.words("SOME_KEYS") == ["new", "old"]


@pytest.mark.parametrize("content", [b"new,old", b"new\nold\n", b"new\r\nold", b" new, old ,"])
def test_other_secrets_may_be_on_separate_lines(env, content):
    env.write("SOME_SECRETS", content)
    assert env.secrets("SOME_SECRETS") == ["new", "old"]
    assert env.secrets("NO_SECRETS") == []


def test_a_secret_may_contain_a_space(env):
    env.write("SOME_SECRETS", b"correct horse\nbattery staple\n")
    assert env.secrets("SOME_SECRETS") == ["correct horse", "battery staple"]
