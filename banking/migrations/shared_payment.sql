-- Payments from shared accounts and from dormant accounts.

-- Whether the user owns the account or holds it jointly. For a delegate or a reader, the account is somebody else's: a
-- payment between it and their own account is a payment to or from somebody else.
CREATE FUNCTION holds_account(payer uuid, which uuid) RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM account_access WHERE user_id = payer AND account_id = which AND role IN ('owner', 'holder'));
END $$;

-- Whether the client may see the account: `picked` and the accounts of the consents `picked_by` are those of its
-- authorization details (RFC 9396), NULL for all accounts.
CREATE OR REPLACE FUNCTION is_picked(which uuid, picked uuid[], picked_by uuid[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
  IF picked IS NULL OR which = ANY (picked) THEN
    RETURN true;
  END IF;
  RETURN EXISTS (SELECT FROM consent_account p WHERE p.account_id = which AND p.consent_id = ANY (picked_by));
END $$;

-- Makes every check that is possible before an account is locked. `refusal` is the code of the first one that fails,
-- `about` the part of the order that the refusal is about. `destination` is an account of this bank; NULL if the money goes
-- to another bank. `payee` is the IBAN of somebody else; empty between the user's own accounts, and if the destination
-- cannot be paid. `is_looked_up` says that the answer reveals something about another user's account.
CREATE OR REPLACE FUNCTION prepare_payment(
  payer uuid, paid_from uuid, paid_to uuid, to_iban text, is_payee_known boolean, is_iban_valid boolean, is_iban_ours boolean,
  amount bigint, in_currency text, has_scheme boolean, picked uuid[], picked_by uuid[], single uuid[],
  OUT refusal text, OUT about text, OUT destination uuid, OUT destination_iban text, OUT payee text, OUT by_consent uuid,
  OUT is_looked_up boolean
) LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE there record; found record;
BEGIN
  payee := '';
  is_looked_up := false;
  IF NOT is_payee_known THEN
    refusal := 'payee_unreachable';
    about := 'payee';
    RETURN;
  END IF;

  -- RFC 9396: `single` are the consents to exactly this transfer, NULL for a client that is not limited to single
  -- transfers. A consent is used once: a second request waits at its row until the first one ends.
  IF single IS NOT NULL THEN
    PERFORM FROM consent WHERE id = ANY (single) ORDER BY id FOR UPDATE;
    SELECT c.id INTO by_consent FROM consent c
     WHERE c.id = ANY (single) AND NOT EXISTS (SELECT FROM transfer t WHERE t.consent_id = c.id) ORDER BY c.id LIMIT 1;
    IF by_consent IS NULL THEN
      refusal := CASE cardinality(single) WHEN 0 THEN 'insufficient_authorization' ELSE 'authorization_already_used' END;
      RETURN;
    END IF;
  END IF;

  IF paid_to IS NOT NULL THEN
    SELECT a.id, a.iban, a.currency, a.kind, a.status INTO there FROM bank_account a WHERE a.id = paid_to;
  ELSE
    SELECT a.id, a.iban, a.currency, a.kind, a.status INTO there FROM bank_account a WHERE a.iban = to_iban;
  END IF;
  SELECT u.is_active, a.dormant_since, a.currency, f.role AS role_from, t.role AS role_there INTO found
    FROM {users} u
    LEFT JOIN bank_account a ON a.id = paid_from
    LEFT JOIN account_access f ON f.user_id = u.id AND f.account_id = a.id
    LEFT JOIN account_access t ON t.user_id = u.id AND t.account_id = there.id
   WHERE u.id = payer;
  IF found.role_there IN ('owner', 'holder') AND found.role_from IN ('owner', 'holder')
     AND is_picked(there.id, picked, picked_by) THEN
    destination := there.id;
  ELSIF paid_to IS NULL AND is_iban_valid THEN
    is_looked_up := is_iban_ours;
    -- Sandbox customers learn nothing about accounts with real money, and others nothing about those with play money.
    IF there.kind = 'customer' AND there.status <> 'closed' AND (there.currency = 'XTS') = (found.currency = 'XTS') THEN
      destination := there.id;
    END IF;
    IF destination IS NOT NULL OR NOT is_iban_ours THEN
      payee := to_iban;
    END IF;
  END IF;
  destination_iban := CASE WHEN destination IS NOT NULL THEN there.iban END;

  IF found.role_from IS NULL OR found.role_from = 'reader' OR NOT is_picked(paid_from, picked, picked_by) THEN
    refusal := 'not_theirs';
  -- A valid token is not enough to move money: the user must still be active.
  ELSIF NOT found.is_active THEN
    refusal := 'account_holder_inactive';
  ELSIF found.dormant_since IS NOT NULL THEN
    refusal := 'account_dormant';
  ELSIF amount NOT BETWEEN 1 AND 1000000000000000 THEN
    refusal := 'amount_out_of_range';
    about := 'amount';
  ELSIF destination IS NULL AND NOT (payee <> '' AND has_scheme) THEN
    refusal := 'payee_unreachable';
    about := 'destination';
  ELSIF destination = paid_from THEN
    refusal := 'same_account';
    about := 'destination';
  ELSIF in_currency <> found.currency
     OR (destination IS NOT NULL AND in_currency <> there.currency) THEN
    refusal := 'currency_mismatch';
    about := 'currency';
  END IF;
END $$;
