-- Raises an error, which rolls back a payment in one statement, unless the transfer was made and the site has nothing more
-- to write in the same transaction. A payment to another bank needs a job, and so do a notice and each delivery to a
-- webhook.
CREATE FUNCTION or_undone(outcome text, is_notified boolean, destination uuid, deliveries text[]) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF outcome <> 'made' OR is_notified OR destination IS NULL OR deliveries IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'BK001', MESSAGE = CASE WHEN deliveries IS NOT NULL THEN 'deliveries' ELSE outcome END;
  END IF;
  RETURN true;
END $$;
