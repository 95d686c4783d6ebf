-- PostgreSQL for the audit record: a database, the role that owns its tables, and those that may
-- only insert and read. Run it once, as a superuser:
--
--   psql -f deploy/postgresql/roles.sql
--
-- Then let the owner make the tables, and run the coordinators as the writer:
--
--   mpic record migrate --dsn "host=db.example.net dbname=mpic user=mpic_owner sslmode=verify-full"
--
-- Passwords are set by `\password mpic_writer`; certificates or a Unix socket need none. Where each
-- coordinator is to have a role of its own, grant it this one: GRANT mpic_writer TO mpic_tokyo;

-- Makes and migrates the tables, and prunes. No coordinator runs as this role.
CREATE ROLE mpic_owner LOGIN;
-- The coordinators: INSERT and SELECT, no UPDATE, DELETE or TRUNCATE.
CREATE ROLE mpic_writer LOGIN;
-- Auditors: SELECT alone.
CREATE ROLE mpic_reader LOGIN;

CREATE DATABASE mpic OWNER mpic_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE mpic FROM PUBLIC;
GRANT CONNECT ON DATABASE mpic TO mpic_writer, mpic_reader;
