"""Another team's Django project, made as the README says: Django's own users and log-in, no bank, no accounts."""
