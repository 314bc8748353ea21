"""The machine endpoints: one module each. They use no cookies and answer JSON.

An endpoint reads its parameters, authenticates the client, calls the packages below, and answers.
"""
