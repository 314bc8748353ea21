-- The database decides, under the lock of the account, when an entry is booked and in which month.

-- Whether the connected role has the rights of the owner of the tables. The site's own role does not have them.
CREATE FUNCTION is_owner() RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT has_column_privilege(session_user, 'public.bank_account', 'posted_minor', 'UPDATE')
$$;

CREATE OR REPLACE FUNCTION entry_apply() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE proposed timestamptz;
BEGIN
  -- The owner may bring in the history of another bank; for the site, now is now.
  IF NEW.booked_at IS NOT NULL AND is_owner() THEN
    proposed := NEW.booked_at;
  ELSIF NEW.value_date > (clock_timestamp() AT TIME ZONE 'UTC')::date + 1 THEN  -- in the easternmost time zone
    RAISE EXCEPTION 'nothing is booked ahead' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'booked_ahead';
  END IF;
  -- Never before its predecessor, and never in a closed month: account_seq and booked_at rise together.
  UPDATE bank_account
     SET posted_minor = posted_minor + NEW.amount_minor, last_seq = last_seq + 1,
         last_booked_at = greatest(
           coalesce(proposed, clock_timestamp()), closed_until,
           coalesce(last_booked_at, (
             SELECT booked_at FROM ledger_entry WHERE account_id = NEW.account_id ORDER BY account_seq DESC LIMIT 1)))
   WHERE id = NEW.account_id
     AND (status = 'open' OR (status = 'frozen' AND (NEW.amount_minor > 0 OR EXISTS (
           SELECT FROM reversal_request WHERE reversal_id = NEW.transaction_id AND status = 'approved'))))
     -- A transaction is committed with its seal. One that this snapshot shows without a seal is of the caller's own
     -- transaction, so another session has not sealed it since, whatever this one waited for.
     AND EXISTS (SELECT FROM ledger_transaction WHERE id = NEW.transaction_id)
     AND NOT EXISTS (SELECT FROM ledger_seal WHERE transaction_id = NEW.transaction_id)
   RETURNING last_seq, posted_minor, last_booked_at INTO NEW.account_seq, NEW.balance_after_minor, NEW.booked_at;
  IF NOT FOUND THEN
    IF EXISTS (SELECT FROM ledger_seal WHERE transaction_id = NEW.transaction_id)
       OR NOT EXISTS (SELECT FROM ledger_transaction WHERE id = NEW.transaction_id) THEN
      RAISE EXCEPTION 'transaction % is sealed, or not of this session', NEW.transaction_id
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'entry_after_seal';
    END IF;
    RAISE EXCEPTION 'account not open' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'account_not_open';
  END IF;
  RETURN NEW;
END $$;

-- The number and balance of the last entry before `ends`. Entries older than this migration may have numbers in another order
-- than their times, so the highest number within the last hour counts.
CREATE FUNCTION last_entry_before(which uuid, ends timestamptz, OUT seq bigint, OUT balance_minor bigint)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT e.account_seq, e.balance_after_minor FROM ledger_entry e
   WHERE e.account_id = which AND e.booked_at < ends AND e.booked_at > (
     SELECT l.booked_at FROM ledger_entry l WHERE l.account_id = which AND l.booked_at < ends
      ORDER BY l.booked_at DESC LIMIT 1) - interval '1 hour'
   ORDER BY e.account_seq DESC LIMIT 1
$$;

-- Closes one month of one account, once and in order. Later entries are booked after its end.
CREATE FUNCTION close_month(which uuid, closing date, ends timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE last month_closing; cut record;
BEGIN
  IF ends > clock_timestamp() AND NOT is_owner() THEN
    RAISE EXCEPTION 'the month is not over' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'month_not_over';
  END IF;
  IF closing <> date_trunc('month', closing) OR abs(extract(epoch FROM ends - (closing + interval '1 month') AT TIME ZONE 'UTC')) > 86400 THEN
    RAISE EXCEPTION '% does not end at %', closing, ends
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'month_of_a_calendar';
  END IF;
  PERFORM FROM bank_account WHERE id = which FOR NO KEY UPDATE;
  SELECT * INTO last FROM month_closing WHERE account_id = which ORDER BY month DESC LIMIT 1;
  IF last.month >= closing THEN
    RETURN false;
  END IF;
  SELECT * INTO cut FROM last_entry_before(which, ends);
  IF cut.seq IS NULL OR cut.seq < last.last_seq THEN
    cut.seq := coalesce(last.last_seq, 0);
    cut.balance_minor := coalesce(last.closing_minor, 0);
  END IF;
  INSERT INTO month_closing (id, account_id, month, last_seq, closing_minor, ends_at, closed_at)
    VALUES (gen_random_uuid(), which, closing, cut.seq, cut.balance_minor, ends, clock_timestamp());
  UPDATE bank_account SET closed_until = ends WHERE id = which;
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION close_month(uuid, date, timestamptz) FROM PUBLIC;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON month_closing FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON month_closing FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
