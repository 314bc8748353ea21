-- Functions that run with the owner's rights are for the ledger's own triggers only. A role that may EXECUTE one could
-- attach it to a temporary table of its own, and move balances by inserting there.
REVOKE ALL ON FUNCTION entry_apply(), hold_apply(), access_of_owner() FROM PUBLIC;

-- If a key were deleted too early, a request could be carried out twice, so the site's role has no right to DELETE from
-- this table. Through this function, it can delete only keys that are older than seven days.
CREATE FUNCTION purge_idempotency_records(most int) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH old AS (
    SELECT client_id, user_id, operation, key FROM idempotency_record WHERE created_at < now() - interval '7 days'
     ORDER BY created_at LIMIT most FOR UPDATE SKIP LOCKED
  ), gone AS (
    DELETE FROM idempotency_record r USING old o
     WHERE (r.client_id, r.user_id, r.operation, r.key) = (o.client_id, o.user_id, o.operation, o.key) RETURNING 1
  ) SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION purge_idempotency_records(int) FROM PUBLIC;
