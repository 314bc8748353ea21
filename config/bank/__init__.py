"""Connects the bank with the authorization server, and shows both in the admin. Imports no other package of
`config`.
"""
