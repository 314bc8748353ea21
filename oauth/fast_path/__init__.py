"""What makes hot paths faster at the price of unusual code; see README.md here."""
