"""How many questions are let in at the same time, and when refused callers may ask again."""
