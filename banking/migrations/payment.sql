-- A payment in one call: `post_transfer`. It checks in the order of its steps, and returns the first reason to refuse.
-- Everything runs with the caller's rights; constraints and triggers apply as well, to every role. Facts that are known
-- before the call, such as the time, the limits and whether the user has just logged in, are arguments.

-- Claims an idempotency key, and stores the answer for the case that the payment succeeds. `claim` is `first`, `known` with
-- the stored answer, or `waiting` if the first request with this key did not end within lock_timeout.
CREATE FUNCTION claim_key(
  app text, payer uuid, deed text, once_key text, print bytea, answer_status int, answer jsonb,
  OUT claim text, OUT stored_print bytea, OUT stored_status int, OUT stored_body jsonb
) LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  BEGIN
    INSERT INTO idempotency_record (client_id, user_id, operation, key, fingerprint, status, body, created_at)
      VALUES (app, payer, deed, once_key, print, answer_status, answer, now()) ON CONFLICT DO NOTHING;
  EXCEPTION WHEN lock_not_available THEN
    claim := 'waiting';
    RETURN;
  END;
  IF FOUND THEN
    claim := 'first';
    RETURN;
  END IF;
  claim := 'known';
  SELECT r.fingerprint, r.status, r.body INTO stored_print, stored_status, stored_body FROM idempotency_record r
   WHERE (r.client_id, r.user_id, r.operation, r.key) = (app, payer, deed, once_key);
END $$;

-- Allows one payment of a user at a time, so that parallel payments cannot exceed limits on sums over all of their accounts
-- and apps. Locks on accounts do not suffice: two payments from two accounts would not see each other. Take this lock before
-- any account is locked.
CREATE FUNCTION lock_payer(payer uuid) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('new payees of ' || payer, 0));
END $$;

-- The sum of all payments that the user has ordered since a time, from any account, by any app or page. Payments that were
-- later cancelled, expired or rejected also count; otherwise, the same amount could be sent again and again. Payments that
-- the bank refused at once do not count. For the user's own limit, only amounts that were or will be paid to others count.
-- Payment orders that are due count before their transfers are made. Transfers are found by id, which grows with time and
-- is indexed.
CREATE FUNCTION day_sum(
  payer uuid, in_currency text, since uuid, today date, with_orders boolean,
  OUT ordered numeric, OUT to_others numeric, OUT own_limit bigint
) LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
  SELECT coalesce(sum(p.amount_minor), 0), coalesce(sum(p.amount_minor) FILTER (WHERE p.is_paid AND p.payee_iban <> ''), 0)
    INTO ordered, to_others
    FROM (SELECT amount_minor, payee_iban, status IN ('pending', 'posted') AS is_paid FROM transfer
           WHERE user_id = payer AND id > since AND currency = in_currency
             AND NOT (status = 'rejected' AND hold_id IS NULL)
          UNION ALL
          SELECT amount_minor, payee_iban, true FROM scheduled_transfer
           WHERE user_id = payer AND status = 'active' AND next_on <= today AND currency = in_currency
             AND with_orders) AS p;
  SELECT l.amount_minor INTO own_limit FROM payment_limit l WHERE l.user_id = payer AND l.currency = in_currency;
END $$;

-- Whether this payment would bring the sum for all new payees above the limit. A payee is new until it has been stored for
-- that period, because an attacker who took over a session today may have added it. For the same reason, a joint account is
-- new until the user has held it for that period. The caller holds the payer's lock.
CREATE FUNCTION is_too_much_for_new_payees(payer uuid, to_iban text, amount bigint, in_currency text, since timestamptz, most bigint)
RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM payee WHERE user_id = payer AND iban = to_iban AND removed_at IS NULL AND created_at <= since) THEN
    RETURN false;
  END IF;
  RETURN amount + (
    SELECT coalesce(sum(t.amount_minor), 0) FROM transfer t
     WHERE t.user_id = payer AND t.currency = in_currency AND t.created_at > since
       AND t.status NOT IN ('rejected', 'cancelled', 'expired')
       AND (t.payee_iban <> ''
            OR EXISTS (SELECT FROM account_act a WHERE a.account_id = t.destination_id AND a.user_id = payer
                          AND a.role = 'holder' AND a.at > since))
       AND NOT EXISTS (SELECT FROM payee k WHERE k.user_id = payer AND k.iban = t.payee_iban AND k.removed_at IS NULL
                          AND k.created_at <= since)
  ) + (
    SELECT coalesce(sum(q.sell_minor), 0) FROM exchange x JOIN exchange_quote q ON q.id = x.quote_id
     WHERE x.user_id = payer AND x.created_at > since AND q.sell_currency = in_currency
       AND EXISTS (SELECT FROM account_act a WHERE a.account_id = q.destination_id AND a.user_id = payer
                      AND a.role = 'holder' AND a.at > since)) > most;
END $$;

-- Whether the user may pay from the account, and the client may see it: `picked` and the accounts of the consents
-- `picked_by` are those of its authorization details (RFC 9396), NULL for all accounts. An account that the user may only
-- view is not theirs: they cannot pay from it, and a payment to it is one to somebody else.
CREATE FUNCTION uses_account(payer uuid, which uuid, picked uuid[], picked_by uuid[])
RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM account_access WHERE user_id = payer AND account_id = which AND role <> 'reader')
     AND (picked IS NULL OR which = ANY (picked)
          OR EXISTS (SELECT FROM consent_account p WHERE p.account_id = which AND p.consent_id = ANY (picked_by)));
END $$;

-- Makes every check that is possible before an account is locked. `refusal` is the code of the first one that fails,
-- `about` the part of the order that the refusal is about. `destination` is an account of this bank; NULL if the money goes
-- to another bank. `payee` is the IBAN of somebody else; empty between the user's own accounts, and if the destination
-- cannot be paid. `is_looked_up` says that the answer reveals something about another user's account.
CREATE FUNCTION prepare_payment(
  payer uuid, paid_from uuid, paid_to uuid, to_iban text, is_payee_known boolean, is_iban_valid boolean, is_iban_ours boolean,
  amount bigint, in_currency text, has_scheme boolean, picked uuid[], picked_by uuid[], single uuid[],
  OUT refusal text, OUT about text, OUT destination uuid, OUT destination_iban text, OUT payee text, OUT by_consent uuid,
  OUT is_looked_up boolean
) LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE there record;
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
  IF there.id IS NOT NULL AND uses_account(payer, there.id, picked, picked_by) THEN
    destination := there.id;
  ELSIF paid_to IS NULL AND is_iban_valid THEN
    is_looked_up := is_iban_ours;
    IF there.kind = 'customer' AND there.status <> 'closed' THEN
      destination := there.id;
    END IF;
    IF destination IS NOT NULL OR NOT is_iban_ours THEN
      payee := to_iban;
    END IF;
  END IF;
  destination_iban := CASE WHEN destination IS NOT NULL THEN there.iban END;

  IF NOT uses_account(payer, paid_from, picked, picked_by) THEN
    refusal := 'not_theirs';
  -- A valid token is not enough to move money: the user must still be active.
  ELSIF NOT (SELECT u.is_active FROM {users} u WHERE u.id = payer) THEN
    refusal := 'account_holder_inactive';
  ELSIF amount NOT BETWEEN 1 AND 1000000000000000 THEN
    refusal := 'amount_out_of_range';
    about := 'amount';
  ELSIF destination IS NULL AND NOT (payee <> '' AND has_scheme) THEN
    refusal := 'payee_unreachable';
    about := 'destination';
  ELSIF destination = paid_from THEN
    refusal := 'same_account';
    about := 'destination';
  ELSIF in_currency <> (SELECT a.currency FROM bank_account a WHERE a.id = paid_from)
     OR (destination IS NOT NULL AND in_currency <> there.currency) THEN
    refusal := 'currency_mismatch';
    about := 'currency';
  END IF;
END $$;

-- Writes each event (event, account, transaction or transfer) for each app that has subscribed to it and may see the
-- account. Returns the deliveries, which are jobs of the background worker. Their ids grow with time (version 7 of RFC 9562
-- §5.7), because lists of deliveries are sorted by id.
CREATE FUNCTION announce(happened text[], at_accounts uuid[], resources uuid[]) RETURNS SETOF uuid
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  -- Most accounts have no webhook, and this is asked under the locks of a payment.
  IF NOT EXISTS (SELECT FROM account_access a JOIN webhook w ON w.user_id = a.user_id AND w.ended_at IS NULL
                  WHERE a.account_id = ANY (at_accounts)) THEN
    RETURN;
  END IF;
  RETURN QUERY
  INSERT INTO webhook_delivery (id, webhook_id, event, account_id, resource_id, status, attempts, last_answer, created_at)
  SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
          || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid,
         w.id, e.event, e.account_id, e.resource_id, 'pending', 0, '', now()
    FROM unnest(happened, at_accounts, resources) AS e (event, account_id, resource_id)
    JOIN account_access a ON a.account_id = e.account_id
    JOIN webhook w ON w.user_id = a.user_id AND w.ended_at IS NULL AND e.event = ANY (w.events)
     AND (w.accounts IS NULL OR e.account_id = ANY (w.accounts) AND EXISTS (
           SELECT FROM consent c JOIN consent_account p ON p.consent_id = c.id
            WHERE p.account_id = e.account_id AND c.user_id = w.user_id AND c.client_id = w.client_id))
  RETURNING id;
END $$;

-- `outcome` is `made`, the code of a refusal, `refused_by_constraint` with the constraint that is `violated`, `proof_needed`
-- (RFC 9470), `not_theirs`, or with a `deed` also `known`, `waiting` (see claim_key), or `made_before` if the record of the
-- key was deleted but the transfer `earlier` exists. Unless it is `made`, nothing but the claim of the key was written.
CREATE FUNCTION post_transfer(
  app text, payer uuid, deed text, once_key text, print bytea, new_transfer uuid, new_posting uuid, new_hold uuid,
  paid_from uuid, paid_to uuid, to_iban text, to_name text, is_payee_known boolean, is_iban_valid boolean, is_iban_ours boolean,
  amount bigint, in_currency text, remark text, own_reference text, standing uuid, due date,
  has_scheme boolean, picked uuid[], picked_by uuid[], single uuid[], is_proven boolean,
  at timestamptz, bank_day date, day_ago uuid, minute_ago uuid, held_until timestamptz,
  step_up bigint, new_payees_most bigint, known_since timestamptz,
  OUT outcome text, OUT about text, OUT earlier uuid, OUT stored_print bytea, OUT stored_status int, OUT stored_body jsonb,
  OUT destination uuid, OUT destination_iban text, OUT payee text, OUT by_consent uuid, OUT is_looked_up boolean,
  OUT is_notified boolean, OUT own_limit bigint, OUT paid_to_others numeric, OUT violated text,
  OUT deliveries text[]
) LANGUAGE plpgsql SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  prepared record;
  day record;
  happened text[] := '{transfer.updated}';
  at_accounts uuid[] := ARRAY[paid_from];
  resources uuid[] := ARRAY[new_transfer];
  were_read bigint := 0;
  is_too_much boolean;
  is_held_since_today boolean;
BEGIN
  is_looked_up := false;
  is_notified := false;

  -- 1. Once per idempotency key.
  IF deed IS NOT NULL THEN
    SELECT c.claim, c.stored_print, c.stored_status, c.stored_body INTO outcome, stored_print, stored_status, stored_body
      FROM claim_key(app, payer, deed, once_key, print, 201, jsonb_build_object('id', new_transfer)) c;
    IF outcome <> 'first' THEN
      RETURN;
    END IF;
    SELECT t.id INTO earlier FROM transfer t WHERE (t.client_id, t.user_id, t.idempotency_key) = (app, payer, once_key);
    IF earlier IS NOT NULL THEN
      outcome := 'made_before';
      RETURN;
    END IF;
  END IF;

  -- 2. The route and the form.
  SELECT * INTO prepared FROM prepare_payment(
    payer, paid_from, paid_to, to_iban, is_payee_known, is_iban_valid, is_iban_ours, amount, in_currency, has_scheme, picked,
    picked_by, single);
  destination := prepared.destination;
  destination_iban := prepared.destination_iban;
  payee := prepared.payee;
  by_consent := prepared.by_consent;
  is_looked_up := prepared.is_looked_up;
  about := prepared.about;
  IF prepared.refusal IS NOT NULL THEN
    outcome := prepared.refusal;
    RETURN;
  END IF;

  -- 3. The limits of a day. A standing order was proven when it was set up, and is measured without the orders that are
  -- due: two of them would each wait for the other.
  is_held_since_today := payee = '' AND EXISTS (
    SELECT FROM account_act a WHERE a.account_id = destination AND a.user_id = payer AND a.role = 'holder' AND a.at > known_since);
  IF payee <> '' OR standing IS NULL OR is_held_since_today THEN
    PERFORM lock_payer(payer);
    SELECT * INTO day FROM day_sum(payer, in_currency, day_ago, bank_day, standing IS NULL);
    were_read := day.were_read;
    IF payee <> '' AND day.to_others + amount > day.own_limit THEN
      outcome := 'own_limit_exceeded';
      own_limit := day.own_limit;
      paid_to_others := day.to_others;
      RETURN;
    END IF;
    -- RFC 9470; SCA-RTS art. 4, 5: the sum counts, so that an amount cannot be sent in slices.
    IF standing IS NULL AND day.ordered + amount >= step_up THEN
      IF NOT is_proven THEN
        outcome := 'proof_needed';
        RETURN;
      END IF;
      -- A large payment, or the first of the day to reach the limit.
      is_notified := amount >= step_up OR day.ordered < step_up;
    END IF;
  END IF;

  -- A payment that the user allowed by payee and amount is one that they have looked at.
  is_too_much := (payee <> '' OR is_held_since_today) AND by_consent IS NULL
    AND is_too_much_for_new_payees(payer, payee, amount, in_currency, known_since, new_payees_most);

  BEGIN
    -- 4. Under the locks of both accounts, in the one lock order. The block that writes to the accounts also locks them:
    -- a row that is locked outside of a subtransaction and updated inside gets a MultiXactId, which is slow for each
    -- payment that waits. With a reference of the payer, the account is locked before anything is written.
    IF own_reference <> '' THEN
      PERFORM FROM bank_account WHERE id IN (paid_from, destination) ORDER BY id FOR NO KEY UPDATE;
      -- The payer's own reference, twice within a minute: the same payment under another idempotency key.
      SELECT t.id INTO earlier FROM transfer t
       WHERE t.source_id = paid_from AND t.id > minute_ago AND t.end_to_end_id = own_reference
         AND t.status NOT IN ('rejected', 'cancelled', 'expired') ORDER BY t.id LIMIT 1;
      IF FOUND THEN
        outcome := 'duplicate_transfer';
        about := 'end_to_end_id';
        RETURN;
      END IF;
    END IF;
    IF is_too_much THEN
      outcome := 'limit_exceeded';
      RETURN;
    END IF;

    -- 5. The transfer as its user sees it, and the money. The amount for another bank is held until it has answered. The
    -- constraints of the ledger decide about funds and the state of accounts; what one refuses is undone. Accounts are
    -- locked as late as possible: whoever pays to or from the same account waits until COMMIT.
    IF destination IS NULL THEN
      INSERT INTO hold (id, account_id, amount_minor, status, expires_at)
        VALUES (new_hold, paid_from, amount, 'pending', held_until);
    END IF;
    INSERT INTO transfer (
        id, user_id, client_id, idempotency_key, fingerprint, payee_name, payee_iban, currency, amount_minor, reference,
        created_at, source_id, destination_id, end_to_end_id, status, status_reason, settled_at, hold_id, transaction_id,
        consent_id, scheduled_id, due_on)
      VALUES (
        new_transfer, payer, app, once_key, print, to_name, payee, in_currency, amount, remark,
        at, paid_from, destination, own_reference,
        CASE WHEN destination IS NULL THEN 'pending' ELSE 'posted' END, '', CASE WHEN destination IS NOT NULL THEN at END,
        CASE WHEN destination IS NULL THEN new_hold END, CASE WHEN destination IS NOT NULL THEN new_posting END,
        by_consent, standing, due);
    IF destination IS NOT NULL THEN
      happened := happened || '{transaction.booked,transaction.booked}'::text[];
      at_accounts := at_accounts || paid_from || destination;
      resources := resources || new_posting || new_posting;
      -- Both accounts have this currency: prepare_payment compared it, and it never changes.
      INSERT INTO ledger_transaction (id, currency, kind, description, created_at)
        VALUES (new_posting, in_currency, 'transfer', remark, at);
      PERFORM FROM bank_account WHERE id IN (paid_from, destination) ORDER BY id FOR NO KEY UPDATE;
      PERFORM write_entries(new_posting, at, bank_day, NULL, ARRAY[paid_from, destination], ARRAY[-amount, amount], NULL, NULL);
    END IF;
  EXCEPTION WHEN integrity_constraint_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    outcome := 'refused_by_constraint';
    RETURN;
  END;

  -- 6. What makes the next sum of a day short, and its events.
  IF were_read > 200 THEN
    PERFORM sum_up_payments(payer, in_currency, day_ago, at);
  END IF;
  SELECT array_agg(d.one::text) INTO deliveries FROM announce(happened, at_accounts, resources) AS d (one);
  outcome := 'made';
END $$;
