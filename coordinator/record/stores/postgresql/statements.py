"""The statements for PostgreSQL, except those that make and change tables (`schema`)."""

from coordinator.record.stores.base import Search

INSERT = """
WITH sealed AS (
    INSERT INTO mpic.batch (chain, sequence, previous, written_at, digests, hash, month)
    VALUES (%(chain)s, %(sequence)s, %(previous)s, %(written_at)s, %(digests)s, %(hash)s, %(month)s)
    RETURNING number
), written AS (
    INSERT INTO mpic.entry (batch, record, month, position, content)
    SELECT number, record, %(month)s, position, content
    FROM sealed, unnest(%(records)s::uuid[], %(contents)s::bytea[])
        WITH ORDINALITY AS one (record, content, position)
), claimed AS (
    -- In one order, so that no two batches wait for each other; behind the batch, as all is.
    INSERT INTO mpic.verdict (term, record)
    SELECT term, record FROM sealed, unnest(%(claims)s::bigint[], %(claimants)s::uuid[])
        AS one (term, record) ORDER BY term
)
INSERT INTO mpic.term (term, record, month)
SELECT term, (%(records)s::uuid[])[owner], %(month)s
FROM unnest(%(terms)s::bigint[], %(owners)s::integer[]) AS one (term, owner)
"""
HEAD = """
SELECT chain, sequence, hash, written_at FROM (
    (SELECT chain, sequence, hash, written_at FROM mpic.batch WHERE chain = %(chain)s
     ORDER BY sequence DESC LIMIT 1)
    UNION ALL
    (SELECT chain, last, hash, written_at FROM mpic.removed WHERE chain = %(chain)s
     ORDER BY last DESC LIMIT 1)
) AS head ORDER BY sequence DESC LIMIT 1
"""
# One look at the index for each chain instead of a walk over all batches.
CHAINS = """
WITH RECURSIVE one (chain) AS (
    (SELECT min(chain) FROM mpic.batch)
    UNION ALL
    SELECT (SELECT min(chain) FROM mpic.batch WHERE chain > one.chain) FROM one
    WHERE one.chain IS NOT NULL
)
SELECT chain FROM one WHERE chain IS NOT NULL UNION SELECT chain FROM mpic.removed ORDER BY 1
"""
BATCHES = """
SELECT chain, sequence, previous, written_at, digests, hash, number, month FROM mpic.batch
WHERE chain = %s AND sequence >= %s ORDER BY sequence LIMIT %s
"""
CONTENTS = """
SELECT batch, uuid_send(record), content FROM mpic.entry WHERE batch = ANY(%s) AND month = ANY(%s)
ORDER BY batch, position
"""
STRAYS = """
SELECT uuid_send(record), content FROM mpic.entry JOIN (
    SELECT DISTINCT batch, month FROM mpic.entry EXCEPT SELECT number, month FROM mpic.batch
) AS stray USING (batch, month) ORDER BY batch, position
"""
MONTHS = """
SELECT found.month, chain, first, last, one.previous, other.hash, entries, one.written_at,
    other.written_at FROM (
    SELECT chain, min(sequence) AS first, max(sequence) AS last,
        sum(octet_length(digests) / 32)::bigint AS entries,
        to_char(to_timestamp(written_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM') AS month
    FROM mpic.batch GROUP BY chain, 5
) AS found
JOIN mpic.batch AS one USING (chain) JOIN mpic.batch AS other USING (chain)
WHERE one.sequence = first AND other.sequence = last ORDER BY 1, 2
"""
REMOVED = "SELECT chain, last, hash, written_at FROM mpic.removed"
INDEXED = """
SELECT DISTINCT uuid_send(record) AS record, term FROM mpic.term ORDER BY record, term
"""
READ = """
SELECT uuid_send(record), content FROM mpic.entry WHERE record = ANY(%s)
ORDER BY record, batch, position
"""
FIND = """
SELECT DISTINCT term, uuid_send(record) AS record FROM mpic.term
WHERE term = ANY(%s) AND record >= %s AND month >= %s ORDER BY term, record
"""
REMEMBER = """
INSERT INTO mpic.removed SELECT chain, sequence, hash, written_at FROM mpic.batch
WHERE chain = %s AND sequence = %s
"""
REMOVE_BATCHES = """
DELETE FROM mpic.batch WHERE chain = %s AND sequence BETWEEN %s AND %s RETURNING number, month
"""
# Entries of a month in which other chains still have entries.
REMOVE_ENTRIES = """
DELETE FROM mpic.entry WHERE batch = ANY(%s) AND month = %s RETURNING uuid_send(record), content
"""
REMOVE_TERMS = """
DELETE FROM mpic.term USING unnest(%s::bigint[], %s::uuid[]) AS gone (term, record)
WHERE term.term = gone.term AND term.record = gone.record AND month = %s
"""
ENTRIES_LEFT = """
SELECT uuid_send(record), content FROM mpic.entry WHERE record = ANY(%s) AND month = %s
"""
INDEX_AGAIN = """
INSERT INTO mpic.term (term, record, month)
SELECT kept.term, kept.record, wanted.month
FROM (SELECT %s::date AS month) AS wanted, unnest(%s::bigint[], %s::uuid[]) AS kept (term, record)
WHERE NOT EXISTS (SELECT FROM mpic.term AS had WHERE had.term = kept.term
    AND had.record = kept.record AND had.month = wanted.month)
"""
# Prunings drop tables. For that they would wait while a snapshot is read, and writers would then
# wait for them. So they do not begin.
SHARE = "SELECT pg_advisory_xact_lock_shared(7304963)"
MAY_REMOVE = "SELECT pg_try_advisory_xact_lock(7304963)"
KINDS = {"entry": "p", "term": "p"}
"""The tables that are partitioned; see pg_class.relkind."""
TABLES = """
SELECT relname, relkind::text, relrowsecurity FROM pg_class
WHERE relnamespace = 'mpic'::regnamespace AND (relname IN ('batch', 'entry', 'term', 'removed')
    OR oid IN (SELECT inhrelid FROM pg_inherits)) AND relkind NOT IN ('i', 'I')
"""
FALSE_MONTHS = """
SELECT chain, sequence FROM mpic.batch WHERE CASE
    WHEN written_at BETWEEN 0 AND 253402300799999999 THEN
        month <> date_trunc('month', to_timestamp(written_at / 1000000) AT TIME ZONE 'UTC')::date
    ELSE true END
"""
FALSE_TERMS = """
SELECT DISTINCT uuid_send(record) FROM (
    SELECT record, month FROM mpic.term EXCEPT SELECT record, month FROM mpic.entry
) AS odd
"""
FALSE_VERDICTS = """
SELECT uuid_send(record) FROM mpic.verdict WHERE NOT EXISTS (
    SELECT FROM mpic.term WHERE term.term = verdict.term AND term.record = verdict.record)
"""
FORGET_REMOVED = """
DELETE FROM mpic.verdict WHERE NOT EXISTS (
    SELECT FROM mpic.term WHERE term.term = verdict.term AND term.record = verdict.record)
"""
IS_EMPTY = "SELECT NOT EXISTS (SELECT FROM mpic.batch WHERE month = %s)"
HOLDERS = "SELECT term, uuid_send(record), record < %s FROM mpic.verdict WHERE term = ANY(%s)"
FORGET = "SELECT mpic.forget_verdicts(%s)"
IS_THERE = "SELECT hash = %s FROM mpic.batch WHERE chain = %s AND sequence = %s"

# A commit that waits for all commits before it is as durable as they must be. Something found after
# a crash may not be on the standby yet.
CATCH_UP = "SELECT pg_logical_emit_message(true, 'mpic', '')"


def search_page(search: Search, *, first: bool) -> str:
    """Return the statement for a page of a search: term, since, until, month, terms, limit."""
    order, bound = ("DESC", ">=") if search.newest_first else ("ASC", ">=" if first else ">")
    table, where = ("term", "term = %s AND ") if search.terms else ("entry", "")
    also = " AND EXISTS (SELECT FROM mpic.term WHERE term = %s AND record = found.record)"
    return (
        f"SELECT DISTINCT record FROM mpic.{table} AS found WHERE {where}"  # noqa: S608 - it stands above
        f" record {bound} %s AND record < %s AND month >= %s{also * len(search.terms[1:])}"
        f" ORDER BY record {order} LIMIT %s"
    )
