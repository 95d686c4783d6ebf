"""The page that explains one record to a person, and the signed links that open it.

A request goes through these, in this order; what is marked * is pure:

    routes.py           who may see the record: a link or credentials; "check again" asks anew
    links.py *          HMAC over a record id and an end: makes links, and checks them
    asked.py *          the query of a page, and the page that is made of it
    languages.py *      `lang` and Accept-Language -> English or Japanese
    again.py *          the request that asks again what a record was asked
    bounds.py *         how often that may be asked
    page.py *           the templates, filled in with what `mpic.explain` says
    values.py *         text of strangers: all of it visible, and with an end
    notices.py *        pages that say one thing: errors
    headers.py *        what a browser is told beside a page

deploy/explain.md is for operators.
"""
