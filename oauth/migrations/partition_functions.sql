-- The lowest UUIDv7 at a time (RFC 9562 §5.7), like AuditEvent.first_id_at; and the time of an id.
CREATE OR REPLACE FUNCTION oauth_first_id_at(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
CREATE OR REPLACE FUNCTION oauth_moment_of(id uuid) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
  SELECT to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)
$$;
-- Partitions must be used only through their table. With default privileges, the site's role could write to them directly.
CREATE OR REPLACE FUNCTION oauth_only_through_parent(partition regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  grantee text;
BEGIN
  FOR grantee IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
      FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = partition AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s', partition, grantee);
  END LOOP;
END $$;
-- The partitions of a table that have an upper bound, with this bound.
CREATE OR REPLACE FUNCTION oauth_partitions(parent regclass) RETURNS TABLE (partition regclass, ends timestamptz)
LANGUAGE sql STABLE SET datestyle = 'ISO' AS $$
  SELECT oid::regclass, CASE parent WHEN 'oauth_auditevent'::regclass THEN oauth_moment_of(bound::uuid) ELSE bound::timestamptz END
    FROM (SELECT c.oid, (regexp_match(pg_get_expr(c.relpartbound, c.oid), $re$TO \('([^']+)'\)$re$))[1] AS bound
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = parent) bounds
   WHERE bound IS NOT NULL
$$;
-- One step, with the owner's privileges: drops a partition that is no longer needed, or creates a future one, and returns
-- its name, or NULL if there is nothing to do. Each step is short and waits at most one second for a lock.
CREATE OR REPLACE FUNCTION oauth_tend_partitions(audit_kept interval) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '1s' SET timezone = 'UTC' AS $$
DECLARE
  parent text; step interval; ahead interval; kept interval; key text; pattern text;
  starts timestamptz; leaf text; lower text; upper text; is_taken boolean;
BEGIN
  IF NOT pg_try_advisory_xact_lock(7203114403) THEN RETURN NULL; END IF;
  FOR parent, key, step, pattern, ahead, kept IN VALUES
    ('oauth_usedproof', 'proof_digest', interval '1 hour', 'YYYYMMDDHH24', interval '24 hours', interval '1 hour'),
    ('oauth_usedassertion', 'assertion_digest', interval '1 hour', 'YYYYMMDDHH24', interval '24 hours', interval '1 hour'),
    ('oauth_auditevent', '', interval '1 month', 'YYYYMM', interval '40 days',
     -- ASVS 5.0 16.4.2: events of the last 90 days cannot be deleted.
     greatest(audit_kept, interval '90 days'))
  LOOP
    SELECT partition::text INTO leaf FROM oauth_partitions(parent::regclass) WHERE ends < now() - kept ORDER BY ends LIMIT 1;
    IF FOUND THEN
      EXECUTE format('DROP TABLE %s', leaf);  -- quoted where it has to be: it was a regclass
      RETURN format('dropped %s', leaf);
    END IF;
    SELECT greatest(max(ends), date_trunc(CASE key WHEN '' THEN 'month' ELSE 'hour' END, now())) INTO starts
      FROM oauth_partitions(parent::regclass);
    WHILE starts < now() + ahead LOOP
      lower := CASE key WHEN '' THEN oauth_first_id_at(starts)::text ELSE starts::text END;
      upper := CASE key WHEN '' THEN oauth_first_id_at(starts + step)::text ELSE (starts + step)::text END;
      -- Rows that were inserted while no partition existed stay in the default partition.
      EXECUTE format('SELECT EXISTS (SELECT FROM %1$I WHERE %2$I >= %3$L AND %2$I < %4$L)', parent || '_default',
        CASE key WHEN '' THEN 'id' ELSE 'expires_at' END, lower, upper) INTO is_taken;
      IF NOT is_taken THEN
        leaf := parent || '_' || to_char(starts, pattern);
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', leaf, parent);
        PERFORM oauth_only_through_parent(leaf::regclass);
        IF key = '' THEN
          EXECUTE format('CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION oauth_keep_audit()', leaf);
        ELSE
          -- No rows are deleted individually, so autovacuum is not needed.
          EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (%I), SET (autovacuum_enabled = off)', leaf, key);
        END IF;
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, leaf, lower, upper);
        RETURN format('made %s', leaf);
      END IF;
      starts := starts + step;
    END LOOP;
  END LOOP;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION oauth_tend_partitions(interval) FROM PUBLIC;
DO $$
BEGIN  -- a site that keeps its tables in another schema
  IF current_schema() <> 'public' THEN
    EXECUTE format('ALTER FUNCTION oauth_tend_partitions(interval) SET search_path = %I, pg_temp', current_schema());
  END IF;
END $$;
