"""How much is taken on at a time, and what is told to those who must come back later."""
