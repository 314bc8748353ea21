-- A closed day is final. Days are never deleted, and their trial balances never change.
CREATE FUNCTION bank_day_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF OLD.status = 'closed' OR (NEW.day, NEW.ends_at, NEW.opened_at) IS DISTINCT FROM (OLD.day, OLD.ends_at, OLD.opened_at)
     OR (OLD.status = 'closing' AND NEW.status = 'open') THEN
    RAISE EXCEPTION 'bank day % is fixed', OLD.day
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bank_day_fixed';
  END IF;
  IF NEW.status = 'closed' AND EXISTS (SELECT FROM bank_day_step WHERE day_id = NEW.day AND done_at IS NULL) THEN
    RAISE EXCEPTION 'a step of bank day % is not done', OLD.day
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bank_day_steps';
  END IF;
  IF NEW.status = 'closed' AND EXISTS (SELECT FROM bank_day WHERE day < NEW.day AND status <> 'closed') THEN
    RAISE EXCEPTION 'a day before % is not closed', OLD.day
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bank_day_order';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER bank_day_guard BEFORE UPDATE ON bank_day FOR EACH ROW EXECUTE FUNCTION bank_day_guard();
CREATE TRIGGER no_delete BEFORE DELETE ON bank_day FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON bank_day FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON trial_balance_line FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON trial_balance_line FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();

CREATE FUNCTION day_step_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF OLD.done_at IS NOT NULL THEN
    RAISE EXCEPTION 'step % of bank day % is done', OLD.name, OLD.day_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'day_step_done';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER day_step_guard BEFORE UPDATE ON bank_day_step FOR EACH ROW EXECUTE FUNCTION day_step_guard();
CREATE TRIGGER no_delete BEFORE DELETE ON bank_day_step FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON bank_day_step FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();

-- The interest of a day never changes. A charge is posted once, by a transaction that credits or debits its amount, and then
-- never changes.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON interest_accrual FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON interest_accrual FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
CREATE FUNCTION charge_contradiction(c account_charge) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT 'its transaction does not move its amount' WHERE c.status = 'posted' AND NOT EXISTS (
    SELECT FROM ledger_entry WHERE transaction_id = c.transaction_id AND account_id = c.account_id AND amount_minor = c.amount_minor)
$$;
CREATE FUNCTION charge_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE wrong text;
BEGIN
  IF TG_OP = 'UPDATE' AND (OLD.status <> 'due'
     OR (NEW.id, NEW.account_id, NEW.month, NEW.kind, NEW.amount_minor, NEW.carried_units, NEW.made_at)
        IS DISTINCT FROM (OLD.id, OLD.account_id, OLD.month, OLD.kind, OLD.amount_minor, OLD.carried_units, OLD.made_at)) THEN
    RAISE EXCEPTION 'charge % is fixed', OLD.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_fixed';
  END IF;
  wrong := charge_contradiction(NEW);
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'charge %: %', NEW.id, wrong
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_equals_its_entry';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER charge_guard BEFORE INSERT OR UPDATE ON account_charge FOR EACH ROW EXECUTE FUNCTION charge_guard();
CREATE TRIGGER no_delete BEFORE DELETE ON account_charge FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON account_charge FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
