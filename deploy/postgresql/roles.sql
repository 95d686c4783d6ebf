-- PostgreSQL for the audit record: a database, the role that owns its tables, and those that may
-- only insert and read. Run it once, as a superuser:
--
--   psql -f deploy/postgresql/roles.sql
--
-- Then let the owner make the tables, by a copy of coordinator.toml whose [record] dsn has
-- user=mpic_owner, and run the coordinators as user=mpic_writer:
--
--   mpic record migrate --config owner.toml
--
-- The same after an update that needs later tables: a coordinator that may not change them says so
-- and does not start. `mpic record prune` is the owner's too.
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
