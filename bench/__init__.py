"""`make bench`: what a request costs, as ratios to a bare view measured in the same run.

Times on a shared machine are noise; CPU per request is not. Servers run alone, one after the other, in
interleaved rounds; the median of the rounds counts.
"""
