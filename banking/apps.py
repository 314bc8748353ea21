from django.apps import AppConfig


class BankingConfig(AppConfig):
    name = "banking"
    verbose_name = "Bank"

    def ready(self) -> None:
        from banking import checks  # noqa: F401 - registers them
