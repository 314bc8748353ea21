-- Play money and real money are kept apart: sandbox customers have accounts in XTS and no others, nobody else has one, and
-- a transaction has one currency (entry_account_currency).
CREATE FUNCTION refuse_mixture(of_account boolean, of_user boolean) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF of_account IS DISTINCT FROM of_user THEN
    RAISE EXCEPTION 'sandbox customers have accounts with play money, and nobody else has'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'sandbox_apart';
  END IF;
END $$;

CREATE FUNCTION account_sandbox_apart() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.kind = 'customer' THEN
    PERFORM refuse_mixture(NEW.currency = 'XTS', EXISTS (SELECT FROM sandbox_customer WHERE user_id = NEW.holder_id));
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER sandbox_apart BEFORE INSERT OR UPDATE OF holder_id, currency, kind ON bank_account
  FOR EACH ROW EXECUTE FUNCTION account_sandbox_apart();

CREATE FUNCTION access_sandbox_apart() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM refuse_mixture(
    (SELECT a.currency = 'XTS' FROM bank_account a WHERE a.id = NEW.account_id),
    EXISTS (SELECT FROM sandbox_customer WHERE user_id = NEW.user_id));
  RETURN NEW;
END $$;
CREATE TRIGGER sandbox_apart BEFORE INSERT OR UPDATE OF account_id, user_id ON account_access
  FOR EACH ROW EXECUTE FUNCTION access_sandbox_apart();

-- A user who has real accounts never becomes a sandbox customer, and a sandbox customer stays one.
CREATE FUNCTION sandbox_customer_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    RAISE EXCEPTION '% on % forbidden', TG_OP, TG_TABLE_NAME
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'sandbox_for_ever';
  END IF;
  PERFORM refuse_mixture(EXISTS (SELECT FROM account_access WHERE user_id = NEW.user_id), false);
  RETURN NEW;
END $$;
CREATE TRIGGER sandbox_customer_guard BEFORE INSERT OR UPDATE OR DELETE ON sandbox_customer
  FOR EACH ROW EXECUTE FUNCTION sandbox_customer_guard();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON sandbox_customer
  FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
