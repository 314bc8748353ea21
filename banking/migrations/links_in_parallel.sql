-- The number of the last entry that the chain of an account covers. It is a function, because PostgreSQL runs no correlated
-- subquery in parallel.
CREATE FUNCTION linked_up_to(which uuid) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
  SELECT coalesce(max(seq), 0) FROM ledger_digest WHERE account_id = which
$$;

-- The missing links of the chains. PostgreSQL can run the query of RETURN QUERY in several processes, but not one whose
-- rows are inserted.
CREATE FUNCTION missing_links() RETURNS TABLE (account_id uuid, seq bigint, digest bytea)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT a.id, a.last_seq, expected_digest(a.id, a.last_seq)
                 FROM bank_account a WHERE a.last_seq > linked_up_to(a.id);
END $$;

-- Adds the same links and records as the earlier version.
CREATE OR REPLACE FUNCTION extend_digests(OUT run int, OUT links bigint, OUT root bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE records bigint;
BEGIN
  LOCK TABLE ledger_digest IN SHARE ROW EXCLUSIVE MODE;
  run := greatest((SELECT coalesce(max(d.run), 0) FROM ledger_digest d), (SELECT coalesce(max(r.run), 0) FROM record_digest r)) + 1;
  INSERT INTO ledger_digest (account_id, seq, digest, run, at)
    SELECT l.account_id, l.seq, l.digest, extend_digests.run, clock_timestamp() FROM missing_links() l;
  GET DIAGNOSTICS links = ROW_COUNT;
  INSERT INTO record_digest (kind, key, digest, run)
    SELECT f.kind, f.key, digest_of_text(f.content), extend_digests.run FROM final_records() f
     WHERE NOT EXISTS (SELECT FROM record_digest r WHERE (r.kind, r.key) = (f.kind, f.key))
    UNION ALL
    SELECT 'interest', d.day::text, digest_of_text(interest_record(d.day)), extend_digests.run FROM bank_day d
     WHERE d.status = 'closed' AND NOT EXISTS (SELECT FROM record_digest r WHERE (r.kind, r.key) = ('interest', d.day::text))
    UNION ALL
    SELECT 'settlement_file', f.id::text, digest_of_text(settlement_record(f.id)), extend_digests.run FROM settlement_file f
     WHERE NOT EXISTS (SELECT FROM record_digest r WHERE (r.kind, r.key) = ('settlement_file', f.id::text));
  GET DIAGNOSTICS records = ROW_COUNT;
  links := links + records;
  root := digest_of_run(run);
END $$;
