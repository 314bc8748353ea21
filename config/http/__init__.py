"""Middleware of the site, and answers to errors that no view handles. Imports no other package of `config`."""
