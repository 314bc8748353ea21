-- The guarantees of the ledger, which hold for every role, the owner included.

-- One currency per transaction and per account. Immediate: an entry of another currency fails at once.
ALTER TABLE ledger_entry
  ADD CONSTRAINT entry_transaction_currency FOREIGN KEY (transaction_id, currency) REFERENCES ledger_transaction (id, currency),
  ADD CONSTRAINT entry_account_currency FOREIGN KEY (account_id, currency) REFERENCES bank_account (id, currency);

-- A transaction without a seal cannot be committed.
ALTER TABLE ledger_transaction ADD CONSTRAINT must_be_sealed
  FOREIGN KEY (id) REFERENCES ledger_seal (transaction_id) DEFERRABLE INITIALLY DEFERRED;

CREATE FUNCTION entry_apply() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM ledger_seal WHERE transaction_id = NEW.transaction_id) THEN
    RAISE EXCEPTION 'transaction % is sealed', NEW.transaction_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'entry_after_seal';
  END IF;
  UPDATE bank_account SET posted_minor = posted_minor + NEW.amount_minor, last_seq = last_seq + 1
   WHERE id = NEW.account_id AND (status = 'open' OR (status = 'frozen' AND NEW.amount_minor > 0))
   RETURNING last_seq, posted_minor INTO NEW.account_seq, NEW.balance_after_minor;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'account not open' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'account_not_open';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER entry_apply BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION entry_apply();

CREATE FUNCTION seal_check() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE total numeric; n int;
BEGIN
  SELECT coalesce(sum(amount_minor), 1), count(*) INTO total, n FROM ledger_entry WHERE transaction_id = NEW.transaction_id;
  IF total <> 0 OR n < 2 THEN
    RAISE EXCEPTION 'unbalanced: sum %, entries %', total, n
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'sum_zero';
  END IF;
  NEW.entries := n;
  RETURN NEW;
END $$;
CREATE TRIGGER seal_check BEFORE INSERT ON ledger_seal FOR EACH ROW EXECUTE FUNCTION seal_check();

CREATE FUNCTION forbid_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on % forbidden: the ledger is append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'append_only';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_entry FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_transaction FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_seal FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger_transaction FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger_seal FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_delete BEFORE DELETE ON bank_account FOR EACH ROW EXECUTE FUNCTION forbid_change();

CREATE FUNCTION hold_apply() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'pending' THEN
      RAISE EXCEPTION 'a hold starts pending' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'hold_final';
    END IF;
    UPDATE bank_account SET held_minor = held_minor + NEW.amount_minor WHERE id = NEW.account_id AND status = 'open';
    IF NOT FOUND THEN
      RAISE EXCEPTION 'account not open' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'account_not_open';
    END IF;
  ELSIF OLD.status <> 'pending' OR NEW.amount_minor <> OLD.amount_minor OR NEW.account_id <> OLD.account_id OR NEW.status = 'pending' THEN
    RAISE EXCEPTION 'hold % is final', OLD.id USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'hold_final';
  ELSE
    UPDATE bank_account SET held_minor = held_minor - OLD.amount_minor WHERE id = OLD.account_id;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER hold_apply BEFORE INSERT OR UPDATE ON hold FOR EACH ROW EXECUTE FUNCTION hold_apply();
CREATE TRIGGER no_delete BEFORE DELETE ON hold FOR EACH ROW EXECUTE FUNCTION forbid_change();

-- Balances change only through entries and holds. The id, currency and kind of an account never change.
CREATE FUNCTION balance_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_trigger_depth() < 2
     AND (NEW.posted_minor, NEW.held_minor, NEW.last_seq) IS DISTINCT FROM (OLD.posted_minor, OLD.held_minor, OLD.last_seq) THEN
    RAISE EXCEPTION 'balances move only through ledger entries'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'balance_guard';
  END IF;
  IF (NEW.id, NEW.currency, NEW.kind) IS DISTINCT FROM (OLD.id, OLD.currency, OLD.kind) THEN
    RAISE EXCEPTION 'identity of an account is fixed'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'account_identity';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER balance_guard BEFORE UPDATE ON bank_account FOR EACH ROW EXECUTE FUNCTION balance_guard();

CREATE FUNCTION opening_is_zero() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.posted_minor, NEW.held_minor, NEW.last_seq) <> (0, 0, 0) THEN
    RAISE EXCEPTION 'accounts open at zero' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'opening_is_zero';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER opening_is_zero BEFORE INSERT ON bank_account FOR EACH ROW EXECUTE FUNCTION opening_is_zero();
