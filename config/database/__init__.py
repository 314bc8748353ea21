"""The database of the site and its outages: the probe that checks whether it answers, and the breaker that refuses
requests meanwhile.
"""
