"""The registration officer's page: a list is checked before it is filed, as a dry run.

A request goes through these, in this order; what is marked * is pure:

    routes.py      who may see what: sign in, hand a list in, see what came of it, take it away
    form.py        the fields of a form, up to a bound
    handed_in.py * a list as `mpic ask --file` reads it
    jobs.py        what was handed in and what it has come to: bounded, and forgotten in an hour
    asking.py      asks about each line on the main path
    coming.py *    the same observations by the rules to come, and how often to renew
    page.py *      the templates, filled in

deploy/preflight.md is for officers.
"""
