-- Digests of records that were decided or closed and never change again, in addition to the digests of entries. The audit
-- compares each digest with its record. The digest of each run, which is kept outside of the database, covers them.

CREATE FUNCTION final_records() RETURNS TABLE (kind text, key text, content text)
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
$$;

-- A settlement file with its matches, and with its differences as they were when the file was read. NULL if the file does
-- not exist.
CREATE FUNCTION settlement_record(which uuid) RETURNS text
LANGUAGE sql STABLE SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
  SELECT jsonb_build_array(message_id, digest, currency, begins_at, ends_at, entries, matched, read_by_id, read_at, (
           SELECT jsonb_agg(jsonb_build_array(m.entry_id, m.reference) ORDER BY m.id) FROM settlement_match m WHERE m.file_id = f.id), (
           SELECT jsonb_agg(jsonb_build_array(d.id, d.kind, d.file_minor, d.our_minor, d.reference, d.account_id, d.entry_id) ORDER BY d.id)
             FROM settlement_difference d WHERE d.file_id = f.id))::text
    FROM settlement_file f WHERE f.id = which
$$;

-- The interest of all accounts for one day.
CREATE FUNCTION interest_record(which date) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT coalesce(string_agg(concat_ws(' ', account_id, balance_minor, earned_units, owed_units), E'\n' ORDER BY account_id), '')
    FROM interest_accrual WHERE day = which
$$;

CREATE FUNCTION digest_of_text(content text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(convert_to(content, 'UTF8'))
$$;

-- The digest of a run, over the links and the records that it added.
CREATE OR REPLACE FUNCTION digest_of_run(which int) RETURNS bytea LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT digest_of_text(
    coalesce((SELECT string_agg(concat_ws(' ', account_id, seq, encode(digest, 'hex')), E'\n' ORDER BY account_id, seq)
                FROM ledger_digest WHERE run = which), '')
    || coalesce((SELECT E'\n' || string_agg(concat_ws(' ', kind, key, encode(digest, 'hex')), E'\n' ORDER BY kind, key)
                   FROM record_digest WHERE run = which), ''))
$$;

-- Extends the chain of each account that has new entries, and adds the records that have become final since. Returns the
-- number of the run, how many digests it wrote, and the digest of them.
CREATE OR REPLACE FUNCTION extend_digests(OUT run int, OUT links bigint, OUT root bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE records bigint;
BEGIN
  LOCK TABLE ledger_digest IN SHARE ROW EXCLUSIVE MODE;
  run := greatest((SELECT coalesce(max(d.run), 0) FROM ledger_digest d), (SELECT coalesce(max(r.run), 0) FROM record_digest r)) + 1;
  INSERT INTO ledger_digest (account_id, seq, digest, run, at)
    SELECT a.id, a.last_seq, entries_digest(a.id, coalesce(l.seq, 0), a.last_seq, l.digest), extend_digests.run, clock_timestamp()
      FROM bank_account a
      LEFT JOIN LATERAL (SELECT d.seq, d.digest FROM ledger_digest d WHERE d.account_id = a.id ORDER BY d.seq DESC LIMIT 1) l ON true
     WHERE a.last_seq > coalesce(l.seq, 0);
  GET DIAGNOSTICS links = ROW_COUNT;
  INSERT INTO record_digest (kind, key, digest, run)
    SELECT f.kind, f.key, digest_of_text(f.content), extend_digests.run FROM final_records() f
     WHERE NOT EXISTS (SELECT FROM record_digest r WHERE (r.kind, r.key) = (f.kind, f.key))
    UNION ALL
    SELECT 'interest', d.day::text, digest_of_text(interest_record(d.day)), extend_digests.run FROM bank_day d
     WHERE d.status = 'closed' AND NOT EXISTS (SELECT FROM record_digest r WHERE (r.kind, r.key) = ('interest', d.day::text))
    UNION ALL
    SELECT 'settlement_file', f.id::text, digest_of_text(settlement_record(f.id)), extend_digests.run FROM settlement_file f
     WHERE NOT EXISTS (SELECT FROM record_digest r WHERE (r.kind, r.key) = ('settlement_file', f.id::text));
  GET DIAGNOSTICS records = ROW_COUNT;
  links := links + records;
  root := digest_of_run(run);
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON record_digest FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON record_digest FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();

-- A difference begins open, and is settled only by another file that has its entry.
CREATE FUNCTION difference_starts_open() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.status <> 'open'
     OR TG_OP = 'UPDATE' AND NEW.status = 'settled' AND OLD.status <> 'settled'
        AND NOT EXISTS (SELECT FROM settlement_match WHERE entry_id = NEW.entry_id AND file_id <> NEW.file_id) THEN
    RAISE EXCEPTION 'difference % is neither open nor settled by a later file', NEW.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'difference_starts_open';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER difference_starts_open BEFORE INSERT OR UPDATE ON settlement_difference
  FOR EACH ROW EXECUTE FUNCTION difference_starts_open();

-- A day is closed after its steps. It must not be created as closed; otherwise the days before it would be skipped.
CREATE FUNCTION bank_day_starts_open() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.status = 'closed'
     OR TG_OP = 'UPDATE' AND NEW.status = 'closed' AND NOT EXISTS (SELECT FROM bank_day_step WHERE day_id = NEW.day) THEN
    RAISE EXCEPTION 'bank day % is closed without its steps', NEW.day
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bank_day_starts_open';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER bank_day_starts_open BEFORE INSERT OR UPDATE ON bank_day
  FOR EACH ROW EXECUTE FUNCTION bank_day_starts_open();

-- Each item of a file must be matched or have a difference.
CREATE FUNCTION settlement_file_adds_up() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (
      SELECT FROM settlement_file f WHERE f.id = NEW.id
         AND f.entries <> f.matched + (SELECT count(*) FROM settlement_difference d
                                        WHERE d.file_id = f.id AND d.kind IN ('missing_here', 'amount'))) THEN
    RAISE EXCEPTION 'settlement file % does not add up', NEW.message_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'settlement_file_adds_up';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER settlement_file_adds_up AFTER INSERT OR UPDATE ON settlement_file
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION settlement_file_adds_up();
