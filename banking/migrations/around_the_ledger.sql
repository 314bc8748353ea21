-- At COMMIT, transfers, holds and reversals must agree with the entries. Every change of an account's state or access is
-- recorded.

-- The accounts, the payee and the amount of a transfer never change, and a transfer that has ended does not change.
CREATE FUNCTION transfer_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.user_id, NEW.source_id, NEW.destination_id, NEW.payee_iban, NEW.payee_name, NEW.amount_minor, NEW.currency, NEW.hold_id)
      IS DISTINCT FROM (OLD.id, OLD.user_id, OLD.source_id, OLD.destination_id, OLD.payee_iban, OLD.payee_name, OLD.amount_minor, OLD.currency, OLD.hold_id) THEN
    RAISE EXCEPTION 'transfer % is fixed', OLD.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'transfer_fixed';
  END IF;
  IF OLD.status <> 'pending' AND (NEW.status, NEW.transaction_id, NEW.status_reason, NEW.settled_at, NEW.submitted_at)
      IS DISTINCT FROM (OLD.status, OLD.transaction_id, OLD.status_reason, OLD.settled_at, OLD.submitted_at) THEN
    RAISE EXCEPTION 'transfer % is final', OLD.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'transfer_final';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER transfer_guard BEFORE UPDATE ON transfer FOR EACH ROW EXECUTE FUNCTION transfer_guard();

-- Why a transfer contradicts the ledger or its hold; NULL if it does not.
CREATE FUNCTION transfer_contradiction(t transfer) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT CASE
    WHEN t.status = 'posted' AND NOT EXISTS (
      SELECT FROM ledger_entry WHERE transaction_id = t.transaction_id AND account_id = t.source_id
         AND amount_minor = -t.amount_minor AND currency = t.currency) THEN 'its transaction does not take the amount from its source'
    WHEN t.status = 'posted' AND t.destination_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM ledger_entry WHERE transaction_id = t.transaction_id AND account_id = t.destination_id
         AND amount_minor = t.amount_minor) THEN 'its transaction does not give the amount to its destination'
    WHEN t.status = 'posted' AND t.destination_id IS NULL AND EXISTS (
      SELECT FROM ledger_entry e JOIN bank_account a ON a.id = e.account_id
       WHERE e.transaction_id = t.transaction_id AND a.kind = 'customer' AND e.account_id <> t.source_id)
      THEN 'its transaction pays an account of this bank'
    WHEN t.status = 'posted' AND EXISTS (
      SELECT FROM ledger_transaction WHERE id = t.transaction_id AND reverses_id IS NOT NULL) THEN 'its transaction is a reversal'
    WHEN t.status IN ('cancelled', 'expired') AND t.hold_id IS NULL THEN 'it was never pending'
    WHEN t.hold_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM hold h WHERE h.id = t.hold_id AND h.account_id = t.source_id AND h.amount_minor = t.amount_minor
         AND CASE t.status WHEN 'pending' THEN h.status = 'pending'
                           WHEN 'posted' THEN h.status = 'captured' AND h.captured_by_id = t.transaction_id
                           ELSE h.status IN ('released', 'expired') END) THEN 'its hold is not as its status says'
  END
$$;

-- Why a captured hold contradicts its transaction; NULL if it does not.
CREATE FUNCTION hold_contradiction(h hold) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT 'its transaction does not debit the account' WHERE h.status = 'captured' AND NOT EXISTS (
    SELECT FROM ledger_entry WHERE transaction_id = h.captured_by_id AND account_id = h.account_id
       AND amount_minor < 0 AND amount_minor >= -h.amount_minor)
$$;

-- Why one transaction does not reverse the other; NULL if it does. Suspense may replace the bank's own accounts of the
-- original.
CREATE FUNCTION reversal_contradiction(undoing uuid, undone uuid) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT CASE
    WHEN EXISTS (SELECT FROM ledger_transaction WHERE id = undone AND reverses_id IS NOT NULL) THEN 'it reverses a reversal'
    WHEN EXISTS (
      SELECT account_id, sum(amount_minor) FROM ledger_entry e JOIN bank_account a ON a.id = e.account_id
       WHERE e.transaction_id IN (undoing, undone) AND a.kind = 'customer'
       GROUP BY account_id HAVING sum(amount_minor) <> 0)
      OR EXISTS (
      SELECT FROM ledger_entry e JOIN bank_account a ON a.id = e.account_id
       WHERE e.transaction_id = undoing AND a.kind = 'internal' AND a.name <> 'Suspense'
         AND NOT EXISTS (SELECT FROM ledger_entry o WHERE o.transaction_id = undone AND o.account_id = e.account_id
                            AND o.amount_minor = -e.amount_minor)) THEN 'it is not the opposite'
  END
$$;

CREATE FUNCTION transfer_equals_its_entries() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE wrong text;
BEGIN
  SELECT transfer_contradiction(t) INTO wrong FROM transfer t WHERE t.id = NEW.id;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'transfer %: %', NEW.id, wrong
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'transfer_equals_its_entries';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER transfer_equals_its_entries AFTER INSERT OR UPDATE ON transfer
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION transfer_equals_its_entries();

CREATE FUNCTION hold_equals_its_capture() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE wrong text;
BEGIN
  SELECT coalesce(hold_contradiction(h), (SELECT transfer_contradiction(t) FROM transfer t WHERE t.hold_id = h.id))
    INTO wrong FROM hold h WHERE h.id = NEW.id;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'hold %: %', NEW.id, wrong
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'hold_equals_its_capture';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER hold_equals_its_capture AFTER UPDATE ON hold
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold_equals_its_capture();

CREATE OR REPLACE FUNCTION seal_check() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE total numeric; n int; undone uuid; wrong text;
BEGIN
  SELECT coalesce(sum(amount_minor), 1), count(*), (SELECT reverses_id FROM ledger_transaction WHERE id = NEW.transaction_id)
    INTO total, n, undone FROM ledger_entry WHERE transaction_id = NEW.transaction_id;
  IF total <> 0 OR n < 2 THEN
    RAISE EXCEPTION 'unbalanced: sum %, entries %', total, n
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'sum_zero';
  END IF;
  IF undone IS NOT NULL THEN
    wrong := reversal_contradiction(NEW.transaction_id, undone);
    IF wrong IS NOT NULL THEN
      RAISE EXCEPTION 'transaction %: %', NEW.transaction_id, wrong
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'reversal_is_the_opposite';
    END IF;
  END IF;
  NEW.entries := n;
  RETURN NEW;
END $$;

-- Records who changed the state of an account or the access to it. The functions below name the officer; changes that the
-- owner of the tables makes without these functions are recorded as well.
CREATE FUNCTION write_account_act() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE officer uuid := nullif(current_setting('bank.officer', true), '')::uuid;
        why text := coalesce(current_setting('bank.reason', true), '');
BEGIN
  IF TG_TABLE_NAME = 'bank_account' THEN
    IF TG_OP = 'INSERT' AND (NEW.status, NEW.overdraft_minor) = ('open', 0) THEN
      RETURN NULL;
    END IF;
    INSERT INTO account_act (account_id, status, overdraft_minor, role, officer_id, reason, database_user, at)
      VALUES (NEW.id, NEW.status, NEW.overdraft_minor, '', officer, why, session_user, clock_timestamp());
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO account_act (account_id, status, user_id, role, officer_id, reason, database_user, at)
      VALUES (OLD.account_id, '', OLD.user_id, '', officer, why, session_user, clock_timestamp());
  ELSE
    INSERT INTO account_act (account_id, status, user_id, role, officer_id, reason, database_user, at)
      VALUES (NEW.account_id, '', NEW.user_id, NEW.role, officer, why, session_user, clock_timestamp());
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION write_account_act() FROM PUBLIC;
CREATE TRIGGER write_account_act AFTER INSERT OR UPDATE OF status, overdraft_minor ON bank_account
  FOR EACH ROW EXECUTE FUNCTION write_account_act();
CREATE TRIGGER write_account_act AFTER INSERT OR DELETE OR UPDATE ON account_access
  FOR EACH ROW EXECUTE FUNCTION write_account_act();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON account_act FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON account_act FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();

-- The site's role cannot create an account with an overdraft, or in a state other than open.
CREATE OR REPLACE FUNCTION opening_is_zero() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.posted_minor, NEW.held_minor, NEW.last_seq) <> (0, 0, 0)
     OR ((NEW.status, NEW.overdraft_minor) <> ('open', 0) AND NOT is_owner()) THEN
    RAISE EXCEPTION 'accounts open at zero' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'opening_is_zero';
  END IF;
  RETURN NEW;
END $$;

-- The acts of staff. The site's role may call them and may not write the columns itself.
CREATE FUNCTION act_as(officer uuid, why text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM {users} WHERE id = officer AND is_active AND is_staff) OR why = '' THEN
    RAISE EXCEPTION '% is no officer, or gives no reason', officer
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'act_of_an_officer';
  END IF;
  PERFORM set_config('bank.officer', officer::text, true), set_config('bank.reason', why, true);
END $$;
REVOKE ALL ON FUNCTION act_as(uuid, text) FROM PUBLIC;

CREATE FUNCTION freeze_account(which uuid, row_id uuid, officer uuid, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM act_as(officer, why);
  UPDATE bank_account SET status = 'frozen' WHERE id = which AND kind = 'customer' AND status = 'open';
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO account_freeze (id, account_id, reason, frozen_by_id, frozen_at, unfreeze_reason)
    VALUES (row_id, which, why, officer, clock_timestamp(), '');
  PERFORM set_config('bank.officer', '', true), set_config('bank.reason', '', true);
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION freeze_account(uuid, uuid, uuid, text) FROM PUBLIC;

CREATE FUNCTION unfreeze_account(which uuid, officer uuid, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM act_as(officer, why);
  IF EXISTS (SELECT FROM account_access WHERE account_id = which AND user_id = officer) THEN
    RAISE EXCEPTION 'somebody with access to account % cannot unfreeze it', which
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'unfreezing_own_account';
  END IF;
  UPDATE bank_account SET status = 'open' WHERE id = which AND status = 'frozen';
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE account_freeze SET unfrozen_by_id = officer, unfrozen_at = clock_timestamp(), unfreeze_reason = why
   WHERE account_id = which AND unfrozen_by_id IS NULL;
  PERFORM set_config('bank.officer', '', true), set_config('bank.reason', '', true);
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION unfreeze_account(uuid, uuid, text) FROM PUBLIC;

-- A chain of digests per account: each covers the entries since the previous digest, with their transactions and transfers.
-- The arrays have the same text as json and as jsonb, and json is faster.
CREATE FUNCTION entries_digest(which uuid, after bigint, up_to bigint, before bytea) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
  SELECT sha256(coalesce(before, '') || convert_to(coalesce(string_agg(json_build_array(
           e.transaction_id, e.currency, e.amount_minor, e.account_seq, e.balance_after_minor, e.counterparty_name,
           e.counterparty_iban, e.booked_at, e.value_date, t.kind, t.description, t.created_at, t.reverses_id,
           x.id, x.user_id, x.client_id, x.idempotency_key, x.source_id, x.destination_id, x.payee_name, x.payee_iban,
           x.amount_minor, x.reference, x.end_to_end_id, x.created_at, x.settled_at)::text, E'\n' ORDER BY e.account_seq), ''), 'UTF8'))
    FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id LEFT JOIN transfer x ON x.transaction_id = t.id
   WHERE e.account_id = which AND e.account_seq > after AND e.account_seq <= up_to
$$;

-- Extends the chain of each account that has new entries. Returns the number of the run, how many links it added,
-- and their digest.
CREATE FUNCTION extend_digests(OUT run int, OUT links bigint, OUT root bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  LOCK TABLE ledger_digest IN SHARE ROW EXCLUSIVE MODE;
  SELECT coalesce(max(d.run), 0) + 1 INTO run FROM ledger_digest d;
  INSERT INTO ledger_digest (account_id, seq, digest, run, at)
    SELECT a.id, a.last_seq, entries_digest(a.id, coalesce(l.seq, 0), a.last_seq, l.digest), extend_digests.run, clock_timestamp()
      FROM bank_account a
      LEFT JOIN LATERAL (SELECT d.seq, d.digest FROM ledger_digest d WHERE d.account_id = a.id ORDER BY d.seq DESC LIMIT 1) l ON true
     WHERE a.last_seq > coalesce(l.seq, 0);
  GET DIAGNOSTICS links = ROW_COUNT;
  root := digest_of_run(run);
END $$;
CREATE FUNCTION digest_of_run(which int) RETURNS bytea LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT sha256(convert_to(coalesce(string_agg(concat_ws(' ', account_id, seq, encode(digest, 'hex')), E'\n' ORDER BY account_id, seq), ''), 'UTF8'))
    FROM ledger_digest WHERE run = which
$$;
REVOKE ALL ON FUNCTION extend_digests() FROM PUBLIC;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_digest FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger_digest FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
