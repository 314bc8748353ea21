-- Posting a transaction of the ledger in one call. The functions run with the caller's rights, and the triggers still
-- apply: they number entries, update balances and check the seal. LANGUAGE plpgsql keeps the plans of its queries for the
-- connection; a function of LANGUAGE sql with a search_path plans them at each call. All queries find rows by keys, so one
-- plan is right for all values.

-- The name and IBAN of the other side, as users see them in an entry of an account.
CREATE FUNCTION counterparty(of_account uuid, other uuid, OUT seen_name text, OUT seen_iban text)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
  SELECT left(CASE WHEN o.holder_id IS NULL OR o.holder_id = a.holder_id THEN o.name ELSE {name} END, 140),
         CASE WHEN o.holder_id IS NULL THEN '' ELSE coalesce(o.iban, '') END
    INTO seen_name, seen_iban
    FROM bank_account a JOIN bank_account o ON o.id = other LEFT JOIN {users} u ON u.id = o.holder_id
   WHERE a.id = of_account;
END $$;

-- Locks the customers' accounts of a transaction, by id, and writes its header. The bank's own accounts come last, and only
-- their entries lock them, just before the seal: every payment uses one of them, so that lock must be short. NO KEY,
-- because a full lock would conflict with the KEY SHARE locks of foreign keys.
CREATE FUNCTION write_header(posting uuid, sort text, words text, at timestamptz, undone uuid, touched uuid[])
RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE found record;
BEGIN
  IF cardinality(touched) = 2 AND touched[1] = touched[2]
     OR cardinality(touched) > 2 AND cardinality(touched) <> (SELECT count(DISTINCT t.one) FROM unnest(touched) AS t (one)) THEN
    RAISE EXCEPTION 'an account has one entry in a transaction'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'entry_once_per_account';
  END IF;
  PERFORM FROM bank_account WHERE id = ANY (touched) AND kind = 'customer' ORDER BY id FOR NO KEY UPDATE;
  SELECT count(DISTINCT a.currency) AS currencies, min(a.currency) AS one INTO found FROM bank_account a WHERE id = ANY (touched);
  IF found.currencies <> 1 THEN
    RAISE EXCEPTION 'a transaction has one currency'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'entry_account_currency';
  END IF;
  INSERT INTO ledger_transaction (id, currency, kind, description, created_at, reverses_id)
    VALUES (posting, found.one, sort, words, at, undone);
END $$;

-- Writes the entries and the seal of a transaction that has a header. It captures the hold `captured` before the entries,
-- because money on hold cannot be spent. `outside_name` and `outside_iban` are the other side at another bank.
CREATE FUNCTION write_entries(
  posting uuid, at timestamptz, value_day date, captured uuid, touched uuid[], amounts bigint[], outside_name text, outside_iban text
) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF captured IS NOT NULL THEN
    UPDATE hold SET status = 'captured', captured_by_id = posting WHERE id = captured;
  END IF;
  -- entry_apply sets the number, the balance and, from the site's role, the time.
  INSERT INTO ledger_entry (
      transaction_id, account_id, currency, amount_minor, account_seq, balance_after_minor, counterparty_name,
      counterparty_iban, booked_at, value_date)
    SELECT posting, a.id, a.currency, side.amount, 0, 0,
           coalesce(CASE WHEN outside_name IS NOT NULL AND a.kind = 'customer' THEN outside_name
                         WHEN o.holder_id IS NULL OR o.holder_id = a.holder_id THEN left(o.name, 140)
                         ELSE left({name}, 140) END, ''),
           coalesce(CASE WHEN outside_name IS NOT NULL AND a.kind = 'customer' THEN outside_iban
                         WHEN o.holder_id IS NOT NULL THEN o.iban END, ''),
           at, value_day
      FROM unnest(touched, amounts) AS side (account, amount) JOIN bank_account a ON a.id = side.account
           -- The other side, as `counterparty` names it, if there are two.
           LEFT JOIN bank_account o
             ON o.id = CASE WHEN cardinality(touched) <> 2 THEN NULL WHEN side.account = touched[1] THEN touched[2] ELSE touched[1] END
           LEFT JOIN {users} u ON u.id = o.holder_id
     ORDER BY a.kind = 'internal', a.id;
  INSERT INTO ledger_seal (transaction_id, entries) VALUES (posting, cardinality(touched));
END $$;

-- Posts one balanced transaction: header, entries and seal.
CREATE FUNCTION ledger_post(
  posting uuid, sort text, words text, at timestamptz, value_day date, undone uuid, captured uuid, touched uuid[],
  amounts bigint[], outside_name text, outside_iban text
) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM write_header(posting, sort, words, at, undone, touched);
  PERFORM write_entries(posting, at, value_day, captured, touched, amounts, outside_name, outside_iban);
END $$;

-- The same rules as before, with plans that are kept.
ALTER FUNCTION transfer_equals_its_entries() SET plan_cache_mode = force_generic_plan;
CREATE OR REPLACE FUNCTION is_owner() RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
  RETURN has_column_privilege(session_user, 'public.bank_account', 'posted_minor', 'UPDATE');
END $$;
