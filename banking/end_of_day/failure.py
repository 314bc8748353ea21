"""Why a day cannot be closed."""


class StepFailed(Exception):
    """The step found an error in the books, which staff must resolve. The next run tries the step again."""
