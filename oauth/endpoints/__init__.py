"""The machine endpoints, one per module. They use no cookies and return JSON.

An endpoint reads its parameters, authenticates the client, calls inner packages, and responds.
"""
