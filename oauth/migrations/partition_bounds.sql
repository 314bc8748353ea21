-- Each table becomes the first partition, up to these bounds. With the constraints, attaching it needs no scan.
-- Until these bounds, all digests must be unique in one table, for the previous release, which has no partitions.
DO $$
DECLARE
  soon timestamptz := date_trunc('day', now() AT TIME ZONE 'UTC' + interval '15 days') AT TIME ZONE 'UTC';
  month timestamptz := date_trunc('month', now() AT TIME ZONE 'UTC' + interval '2 months') AT TIME ZONE 'UTC';
BEGIN
  IF (SELECT relkind = 'p' FROM pg_class WHERE oid = 'oauth_auditevent'::regclass) THEN RETURN; END IF;
  EXECUTE format('ALTER TABLE oauth_usedproof DROP CONSTRAINT IF EXISTS used_proof_first,
    ADD CONSTRAINT used_proof_first CHECK (expires_at < %L) NOT VALID', soon);
  EXECUTE format('ALTER TABLE oauth_usedassertion DROP CONSTRAINT IF EXISTS used_assertion_first,
    ADD CONSTRAINT used_assertion_first CHECK (expires_at < %L) NOT VALID', soon);
  EXECUTE format('ALTER TABLE oauth_auditevent DROP CONSTRAINT IF EXISTS audit_first,
    ADD CONSTRAINT audit_first CHECK (id < %L::uuid) NOT VALID', oauth_first_id_at(month));
END $$;
