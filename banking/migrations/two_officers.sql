-- Two officers reverse a transaction, or take the held money of a transfer for which the other bank was paid.
CREATE OR REPLACE FUNCTION reversal_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'open' THEN
      RAISE EXCEPTION 'a reversal is asked for first'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'reversal_starts_open';
    END IF;
  ELSIF OLD.status <> 'open' OR (NEW.id, NEW.transaction_id, NEW.transfer_id, NEW.reason, NEW.requested_by_id, NEW.requested_at)
      IS DISTINCT FROM (OLD.id, OLD.transaction_id, OLD.transfer_id, OLD.reason, OLD.requested_by_id, OLD.requested_at) THEN
    RAISE EXCEPTION 'reversal request % is fixed', OLD.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'reversal_fixed';
  ELSIF NEW.status = 'approved' AND NEW.transaction_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM ledger_transaction WHERE id = NEW.reversal_id AND reverses_id = NEW.transaction_id) THEN
    RAISE EXCEPTION 'transaction % does not reverse %', NEW.reversal_id, NEW.transaction_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'reversal_of_another';
  END IF;
  IF EXISTS (
      SELECT FROM account_access a
       WHERE a.user_id = CASE TG_OP WHEN 'INSERT' THEN NEW.requested_by_id ELSE NEW.decided_by_id END
         AND a.account_id IN (
           SELECT account_id FROM ledger_entry WHERE transaction_id = NEW.transaction_id
           UNION ALL
           SELECT unnest(ARRAY[source_id, destination_id]) FROM transfer WHERE id = NEW.transfer_id)) THEN
    RAISE EXCEPTION 'somebody with access to a touched account cannot ask for this reversal or decide about it'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'reversal_of_own_money';
  END IF;
  RETURN NEW;
END $$;

-- A frozen account is debited only by a transaction that two officers approved. The approval must be
-- stored before the entry.
CREATE OR REPLACE FUNCTION entry_apply() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM ledger_seal WHERE transaction_id = NEW.transaction_id) THEN
    RAISE EXCEPTION 'transaction % is sealed', NEW.transaction_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'entry_after_seal';
  END IF;
  UPDATE bank_account SET posted_minor = posted_minor + NEW.amount_minor, last_seq = last_seq + 1
   WHERE id = NEW.account_id
     AND (status = 'open' OR (status = 'frozen' AND (NEW.amount_minor > 0 OR EXISTS (
           SELECT FROM reversal_request WHERE reversal_id = NEW.transaction_id AND status = 'approved'))))
   RETURNING last_seq, posted_minor INTO NEW.account_seq, NEW.balance_after_minor;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'account not open' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'account_not_open';
  END IF;
  RETURN NEW;
END $$;
