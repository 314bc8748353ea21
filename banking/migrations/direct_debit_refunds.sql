-- A refund is credited once, by the reversal that it names, and a refund that has ended does not change.
CREATE FUNCTION refund_contradiction(r direct_debit_refund) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT CASE
    WHEN NOT EXISTS (SELECT FROM scheme_message WHERE id = r.collection_id AND kind = 'collect' AND status = 'done') THEN 'nothing was collected'
    WHEN r.transaction_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM ledger_transaction x JOIN scheme_message m ON m.transaction_id = x.reverses_id
       WHERE x.id = r.transaction_id AND m.id = r.collection_id) THEN 'it is not credited'
    WHEN r.contested_by_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM scheme_message m JOIN ledger_entry e ON e.transaction_id = r.contested_by_id AND e.amount_minor = -m.amount_minor
        JOIN bank_account a ON a.id = e.account_id AND a.kind = 'internal' WHERE m.id = r.collection_id) THEN 'it is not in suspense'
  END
$$;

CREATE FUNCTION refund_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.status NOT IN ('claimed', 'refunded') OR TG_OP = 'UPDATE' AND (
      (NEW.id, NEW.collection_id, NEW.reason, NEW.user_id, NEW.client_id, NEW.asked_at)
        IS DISTINCT FROM (OLD.id, OLD.collection_id, OLD.reason, OLD.user_id, OLD.client_id, OLD.asked_at)
      OR (OLD.status, NEW.status) NOT IN (('claimed', 'settled'), ('claimed', 'refused'), ('refunded', 'settled'), ('refunded', 'contested'))
      OR OLD.transaction_id <> NEW.transaction_id) THEN
    RAISE EXCEPTION 'refund % is fixed', NEW.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'refund_fixed';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refund_guard BEFORE INSERT OR UPDATE ON direct_debit_refund FOR EACH ROW EXECUTE FUNCTION refund_guard();
CREATE TRIGGER no_delete BEFORE DELETE ON direct_debit_refund FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON direct_debit_refund FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();

CREATE FUNCTION refund_equals_its_reversal() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE wrong text;
BEGIN
  SELECT refund_contradiction(r) INTO wrong FROM direct_debit_refund r WHERE r.id = NEW.id;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'refund %: %', NEW.id, wrong
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'refund_equals_its_reversal';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER refund_equals_its_reversal AFTER INSERT OR UPDATE ON direct_debit_refund
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refund_equals_its_reversal();

-- An account cannot be closed while a refund may still be credited to it.
CREATE OR REPLACE FUNCTION close_account(which uuid, actor uuid, is_officer boolean, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF is_officer THEN
    PERFORM act_as_outsider(which, actor, why);
  ELSE
    PERFORM act_as_user(actor, why);
    IF NOT EXISTS (SELECT FROM account_access WHERE account_id = which AND user_id = actor AND role = 'owner') THEN
      RETURN false;
    END IF;
  END IF;
  UPDATE bank_account SET status = 'closed', overdraft_minor = 0, dormant_since = NULL
   WHERE id = which AND kind = 'customer' AND status = 'open' AND posted_minor = 0 AND held_minor = 0
     AND NOT EXISTS (SELECT FROM transfer WHERE source_id = which AND status = 'pending')
     AND NOT EXISTS (SELECT FROM account_charge WHERE account_id = which AND status = 'due')
     AND NOT EXISTS (SELECT FROM direct_debit_refund r JOIN scheme_message m ON m.id = r.collection_id
                      WHERE m.account_id = which AND r.status = 'claimed');
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM act_is_over();
  RETURN true;
END $$;

-- Mandates and refunds that have ended are among the records that never change again.
CREATE OR REPLACE FUNCTION final_records() RETURNS TABLE (kind text, key text, content text)
LANGUAGE sql STABLE SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
  SELECT 'product', id::text, jsonb_build_array(
           kind, currency, allows_overdraft, credit_interest_rate, overdraft_interest_rate, monthly_fee_minor)::text
    FROM product
  UNION ALL
  SELECT 'bank_day', day::text, jsonb_build_array(ends_at, opened_at, closed_at, (
           SELECT jsonb_agg(jsonb_build_array(s.name, s.done_at, s.result) ORDER BY s.name)
             FROM bank_day_step s WHERE s.day_id = d.day), (
           SELECT jsonb_agg(jsonb_build_array(l.currency, l."group", l.account_id, l.name, l.accounts, l.debit_minor, l.credit_minor)
                            ORDER BY l.id)
             FROM trial_balance_line l WHERE l.day_id = d.day))::text
    FROM bank_day d WHERE status = 'closed'
  UNION ALL
  SELECT 'settlement_difference', id::text, jsonb_build_array(
           file_id, kind, currency, file_minor, our_minor, reference, account_id, entry_id, status, reason, asked_by_id,
           decided_by_id, decided_at, transaction_id)::text
    FROM settlement_difference WHERE status IN ('moved', 'settled')
  UNION ALL
  SELECT 'account_freeze', id::text, jsonb_build_array(
           account_id, reason, frozen_by_id, frozen_at, unfrozen_by_id, unfrozen_at, unfreeze_reason)::text
    FROM account_freeze WHERE unfrozen_by_id IS NOT NULL
  UNION ALL
  SELECT 'reversal_request', id::text, jsonb_build_array(
           transaction_id, transfer_id, reason, requested_by_id, requested_at, status, decided_by_id, decided_at,
           decision_reason, reversal_id)::text
    FROM reversal_request WHERE status <> 'open'
  UNION ALL
  SELECT 'account_change', id::text, jsonb_build_array(
           account_id, kind, overdraft_minor, user_id, role, reason, requested_by_id, requested_at, status, decided_by_id,
           decided_at, decision_reason)::text
    FROM account_change WHERE status <> 'open'
  UNION ALL
  SELECT 'mandate', id::text, jsonb_build_array(
           account_id, creditor_id, reference, creditor_name, creditor_iban, sequence, status, collected, last_minor,
           last_at, created_at, cancelled_at)::text
    FROM mandate WHERE status <> 'active'
  UNION ALL
  SELECT 'direct_debit_refund', id::text, jsonb_build_array(
           collection_id, reason, status, reason_code, user_id, client_id, transaction_id, contested_by_id, asked_at,
           answered_at)::text
    FROM direct_debit_refund WHERE status NOT IN ('claimed', 'refunded')
$$;
