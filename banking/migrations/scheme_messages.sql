-- A payment to another bank can be returned: posted -> returned, once, by a transaction of kind `return` that reverses it.

CREATE OR REPLACE FUNCTION transfer_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.user_id, NEW.source_id, NEW.destination_id, NEW.payee_iban, NEW.payee_name, NEW.amount_minor, NEW.currency, NEW.hold_id)
      IS DISTINCT FROM (OLD.id, OLD.user_id, OLD.source_id, OLD.destination_id, OLD.payee_iban, OLD.payee_name, OLD.amount_minor, OLD.currency, OLD.hold_id) THEN
    RAISE EXCEPTION 'transfer % is fixed', OLD.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'transfer_fixed';
  END IF;
  IF OLD.status <> 'pending'
      AND (NEW.status, NEW.transaction_id, NEW.status_reason, NEW.reason_code, NEW.settled_at, NEW.submitted_at)
          IS DISTINCT FROM (OLD.status, OLD.transaction_id, OLD.status_reason, OLD.reason_code, OLD.settled_at, OLD.submitted_at)
      AND NOT (OLD.status = 'posted' AND NEW.status = 'returned'
               AND (NEW.transaction_id, NEW.settled_at, NEW.submitted_at)
                   IS NOT DISTINCT FROM (OLD.transaction_id, OLD.settled_at, OLD.submitted_at)) THEN
    RAISE EXCEPTION 'transfer % is final', OLD.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'transfer_final';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION transfer_contradiction(t transfer) RETURNS text LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE booked record;
BEGIN
  IF t.status IN ('posted', 'returned') THEN
    -- One query for the usual case: this runs at COMMIT, while both accounts are locked.
    SELECT coalesce(bool_or(e.account_id = t.source_id AND e.amount_minor = -t.amount_minor AND e.currency = t.currency), false) AS takes,
           coalesce(bool_or(e.account_id = t.destination_id AND e.amount_minor = t.amount_minor), false) AS gives,
           EXISTS (SELECT FROM ledger_transaction WHERE id = t.transaction_id AND reverses_id IS NOT NULL) AS reverses
      INTO booked FROM ledger_entry e WHERE e.transaction_id = t.transaction_id;
    IF NOT booked.takes THEN
      RETURN 'its transaction does not take the amount from its source';
    ELSIF t.destination_id IS NOT NULL AND NOT booked.gives THEN
      RETURN 'its transaction does not give the amount to its destination';
    ELSIF t.destination_id IS NULL AND EXISTS (
      SELECT FROM ledger_entry e JOIN bank_account a ON a.id = e.account_id
       WHERE e.transaction_id = t.transaction_id AND a.kind = 'customer' AND e.account_id <> t.source_id) THEN
      RETURN 'its transaction pays an account of this bank';
    ELSIF booked.reverses THEN
      RETURN 'its transaction is a reversal';
    ELSIF t.status = 'returned' AND (t.destination_id IS NOT NULL OR NOT EXISTS (
      SELECT FROM ledger_transaction WHERE reverses_id = t.transaction_id AND kind = 'return')) THEN
      RETURN 'nothing came back';
    END IF;
  ELSIF t.status IN ('cancelled', 'expired') AND t.hold_id IS NULL THEN
    RETURN 'it was never pending';
  END IF;
  IF t.hold_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM hold h WHERE h.id = t.hold_id AND h.account_id = t.source_id AND h.amount_minor = t.amount_minor
         AND CASE WHEN t.status = 'pending' THEN h.status = 'pending'
                  WHEN t.status IN ('posted', 'returned') THEN h.status = 'captured' AND h.captured_by_id = t.transaction_id
                  ELSE h.status IN ('released', 'expired') END) THEN
    RETURN 'its hold is not as its status says';
  END IF;
  RETURN NULL;
END $$;

-- Why a message of the payment scheme contradicts its booking; NULL if it does not.
CREATE FUNCTION scheme_message_contradiction(m scheme_message) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT CASE
    WHEN m.kind = 'payment' AND NOT EXISTS (
      SELECT FROM ledger_entry e JOIN bank_account a ON a.id = e.account_id
       WHERE e.transaction_id = m.transaction_id AND e.amount_minor = m.amount_minor AND e.currency = m.currency
         AND CASE WHEN m.account_id IS NULL THEN a.kind = 'internal' ELSE a.id = m.account_id END) THEN 'it is not credited'
    WHEN m.status = 'given_back' AND NOT EXISTS (
      SELECT FROM ledger_transaction WHERE id = m.given_back_by_id AND reverses_id = m.transaction_id) THEN 'it was not given back'
    WHEN m.kind <> 'payment' AND m.account_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM transfer t JOIN ledger_transaction r ON r.reverses_id = t.transaction_id
       WHERE t.id = m.transfer_id AND t.status = 'returned' AND r.id = m.transaction_id) THEN 'its transfer did not come back'
  END
$$;

CREATE FUNCTION scheme_message_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE after scheme_message := NEW;
BEGIN
  after.status := OLD.status;
  after.given_back_by_id := OLD.given_back_by_id;
  IF after IS DISTINCT FROM OLD OR OLD.status <> 'to_return' OR NEW.status NOT IN ('given_back', 'suspense') THEN
    RAISE EXCEPTION 'message % is fixed', OLD.message_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'scheme_message_fixed';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER scheme_message_guard BEFORE UPDATE ON scheme_message FOR EACH ROW EXECUTE FUNCTION scheme_message_guard();
CREATE TRIGGER no_delete BEFORE DELETE ON scheme_message FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON scheme_message FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();

CREATE FUNCTION scheme_message_is_booked() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE wrong text;
BEGIN
  SELECT scheme_message_contradiction(m) INTO wrong FROM scheme_message m WHERE m.id = NEW.id;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'message %: %', NEW.message_id, wrong
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'scheme_message_is_booked';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER scheme_message_is_booked AFTER INSERT OR UPDATE ON scheme_message
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION scheme_message_is_booked();
