"""The audit record (BR 5.4.1 (2)(7) and (8)): nothing is approved that is not written down.

    builder       from an attempt to the record's message, and its late replies   pure
    index_terms   what a record is found by                                       pure
    chain         batches that commit to those before them; walking them          pure
    stores        where records are kept: one SQLite file, or PostgreSQL
    entries       all that is recorded about one question, read                   pure
    writer        group commit: entries queue up, one writer, one fsync for all that wait
    reader        reading beside it, in a thread of its own
    idempotency   the same request again: the same verdict, without asking again
    bloom_filter  which requests were seen, in little memory                      pure
    heads         where chains have got to, kept elsewhere; `publisher` lets them leave
    verify        walking a whole store: what is not as it was written
    prune         removing months so that the rest stays verifiable
    retention     until when each entry must be kept, and which months may go
    replay        what was seen, judged again by today's rules
    settings      the table [record]

The way of a verdict: the coordinator decides an attempt, `builder` makes its record, `writer`
queues it and returns once it is durable, and only then `api.response` reads the answer off that
record. What the caller hears is therefore what is written down, octet for octet; there is no second
description of a verdict that could differ from the first.
"""
