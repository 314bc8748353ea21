-- The creditor and the account of a mandate never change, and a mandate that has ended does not change. The time of a
-- cancellation is from the database's clock, like the times of entries.
CREATE FUNCTION mandate_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.account_id, NEW.creditor_id, NEW.reference, NEW.creditor_name, NEW.creditor_iban, NEW.sequence, NEW.created_at)
      IS DISTINCT FROM (OLD.id, OLD.account_id, OLD.creditor_id, OLD.reference, OLD.creditor_name, OLD.creditor_iban, OLD.sequence, OLD.created_at)
      OR OLD.status <> 'active' THEN
    RAISE EXCEPTION 'mandate % is fixed', OLD.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'mandate_fixed';
  END IF;
  IF NEW.status = 'cancelled' THEN
    NEW.cancelled_at := clock_timestamp();
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER mandate_guard BEFORE UPDATE ON mandate FOR EACH ROW EXECUTE FUNCTION mandate_guard();
CREATE TRIGGER no_delete BEFORE DELETE ON mandate FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON mandate FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();

CREATE OR REPLACE FUNCTION scheme_message_contradiction(m scheme_message) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT CASE
    WHEN m.kind = 'payment' AND NOT EXISTS (
      SELECT FROM ledger_entry e JOIN bank_account a ON a.id = e.account_id
       WHERE e.transaction_id = m.transaction_id AND e.amount_minor = m.amount_minor AND e.currency = m.currency
         AND CASE WHEN m.account_id IS NULL THEN a.kind = 'internal' ELSE a.id = m.account_id END) THEN 'it is not credited'
    WHEN m.status = 'given_back' AND NOT EXISTS (
      SELECT FROM ledger_transaction WHERE id = m.given_back_by_id AND reverses_id = m.transaction_id) THEN 'it was not given back'
    WHEN m.kind IN ('answer', 'return') AND m.account_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM transfer t JOIN ledger_transaction r ON r.reverses_id = t.transaction_id
       WHERE t.id = m.transfer_id AND t.status = 'returned' AND r.id = m.transaction_id) THEN 'its transfer did not come back'
    WHEN m.kind = 'collect' AND m.status = 'done' AND NOT EXISTS (
      SELECT FROM ledger_entry e JOIN mandate d ON d.id = m.mandate_id AND d.account_id = e.account_id
       WHERE e.transaction_id = m.transaction_id AND e.amount_minor = -m.amount_minor AND e.currency = m.currency
         AND e.account_id = m.account_id) THEN 'its account is not debited'
    WHEN m.kind = 'collect' AND m.status = 'done' AND EXISTS (
      SELECT FROM mandate d JOIN ledger_entry e ON e.transaction_id = m.transaction_id AND e.account_id = d.account_id
       WHERE d.id = m.mandate_id AND d.cancelled_at < e.booked_at) THEN 'its mandate had been cancelled'
    WHEN m.kind = 'collect' AND m.status = 'done' AND EXISTS (
      SELECT FROM scheme_message o JOIN mandate d ON d.id = o.mandate_id AND d.sequence = 'one_off'
       WHERE o.mandate_id = m.mandate_id AND o.status = 'done' AND o.id <> m.id) THEN 'its mandate was for one collection'
    WHEN m.kind = 'collect' AND m.status <> 'done' AND m.transaction_id IS NOT NULL THEN 'it was refused and debited'
  END
$$;

-- Why a mandate contradicts the messages about its collections; NULL if it does not.
CREATE FUNCTION mandate_contradiction(d mandate) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT CASE
    WHEN d.collected <> (SELECT count(*) FROM scheme_message WHERE mandate_id = d.id AND status = 'done') THEN 'it was collected more or less often'
    WHEN d.last_minor IS DISTINCT FROM (
      SELECT m.amount_minor FROM scheme_message m
        JOIN ledger_entry e ON e.transaction_id = m.transaction_id AND e.account_id = d.account_id
       WHERE m.mandate_id = d.id AND m.status = 'done' ORDER BY e.account_seq DESC LIMIT 1) THEN 'another amount was collected last'
  END
$$;
CREATE FUNCTION mandate_equals_its_collections() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE wrong text;
BEGIN
  SELECT mandate_contradiction(d) INTO wrong FROM mandate d WHERE d.id = (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'mandate: %', wrong
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'mandate_equals_its_collections';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER mandate_equals_its_collections AFTER INSERT OR UPDATE ON mandate
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION mandate_equals_its_collections('id');
CREATE CONSTRAINT TRIGGER mandate_equals_its_collections AFTER INSERT OR UPDATE ON scheme_message
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.mandate_id IS NOT NULL) EXECUTE FUNCTION mandate_equals_its_collections('mandate_id');

-- A collection counts as use of the account.
CREATE OR REPLACE FUNCTION mark_dormant(which uuid, unused_since timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE bank_account a SET dormant_since = clock_timestamp()
   WHERE id = which AND kind = 'customer' AND status = 'open' AND dormant_since IS NULL AND opened_at < unused_since
     AND NOT EXISTS (SELECT FROM transfer t WHERE t.source_id = a.id AND t.created_at >= unused_since)
     AND NOT EXISTS (SELECT FROM mandate d WHERE d.account_id = a.id AND d.last_at >= unused_since)
     AND NOT EXISTS (SELECT FROM account_act w WHERE w.account_id = a.id AND w.by_user_id IS NOT NULL AND w.at >= unused_since);
  RETURN FOUND;
END $$;
