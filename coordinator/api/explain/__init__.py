"""The page that explains one record to a person, and the signed links that open it.

links.py *            HMAC over a record id and an end: makes links, and checks them
"""
