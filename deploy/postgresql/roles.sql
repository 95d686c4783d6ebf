-- PostgreSQL for the audit record: a database, the role that owns its tables, and the roles that may
-- only insert and read. Run this file once, as a superuser:
--
--   psql -f deploy/postgresql/roles.sql
--
-- Then let the owner make the tables. Use a copy of coordinator.toml with user=mpic_owner in the dsn of
-- [record]. The coordinators themselves have user=mpic_writer.
--
--   mpic record migrate --config owner.toml
--
-- Do the same after an upgrade that needs newer tables. A coordinator that may not change them says so
-- and does not start. The owner also runs `mpic record prune`.
--
-- `\password mpic_writer` sets a password. Certificates or a Unix socket need none. To give each
-- coordinator a role of its own, grant it this one: GRANT mpic_writer TO mpic_tokyo;

-- Makes and migrates the tables, and prunes. No coordinator runs as this role.
CREATE ROLE mpic_owner LOGIN;
-- The coordinators: INSERT and SELECT, no UPDATE, DELETE or TRUNCATE.
CREATE ROLE mpic_writer LOGIN;
-- Auditors: SELECT alone.
CREATE ROLE mpic_reader LOGIN;

CREATE DATABASE mpic OWNER mpic_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE mpic FROM PUBLIC;
GRANT CONNECT ON DATABASE mpic TO mpic_writer, mpic_reader;
