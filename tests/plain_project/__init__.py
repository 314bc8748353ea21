"""Another team's Django project, made as the README says: Django's own users and login, no bank, no accounts."""
