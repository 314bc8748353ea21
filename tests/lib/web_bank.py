"""The pages of the web bank, filled in as a browser does."""

from bs4 import BeautifulSoup


def soup(page):
    return BeautifulSoup(page.content, "html.parser")


def text(page):
    return soup(page).select_one("main").get_text(" ", strip=True)


def filled(source, to, amount="12.50", **fields):
    return {"source": str(source.pk), "to": to, "amount": amount, "reference": "Rent", **fields}


def new_payee(account, name="Bob Baker", **fields):
    return {"to": "new", "name": name, "iban": account.iban, **fields}


def begin(browser, source, to="new", **fields):
    """Fills in the form of a transfer. Returns the URL of the confirmation page."""
    answer = browser.post("/bank/transfer", filled(source, to, **fields))
    assert answer.status_code == 303, text(answer)
    return answer["Location"]
