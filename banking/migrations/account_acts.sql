-- Only these functions change an account's overdraft and the access to it, and close it. An argument names who acts: an
-- officer, or a user of the account. Officers never act on accounts that they have access to.

-- The foreign key itself ends the access of a deleted user, because the site's role may not delete access.
ALTER TABLE account_access ADD CONSTRAINT access_of_a_user
  FOREIGN KEY (user_id) REFERENCES {users} (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED NOT VALID;

-- Records who changed the state of an account or the access to it, and by which decision of two officers.
CREATE OR REPLACE FUNCTION write_account_act() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE officer uuid := nullif(current_setting('bank.officer', true), '')::uuid;
        actor uuid := nullif(current_setting('bank.user', true), '')::uuid;
        decision uuid := nullif(current_setting('bank.change', true), '')::uuid;
        why text := coalesce(current_setting('bank.reason', true), '');
BEGIN
  IF TG_TABLE_NAME = 'bank_account' THEN
    IF TG_OP = 'INSERT' AND (NEW.status, NEW.overdraft_minor) = ('open', 0) THEN
      RETURN NULL;
    END IF;
    INSERT INTO account_act (account_id, status, overdraft_minor, dormant_since, role, officer_id, by_user_id, change_id, reason, database_user, at)
      VALUES (NEW.id, NEW.status, NEW.overdraft_minor, NEW.dormant_since, '', officer, actor, decision, why, session_user, clock_timestamp());
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO account_act (account_id, status, user_id, role, officer_id, by_user_id, change_id, reason, database_user, at)
      VALUES (OLD.account_id, '', OLD.user_id, '', officer, actor, decision, why, session_user, clock_timestamp());
  ELSE
    INSERT INTO account_act (account_id, status, user_id, role, officer_id, by_user_id, change_id, reason, database_user, at)
      VALUES (NEW.account_id, '', NEW.user_id, NEW.role, officer, actor, decision, why, session_user, clock_timestamp());
  END IF;
  RETURN NULL;
END $$;
DROP TRIGGER write_account_act ON bank_account;
CREATE TRIGGER write_account_act AFTER INSERT OR UPDATE OF status, overdraft_minor, dormant_since ON bank_account
  FOR EACH ROW EXECUTE FUNCTION write_account_act();

-- The site's role cannot open an account as dormant.
CREATE OR REPLACE FUNCTION opening_is_zero() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.posted_minor, NEW.held_minor, NEW.last_seq) <> (0, 0, 0)
     OR (((NEW.status, NEW.overdraft_minor) <> ('open', 0) OR NEW.dormant_since IS NOT NULL) AND NOT is_owner()) THEN
    RAISE EXCEPTION 'accounts open at zero' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'opening_is_zero';
  END IF;
  RETURN NEW;
END $$;

-- Records that a user acts on an account. Raises an exception if the user is not active.
CREATE FUNCTION act_as_user(who uuid, why text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM {users} WHERE id = who AND is_active) THEN
    RAISE EXCEPTION '% is no active user', who
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'act_of_a_user';
  END IF;
  PERFORM set_config('bank.user', who::text, true), set_config('bank.reason', why, true);
END $$;
REVOKE ALL ON FUNCTION act_as_user(uuid, text) FROM PUBLIC;

-- Records that an officer acts on an account. Raises an exception if the officer has access to it.
CREATE FUNCTION act_as_outsider(which uuid, officer uuid, why text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM act_as(officer, why);
  IF EXISTS (SELECT FROM account_access WHERE account_id = which AND user_id = officer) THEN
    RAISE EXCEPTION 'officer % has access to account %', officer, which
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'act_on_own_account';
  END IF;
END $$;
REVOKE ALL ON FUNCTION act_as_outsider(uuid, uuid, text) FROM PUBLIC;

CREATE FUNCTION act_is_over() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT set_config('bank.officer', '', true), set_config('bank.user', '', true), set_config('bank.change', '', true),
         set_config('bank.reason', '', true);
$$;
REVOKE ALL ON FUNCTION act_is_over() FROM PUBLIC;

-- Whether a user with the first role may give an access with the second role, and end one.
CREATE FUNCTION may_invite(inviting varchar, invited varchar) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT invited IN ('delegate', 'reader') AND inviting IN ('owner', 'holder') OR invited = 'holder' AND inviting = 'owner'
$$;

-- One officer requests a change. Officers may not request a change of an account that they have access to, or access for
-- themselves.
CREATE FUNCTION account_change_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.status <> 'open' OR NEW.requested_by_id = NEW.user_id
     OR NOT EXISTS (SELECT FROM {users} WHERE id = NEW.requested_by_id AND is_active AND is_staff)
     OR EXISTS (SELECT FROM account_access WHERE account_id = NEW.account_id AND user_id = NEW.requested_by_id) THEN
    RAISE EXCEPTION 'an officer without access to account % asks for a change first', NEW.account_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'account_change_starts_open';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER account_change_guard BEFORE INSERT ON account_change FOR EACH ROW EXECUTE FUNCTION account_change_guard();
CREATE TRIGGER no_delete BEFORE DELETE ON account_change FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON account_change FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();

-- Another officer approves, and the change is made. Returns false if the request is not open or cannot be carried out.
CREATE FUNCTION approve_account_change(which uuid, officer uuid, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE asked account_change;
BEGIN
  SELECT * INTO asked FROM account_change WHERE id = which AND status = 'open' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM act_as_outsider(asked.account_id, officer, asked.reason);
  IF officer = asked.user_id THEN
    RAISE EXCEPTION 'officer % gives themselves access', officer
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'act_on_own_account';
  END IF;
  -- By a check constraint, who decides is not who asked.
  UPDATE account_change SET status = 'approved', decided_by_id = officer, decided_at = clock_timestamp(), decision_reason = why
   WHERE id = which;
  PERFORM set_config('bank.change', which::text, true);
  IF asked.kind = 'overdraft' THEN
    UPDATE bank_account a SET overdraft_minor = asked.overdraft_minor
     WHERE id = asked.account_id AND kind = 'customer' AND status = 'open' AND overdraft_minor < asked.overdraft_minor
       AND NOT EXISTS (SELECT FROM product p WHERE p.id = a.product_id AND NOT p.allows_overdraft);
  ELSE
    INSERT INTO account_access AS x (account_id, user_id, role)
      SELECT a.id, u.id, asked.role FROM bank_account a, {users} u
       WHERE a.id = asked.account_id AND a.kind = 'customer' AND a.status <> 'closed' AND u.id = asked.user_id AND u.is_active
      ON CONFLICT (user_id, account_id) DO UPDATE SET role = excluded.role WHERE x.role NOT IN ('owner', excluded.role);
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'request % cannot be carried out', which
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'account_change_possible';
  END IF;
  PERFORM act_is_over();
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION approve_account_change(uuid, uuid, text) FROM PUBLIC;

CREATE FUNCTION decline_account_change(which uuid, officer uuid, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE asked account_change;
BEGIN
  SELECT * INTO asked FROM account_change WHERE id = which AND status = 'open' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM act_as_outsider(asked.account_id, officer, why);
  UPDATE account_change SET status = 'declined', decided_by_id = officer, decided_at = clock_timestamp(), decision_reason = why
   WHERE id = which;
  PERFORM act_is_over();
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION decline_account_change(uuid, uuid, text) FROM PUBLIC;

-- One officer lowers an overdraft. A check constraint refuses an overdraft below the part that is in use.
CREATE FUNCTION lower_overdraft(which uuid, amount bigint, officer uuid, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM act_as_outsider(which, officer, why);
  UPDATE bank_account SET overdraft_minor = amount
   WHERE id = which AND kind = 'customer' AND status <> 'closed' AND overdraft_minor > amount;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM act_is_over();
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION lower_overdraft(uuid, bigint, uuid, text) FROM PUBLIC;

-- Ends an access: for the user themselves, for a holder who could have given it, or for an officer. The owner's access never
-- ends.
CREATE FUNCTION end_access(which uuid, whose uuid, actor uuid, is_officer boolean, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE held varchar;
BEGIN
  IF is_officer THEN
    PERFORM act_as_outsider(which, actor, why);
  ELSE
    PERFORM act_as_user(actor, why);
  END IF;
  SELECT role INTO held FROM account_access WHERE account_id = which AND user_id = whose AND role <> 'owner' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF NOT is_officer AND actor <> whose AND NOT EXISTS (
      SELECT FROM account_access WHERE account_id = which AND user_id = actor AND may_invite(role, held)) THEN
    RETURN false;
  END IF;
  DELETE FROM account_access WHERE account_id = which AND user_id = whose;
  PERFORM act_is_over();
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION end_access(uuid, uuid, uuid, boolean, text) FROM PUBLIC;

-- The owner or an officer closes an account that has no money, no holds, no pending payment and no charge that it owes.
CREATE FUNCTION close_account(which uuid, actor uuid, is_officer boolean, why text) RETURNS boolean
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
     AND NOT EXISTS (SELECT FROM account_charge WHERE account_id = which AND status = 'due');
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM act_is_over();
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION close_account(uuid, uuid, boolean, text) FROM PUBLIC;

-- A holder invites a user. `accept_invitation` gives that user access.
CREATE FUNCTION invitation_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.status <> 'open' OR NOT EXISTS (
      SELECT FROM account_access x JOIN bank_account a ON a.id = x.account_id AND a.status <> 'closed'
       WHERE x.account_id = NEW.account_id AND x.user_id = NEW.invited_by_id AND may_invite(x.role, NEW.role)) THEN
    RAISE EXCEPTION '% may not invite to account %', NEW.invited_by_id, NEW.account_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invitation_by_a_holder';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER invitation_guard BEFORE INSERT ON account_invitation FOR EACH ROW EXECUTE FUNCTION invitation_guard();

CREATE FUNCTION accept_invitation(which uuid, who uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE invited account_invitation;
BEGIN
  PERFORM act_as_user(who, 'invitation ' || which);
  SELECT i.* INTO invited FROM account_invitation i
    JOIN {users} u ON u.id = who AND lower(u.{email}) = lower(i.email)
    JOIN bank_account a ON a.id = i.account_id AND a.status <> 'closed'
    JOIN account_access x ON x.account_id = i.account_id AND x.user_id = i.invited_by_id AND may_invite(x.role, i.role)
    JOIN {users} h ON h.id = x.user_id AND h.is_active
   WHERE i.id = which AND i.status = 'open' AND i.expires_at > clock_timestamp() FOR UPDATE OF i;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO account_access (account_id, user_id, role) VALUES (invited.account_id, who, invited.role)
    ON CONFLICT (user_id, account_id) DO NOTHING;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE account_invitation SET status = 'accepted', ended_at = clock_timestamp() WHERE id = which;
  PERFORM act_is_over();
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION accept_invitation(uuid, uuid) FROM PUBLIC;

-- An invitation ends without access: the invited user declines it, or a holder or the bank withdraws it.
CREATE FUNCTION end_invitation(which uuid, how varchar) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE account_invitation SET status = how, ended_at = clock_timestamp()
   WHERE id = which AND status = 'open' AND how IN ('declined', 'withdrawn');
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION end_invitation(uuid, varchar) FROM PUBLIC;

-- The owner names the account.
CREATE FUNCTION rename_account(which uuid, actor uuid, new_name varchar) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE bank_account a SET name = new_name FROM account_access x
   WHERE a.id = which AND a.kind = 'customer' AND new_name <> ''
     AND x.account_id = a.id AND x.user_id = actor AND x.role = 'owner';
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION rename_account(uuid, uuid, varchar) FROM PUBLIC;

-- An account that nobody has used since the given time becomes dormant.
CREATE FUNCTION mark_dormant(which uuid, unused_since timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE bank_account a SET dormant_since = clock_timestamp()
   WHERE id = which AND kind = 'customer' AND status = 'open' AND dormant_since IS NULL AND opened_at < unused_since
     AND NOT EXISTS (SELECT FROM transfer t WHERE t.source_id = a.id AND t.created_at >= unused_since)
     AND NOT EXISTS (SELECT FROM account_act w WHERE w.account_id = a.id AND w.by_user_id IS NOT NULL AND w.at >= unused_since);
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION mark_dormant(uuid, timestamptz) FROM PUBLIC;

-- An owner or joint holder uses a dormant account again.
CREATE FUNCTION reactivate_account(which uuid, actor uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM act_as_user(actor, 'used again');
  UPDATE bank_account a SET dormant_since = NULL
   WHERE id = which AND dormant_since IS NOT NULL AND EXISTS (
         SELECT FROM account_access WHERE account_id = which AND user_id = actor AND role IN ('owner', 'holder'));
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM act_is_over();
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION reactivate_account(uuid, uuid) FROM PUBLIC;
