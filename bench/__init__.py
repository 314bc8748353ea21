"""`make bench` measures the cost of a request, as ratios to a bare view measured in the same run.

On a shared machine, response times vary too much for a comparison; CPU time per request does not. Servers run alone,
one after the other, in several rounds. A figure is the median of the rounds.
"""
