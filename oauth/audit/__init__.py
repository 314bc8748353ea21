"""Records refused requests of endpoints and pages. Imports `models`, `infrastructure` and `errors`."""
