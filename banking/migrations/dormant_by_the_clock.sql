-- The argument is the time since which the account must be unused. For the site's role, it must be at least 30 days ago.
CREATE OR REPLACE FUNCTION mark_dormant(which uuid, unused_since timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  -- The database's clock decides, and an account that was used within a month is in use whatever the site's settings say.
  IF NOT is_owner() THEN
    unused_since := least(unused_since, clock_timestamp() - interval '30 days');
  END IF;
  UPDATE bank_account a SET dormant_since = clock_timestamp()
   WHERE id = which AND kind = 'customer' AND status = 'open' AND dormant_since IS NULL AND opened_at < unused_since
     AND NOT EXISTS (SELECT FROM transfer t WHERE t.source_id = a.id AND t.created_at >= unused_since)
     AND NOT EXISTS (SELECT FROM exchange x JOIN exchange_quote q ON q.id = x.quote_id
                      WHERE q.source_id = a.id AND x.created_at >= unused_since)
     AND NOT EXISTS (SELECT FROM mandate d WHERE d.account_id = a.id AND d.last_at >= unused_since)
     AND NOT EXISTS (SELECT FROM account_act w WHERE w.account_id = a.id AND w.by_user_id IS NOT NULL AND w.at >= unused_since);
  RETURN FOUND;
END $$;
