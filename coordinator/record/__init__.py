"""The audit record (BR 5.4.1 (2)(7) and (8)): nothing is approved that is not written down.

    transcript   from an attempt to the record's message, and its late replies   pure
    ids terms    what a record is known by, and found by                         pure
    chain        batches that commit to those before them; walking them          pure
    store        the port: what a place to keep records must do
    sqlite       the place by default: one file
    postgresql   the place for several coordinators: a database
    dossier      all entries about one question, read                            pure
    recorder     group commit: entries queue up, one writer, one fsync for all that wait
    reader       reading beside it, in a thread of its own
    repeats      the same request again: the same verdict, without asking again
    seen         which requests were seen, in little memory                      pure
    audit        walking a whole store: what is not as it was written
    retention    removing months so that the rest stays verifiable
    keeping      until when each entry must be kept, and which months may go
    replay       what was seen, judged again by today's rules
    sieve sheet  which records are wanted; records as JSON and as rows       pure
    page         records on a terminal
    settings     the table [record]
    cli          `mpic record ...`: reading, upkeep and their options

The way of a verdict: the coordinator decides an attempt, `transcript` makes its record, `recorder`
queues it and returns once it is durable, and only then `coordinator.answer` reads the answer off
that record. What the caller hears is therefore what is written down, octet for octet; there is no
second description of a verdict that could differ from the first.
"""
