-- The contents of a settlement file never change. A difference changes only by the decisions of officers, or if a later
-- file settles it; officers can move exactly its amount.
CREATE FUNCTION difference_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.file_id, NEW.kind, NEW.currency, NEW.file_minor, NEW.our_minor, NEW.reference, NEW.account_id, NEW.entry_id)
      IS DISTINCT FROM (OLD.id, OLD.file_id, OLD.kind, OLD.currency, OLD.file_minor, OLD.our_minor, OLD.reference, OLD.account_id, OLD.entry_id)
     OR OLD.status IN ('moved', 'settled')
     OR (OLD.status = 'open' AND NEW.status NOT IN ('asked', 'settled'))
     OR (OLD.status = 'asked' AND (NEW.status NOT IN ('open', 'moved') OR (NEW.status = 'moved' AND NEW.asked_by_id <> OLD.asked_by_id))) THEN
    RAISE EXCEPTION 'difference % is fixed', OLD.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'difference_fixed';
  END IF;
  IF NEW.status = 'moved' AND NOT EXISTS (
      SELECT FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id
       WHERE t.id = NEW.transaction_id AND t.kind = 'reconciliation' AND e.account_id = NEW.account_id
         AND e.amount_minor = coalesce(NEW.our_minor, 0) - coalesce(NEW.file_minor, 0)) THEN
    RAISE EXCEPTION 'transaction % does not move difference %', NEW.transaction_id, NEW.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'difference_equals_its_entry';
  END IF;
  IF EXISTS (
      SELECT FROM ledger_entry o JOIN ledger_entry e ON e.transaction_id = o.transaction_id
        JOIN account_access a ON a.account_id = e.account_id
       WHERE o.id = NEW.entry_id AND a.user_id IN (NEW.asked_by_id, NEW.decided_by_id)) THEN
    RAISE EXCEPTION 'somebody with access to a touched account cannot decide about this difference'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'difference_of_own_money';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER difference_guard BEFORE UPDATE ON settlement_difference FOR EACH ROW EXECUTE FUNCTION difference_guard();
CREATE TRIGGER no_delete BEFORE DELETE ON settlement_difference FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON settlement_difference FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON settlement_match FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON settlement_match FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_delete BEFORE DELETE ON settlement_file FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON settlement_file FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
