"""Why a day cannot be closed."""


class StepFailed(Exception):
    """The books have an error, which staff must find. The next run tries the step again."""
