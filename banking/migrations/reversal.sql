-- Requests and decisions never change. An approval must name the transaction that reverses the other one.
CREATE FUNCTION reversal_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'open' THEN
      RAISE EXCEPTION 'a reversal is asked for first'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'reversal_starts_open';
    END IF;
  ELSIF OLD.status <> 'open' OR (NEW.id, NEW.transaction_id, NEW.reason, NEW.requested_by_id, NEW.requested_at)
      IS DISTINCT FROM (OLD.id, OLD.transaction_id, OLD.reason, OLD.requested_by_id, OLD.requested_at) THEN
    RAISE EXCEPTION 'reversal request % is fixed', OLD.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'reversal_fixed';
  ELSIF NEW.status = 'approved' AND NOT EXISTS (
      SELECT FROM ledger_transaction WHERE id = NEW.reversal_id AND reverses_id = NEW.transaction_id) THEN
    RAISE EXCEPTION 'transaction % does not reverse %', NEW.reversal_id, NEW.transaction_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'reversal_of_another';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER reversal_guard BEFORE INSERT OR UPDATE ON reversal_request FOR EACH ROW EXECUTE FUNCTION reversal_guard();
CREATE TRIGGER no_delete BEFORE DELETE ON reversal_request FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON reversal_request FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
