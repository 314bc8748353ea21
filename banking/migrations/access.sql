-- The table account_access says who may use an account. When the holder of an account is written, by any role, this trigger
-- writes the owner's row.
CREATE FUNCTION access_of_owner() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM account_access WHERE account_id = NEW.id AND role = 'owner';
  END IF;
  IF NEW.holder_id IS NOT NULL THEN
    INSERT INTO account_access (account_id, user_id, role) VALUES (NEW.id, NEW.holder_id, 'owner')
      ON CONFLICT (user_id, account_id) DO UPDATE SET role = 'owner';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER access_of_owner AFTER INSERT OR UPDATE OF holder_id ON bank_account
  FOR EACH ROW EXECUTE FUNCTION access_of_owner();
INSERT INTO account_access (account_id, user_id, role) SELECT id, holder_id, 'owner' FROM bank_account WHERE holder_id IS NOT NULL;
