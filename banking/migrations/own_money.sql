-- Staff must not act on their own money: not on an account to which they have access, in any role.
CREATE OR REPLACE FUNCTION reversal_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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
  IF EXISTS (
      SELECT FROM ledger_entry e JOIN account_access a ON a.account_id = e.account_id
       WHERE e.transaction_id = NEW.transaction_id
         AND a.user_id = CASE TG_OP WHEN 'INSERT' THEN NEW.requested_by_id ELSE NEW.decided_by_id END) THEN
    RAISE EXCEPTION 'somebody with access to a touched account cannot ask for this reversal or decide about it'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'reversal_of_own_money';
  END IF;
  RETURN NEW;
END $$;

-- Only an officer without access to the account may unfreeze it. A check constraint requires another officer than the one who
-- froze it.
CREATE FUNCTION freeze_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.unfrozen_by_id IS NOT NULL THEN
      RAISE EXCEPTION 'an account is frozen first'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'freeze_starts_open';
    END IF;
  ELSIF OLD.unfrozen_by_id IS NOT NULL OR (NEW.id, NEW.account_id, NEW.reason, NEW.frozen_by_id, NEW.frozen_at)
      IS DISTINCT FROM (OLD.id, OLD.account_id, OLD.reason, OLD.frozen_by_id, OLD.frozen_at) THEN
    RAISE EXCEPTION 'freeze % is fixed', OLD.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'freeze_fixed';
  ELSIF EXISTS (SELECT FROM account_access WHERE account_id = NEW.account_id AND user_id = NEW.unfrozen_by_id) THEN
    RAISE EXCEPTION 'somebody with access to account % cannot unfreeze it', NEW.account_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'unfreezing_own_account';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER freeze_guard BEFORE INSERT OR UPDATE ON account_freeze FOR EACH ROW EXECUTE FUNCTION freeze_guard();
CREATE TRIGGER no_delete BEFORE DELETE ON account_freeze FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON account_freeze FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
