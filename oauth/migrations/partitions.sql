-- Each table becomes the first partition of a partitioned table with the same name, in one short transaction. No rows are
-- read or copied, because partition_bounds.sql has validated the bounds.
DO $$
DECLARE
  parent text; first text; bound text; one record;
BEGIN
  IF (SELECT relkind = 'p' FROM pg_class WHERE oid = 'oauth_auditevent'::regclass) THEN RETURN; END IF;
  FOR parent, first IN VALUES ('oauth_usedproof', 'used_proof_first'), ('oauth_usedassertion', 'used_assertion_first'),
                              ('oauth_auditevent', 'audit_first') LOOP
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent);
    SELECT (regexp_match(pg_get_constraintdef(oid), '''([^'']+)'''))[1] INTO bound FROM pg_constraint
     WHERE conname = first AND conrelid = parent::regclass;
    EXECUTE format('ALTER TABLE %I RENAME TO %I', parent, parent || '_first');
    IF parent = 'oauth_auditevent' THEN
      DROP TRIGGER audit_append_only ON oauth_auditevent_first;  -- the parent's trigger replaces it
      EXECUTE 'CREATE TABLE oauth_auditevent (LIKE oauth_auditevent_first INCLUDING DEFAULTS) PARTITION BY RANGE (id)';
    ELSE
      -- The previous release deletes by id. Ids from the clock need no sequence and no privileges on one.
      EXECUTE format('ALTER TABLE %I ALTER COLUMN id DROP IDENTITY IF EXISTS', parent || '_first');
      EXECUTE format('CREATE TABLE %I (LIKE %I) PARTITION BY RANGE (expires_at)', parent, parent || '_first');
      EXECUTE format('ALTER TABLE %I ALTER COLUMN id SET DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
        ALTER COLUMN %I SET STORAGE PLAIN', parent, CASE parent WHEN 'oauth_usedproof' THEN 'proof_digest' ELSE 'assertion_digest' END);
    END IF;
    PERFORM oauth_only_through_parent(parent::regclass);
    FOR one IN  -- copies the privileges of other roles
      SELECT a.privilege_type, a.grantee, '' AS columns FROM pg_class c, aclexplode(c.relacl) a
       WHERE c.oid = (parent || '_first')::regclass AND a.grantee <> c.relowner
      UNION ALL
      SELECT a.privilege_type, a.grantee, format('(%I)', t.attname)
        FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = (parent || '_first')::regclass
    LOOP
      EXECUTE format('GRANT %s %s ON %I TO %s', one.privilege_type, one.columns, parent,
        CASE one.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(one.grantee)) END);
    END LOOP;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING STORAGE)', parent || '_default', parent);
    PERFORM oauth_only_through_parent((parent || '_default')::regclass);
    PERFORM oauth_only_through_parent((parent || '_first')::regclass);
    IF parent = 'oauth_auditevent' THEN
      FOR one IN SELECT indexrelid::regclass::text AS name FROM pg_index
                  WHERE indrelid = 'oauth_auditevent_first'::regclass AND NOT indisprimary LOOP
        EXECUTE format('ALTER INDEX %s RENAME TO %I', one.name, one.name || '_first');
      END LOOP;
      ALTER INDEX oauth_auditevent_pkey RENAME TO oauth_auditevent_first_pkey;
      ALTER TABLE oauth_auditevent ADD PRIMARY KEY (id);
      CREATE INDEX audit_error_id ON oauth_auditevent (error_id) WHERE NOT error_id = '';
      CREATE INDEX audit_user ON oauth_auditevent ("user", id DESC);
      CREATE INDEX audit_client ON oauth_auditevent (client, id DESC);
      CREATE INDEX audit_authorization ON oauth_auditevent ("authorization");
      CREATE INDEX audit_action ON oauth_auditevent (action, id DESC);
      CREATE INDEX audit_at ON oauth_auditevent (at);
      CREATE INDEX audit_error ON oauth_auditevent (error, id DESC) WHERE NOT error = '';
      CREATE INDEX audit_actor ON oauth_auditevent (actor, id DESC) WHERE NOT actor = '';
      -- ASVS 5.0 16.4.2
      CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON oauth_auditevent
        FOR EACH ROW EXECUTE FUNCTION oauth_keep_audit();
      CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON oauth_auditevent
        FOR EACH STATEMENT EXECUTE FUNCTION oauth_keep_audit();
      CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON oauth_auditevent_default
        FOR EACH STATEMENT EXECUTE FUNCTION oauth_keep_audit();
    ELSIF parent = 'oauth_usedproof' THEN
      ALTER TABLE oauth_usedproof_default ADD PRIMARY KEY (proof_digest);
      CREATE INDEX used_proof_default_expiry ON oauth_usedproof_default (expires_at);
    ELSE
      ALTER TABLE oauth_usedassertion_default ADD PRIMARY KEY (assertion_digest);
      CREATE INDEX used_assertion_default_expiry ON oauth_usedassertion_default (expires_at);
    END IF;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I DEFAULT', parent, parent || '_default');
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)', parent, parent || '_first', bound);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', parent || '_first', first);
  END LOOP;
END $$;
