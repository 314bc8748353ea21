-- Stores when the status of a transfer, or the reason for it, last changed.
CREATE FUNCTION transfer_updated() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  NEW.updated_at := CASE TG_OP WHEN 'INSERT' THEN NEW.created_at ELSE greatest(clock_timestamp(), OLD.updated_at, NEW.created_at) END;
  RETURN NEW;
END $$;
CREATE TRIGGER transfer_updated BEFORE INSERT OR UPDATE ON transfer FOR EACH ROW EXECUTE FUNCTION transfer_updated();
