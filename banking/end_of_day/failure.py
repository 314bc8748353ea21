"""Why a day cannot be closed."""


class StepFailed(Exception):
    """The books are not as they must be. Staff look; the next run tries the step again."""
