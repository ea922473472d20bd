"""Thirteen months of a hundred accounts, lived day by day.

`cast` says who they are and how they live, `living` lets them live with the panel, `by_hand` computes what must come of
it from the rules alone. ``golden.txt`` keeps what came of it once it was found right; see `__main__`.
"""
