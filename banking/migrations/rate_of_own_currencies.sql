-- Officers who can exchange two currencies themselves can neither request a rate between them nor decide about one.
CREATE OR REPLACE FUNCTION exchange_rate_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.requested_by_id IS NOT NULL AND NEW.status <> 'open' THEN
      RAISE EXCEPTION 'a rate is asked for first'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'rate_starts_open';
    END IF;
  ELSIF OLD.status <> 'open' OR (NEW.id, NEW.base, NEW.counter, NEW.mid, NEW.spread_percent, NEW.valid_from, NEW.reason,
                                 NEW.requested_by_id, NEW.requested_at)
      IS DISTINCT FROM (OLD.id, OLD.base, OLD.counter, OLD.mid, OLD.spread_percent, OLD.valid_from, OLD.reason,
                        OLD.requested_by_id, OLD.requested_at) THEN
    RAISE EXCEPTION 'rate % is fixed', OLD.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'rate_fixed';
  END IF;
  IF 2 = (SELECT count(DISTINCT b.currency) FROM account_access a JOIN bank_account b ON b.id = a.account_id
           WHERE a.user_id = CASE TG_OP WHEN 'INSERT' THEN NEW.requested_by_id ELSE NEW.decided_by_id END
             AND b.currency IN (NEW.base, NEW.counter) AND b.status <> 'closed') THEN
    RAISE EXCEPTION 'somebody with accounts in both currencies cannot ask for this rate or decide about it'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'rate_of_own_money';
  END IF;
  RETURN NEW;
END $$;
