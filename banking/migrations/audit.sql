-- The digest that a link of the chain must have. It is one function, so that PostgreSQL's parallel workers can share the
-- work.
CREATE FUNCTION expected_digest(which uuid, up_to bigint) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE COST 10000 SET search_path = public, pg_temp AS $$
  SELECT entries_digest(which, coalesce(b.seq, 0), up_to, b.digest)
    FROM (SELECT) one
    LEFT JOIN LATERAL (SELECT d.seq, d.digest FROM ledger_digest d
                        WHERE d.account_id = which AND d.seq < up_to ORDER BY d.seq DESC LIMIT 1) b ON true
$$;
ALTER FUNCTION transfer_contradiction(transfer) PARALLEL SAFE COST 1000;
ALTER FUNCTION scheme_message_contradiction(scheme_message) PARALLEL SAFE COST 1000;
ALTER FUNCTION hold_contradiction(hold) PARALLEL SAFE COST 1000;
ALTER FUNCTION reversal_contradiction(uuid, uuid) PARALLEL SAFE COST 1000;
