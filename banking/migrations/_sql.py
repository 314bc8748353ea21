"""Functions of the database as the files beside the migrations make them."""

from pathlib import Path

HERE = Path(__file__).parent


def function(file: str, name: str) -> str:
    """The statement that makes the function again, for a migration that goes back."""
    text = (HERE / file).read_text()
    begins = text.index(f"FUNCTION {name}(")
    return f"CREATE OR REPLACE {text[begins : text.index('$$;', begins)]}$$;"
