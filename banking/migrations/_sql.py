"""Reads the database functions in the SQL files beside the migrations."""

from pathlib import Path

HERE = Path(__file__).parent


def function(file: str, name: str) -> str:
    """The statement that creates the function again, for reversing a migration."""
    text = (HERE / file).read_text()
    begins = text.index(f"FUNCTION {name}(")
    return f"CREATE OR REPLACE {text[begins : text.index('$$;', begins)]}$$;"
