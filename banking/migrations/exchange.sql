-- Currency exchange: two transactions that exist together, follow a quote, and are never reversed.

-- The number of decimal digits of a currency's minor unit (ISO 4217), as in banking.notation.currencies.
CREATE FUNCTION minor_digits(currency text) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
  SELECT CASE
    WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
    WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
    WHEN currency IN ('CLF', 'UYW') THEN 4
    ELSE 2 END
$$;

-- Whether a transaction is this half of the exchange, with the customer's account on one side and the bank's own on the
-- other. It must be sealed, so no entry can be added after this check.
CREATE FUNCTION is_half_of_exchange(of_exchange uuid, half uuid, in_currency text, of_account uuid, amount bigint)
RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM ledger_transaction t WHERE t.id = half AND t.exchange_id = of_exchange AND t.kind = 'exchange'
                    AND t.currency = in_currency AND t.reverses_id IS NULL
                    AND NOT EXISTS (SELECT FROM ledger_transaction u WHERE u.reverses_id = t.id)
                    AND EXISTS (SELECT FROM ledger_seal s WHERE s.transaction_id = t.id))
     AND (SELECT count(*) = 2 AND count(*) FILTER (WHERE e.account_id = of_account AND e.amount_minor = amount) = 1
                 AND count(*) FILTER (WHERE a.kind = 'internal' AND a.name = 'Currency exchange' AND e.amount_minor = -amount) = 1
            FROM ledger_entry e JOIN bank_account a ON a.id = e.account_id WHERE e.transaction_id = half)
$$;

-- Why an exchange contradicts its quote or rate; NULL if it does not. The rate is cut off after twelve decimal places.
-- Amounts are rounded in the bank's favour, by less than one minor unit. The comparisons multiply and never divide, so that
-- each is exact.
CREATE FUNCTION exchange_contradiction(x exchange) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT CASE
    -- SET CONSTRAINTS asks before the foreign keys do, and only once.
    WHEN q.id IS NULL OR r.id IS NULL THEN 'there is no such quote or rate'
    WHEN (x.user_id, x.client_id) <> (q.user_id, q.client_id) THEN 'the quote is of another user or app'
    WHEN x.created_at > q.expires_at OR x.created_at < q.created_at THEN 'the quote was not valid then'
    WHEN r.status <> 'approved' OR r.valid_from > q.created_at THEN 'the rate was not in force'
    WHEN NOT coalesce(CASE
      WHEN (q.sell_currency, q.buy_currency) = (r.base, r.counter)
        THEN q.rate <= r.mid * kept.part AND q.rate + 0.000000000001 > r.mid * kept.part
      WHEN (q.sell_currency, q.buy_currency) = (r.counter, r.base)
        THEN q.rate * r.mid <= kept.part AND (q.rate + 0.000000000001) * r.mid > kept.part
      END, false) THEN 'the rate is not that of the bank'
    WHEN NOT CASE q.fixed
      WHEN 'sell' THEN q.buy_minor <= q.sell_minor * f.factor AND q.buy_minor + 1 > q.sell_minor * f.factor
      ELSE q.sell_minor * f.factor >= q.buy_minor AND (q.sell_minor - 1) * f.factor < q.buy_minor END
      THEN 'the amounts do not follow the rate'
    WHEN NOT is_half_of_exchange(x.id, x.sold_id, q.sell_currency, q.source_id, -q.sell_minor) THEN 'what was sold is not booked'
    WHEN NOT is_half_of_exchange(x.id, x.bought_id, q.buy_currency, q.destination_id, q.buy_minor) THEN 'what was bought is not booked'
  END
    FROM (SELECT) one LEFT JOIN exchange_quote q ON q.id = x.quote_id LEFT JOIN exchange_rate r ON r.id = q.of_rate_id
   CROSS JOIN LATERAL (SELECT 1 - r.spread_percent / 100 AS part) kept
   CROSS JOIN LATERAL (SELECT q.rate * ('1e' || minor_digits(q.buy_currency) - minor_digits(q.sell_currency))::numeric AS factor) f
$$;

CREATE FUNCTION exchange_follows_its_quote() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE wrong text;
BEGIN
  SELECT exchange_contradiction(x) INTO wrong FROM exchange x WHERE x.id = NEW.id;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'exchange %: %', NEW.id, wrong
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'exchange_follows_its_quote';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER exchange_follows_its_quote AFTER INSERT ON exchange
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION exchange_follows_its_quote();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON exchange FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON exchange FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_update BEFORE UPDATE ON exchange_quote FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON exchange_quote FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();

-- A half cannot be committed without its exchange.
CREATE FUNCTION half_has_its_exchange() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.kind <> 'exchange' OR NOT EXISTS (
      SELECT FROM exchange x WHERE x.id = NEW.exchange_id AND NEW.id IN (x.sold_id, x.bought_id)) THEN
    RAISE EXCEPTION 'transaction % is no half of an exchange', NEW.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'half_has_its_exchange';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER half_has_its_exchange AFTER INSERT ON ledger_transaction
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'exchange' OR NEW.exchange_id IS NOT NULL)
  EXECUTE FUNCTION half_has_its_exchange();

-- The transactions of an exchange cannot be reversed, so that nobody can undo only one of them. A user who wants the money
-- back makes another exchange.
CREATE FUNCTION half_is_not_reversed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  -- What this snapshot does not show may be a half.
  IF NOT EXISTS (SELECT FROM ledger_transaction t WHERE t.id = NEW.reverses_id AND t.exchange_id IS NULL) THEN
    RAISE EXCEPTION 'transaction % is half of an exchange', NEW.reverses_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'exchange_not_reversible';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER half_is_not_reversed BEFORE INSERT ON ledger_transaction FOR EACH ROW WHEN (NEW.reverses_id IS NOT NULL)
  EXECUTE FUNCTION half_is_not_reversed();

-- The request for a rate and the decision about it never change.
CREATE FUNCTION exchange_rate_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.requested_by_id IS NOT NULL AND NEW.status <> 'open' THEN
      RAISE EXCEPTION 'a rate is asked for first'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'rate_starts_open';
    END IF;
  ELSIF OLD.status <> 'open' OR (NEW.id, NEW.base, NEW.counter, NEW.mid, NEW.spread_percent, NEW.valid_from, NEW.reason,
                                 NEW.requested_by_id, NEW.requested_at)
      IS DISTINCT FROM (OLD.id, OLD.base, OLD.counter, OLD.mid, OLD.spread_percent, OLD.valid_from, OLD.reason,
                        OLD.requested_by_id, OLD.requested_at) THEN
    RAISE EXCEPTION 'rate % is fixed', OLD.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'rate_fixed';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER exchange_rate_guard BEFORE INSERT OR UPDATE ON exchange_rate FOR EACH ROW EXECUTE FUNCTION exchange_rate_guard();
CREATE TRIGGER no_delete BEFORE DELETE ON exchange_rate FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON exchange_rate FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();

-- The sum of a day also includes what the user sold in exchanges, in the currency that was sold.
CREATE OR REPLACE FUNCTION day_sum(
  payer uuid, in_currency text, since uuid, today date, with_orders boolean,
  OUT ordered numeric, OUT to_others numeric, OUT own_limit bigint, OUT were_read bigint
) LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE known record;
BEGIN
  -- The sums follow each other without a gap. The transfers before the first one and after the last one are read.
  SELECT coalesce(sum(s.ordered_minor), 0) AS ordered, coalesce(sum(s.to_others_minor), 0) AS to_others,
         coalesce((array_agg(s.after_id ORDER BY s.after_id))[1], 'ffffffff-ffff-ffff-ffff-ffffffffffff') AS first_after,
         -- A range with two ends, or the plan for all values would read the user's transfers of all days.
         'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid AS no_more,
         (array_agg(s.last_id ORDER BY s.last_id DESC))[1] AS last_id
    INTO known FROM payment_sum s WHERE s.user_id = payer AND s.currency = in_currency AND s.after_id >= since;
  SELECT known.ordered + coalesce(sum(p.amount_minor) FILTER (WHERE p.is_meant), 0),
         known.to_others + coalesce(sum(p.amount_minor) FILTER (WHERE p.is_meant AND p.is_paid AND p.payee_iban <> ''), 0),
         count(*)
    INTO ordered, to_others, were_read
    FROM (SELECT t.amount_minor, t.payee_iban, t.status IN ('pending', 'posted', 'returned') AS is_paid,
                 t.currency = in_currency AND NOT (t.status = 'rejected' AND t.hold_id IS NULL) AS is_meant
            FROM (SELECT * FROM transfer WHERE user_id = payer AND id > since AND id <= known.first_after
                  UNION ALL
                  SELECT * FROM transfer WHERE user_id = payer AND id > known.last_id AND id <= known.no_more) AS t
          UNION ALL
          SELECT amount_minor, payee_iban, true, true FROM scheduled_transfer
           WHERE user_id = payer AND status = 'active' AND next_on <= today AND currency = in_currency
             AND with_orders) AS p;
  ordered := ordered + (
    SELECT coalesce(sum(q.sell_minor), 0) FROM exchange x JOIN exchange_quote q ON q.id = x.quote_id
     WHERE x.user_id = payer AND x.id > since AND q.sell_currency = in_currency);
  SELECT l.amount_minor INTO own_limit FROM payment_limit l WHERE l.user_id = payer AND l.currency = in_currency;
END $$;

-- An exchange counts as use of the source account.
CREATE OR REPLACE FUNCTION mark_dormant(which uuid, unused_since timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE bank_account a SET dormant_since = clock_timestamp()
   WHERE id = which AND kind = 'customer' AND status = 'open' AND dormant_since IS NULL AND opened_at < unused_since
     AND NOT EXISTS (SELECT FROM transfer t WHERE t.source_id = a.id AND t.created_at >= unused_since)
     AND NOT EXISTS (SELECT FROM exchange x JOIN exchange_quote q ON q.id = x.quote_id
                      WHERE q.source_id = a.id AND x.created_at >= unused_since)
     AND NOT EXISTS (SELECT FROM mandate d WHERE d.account_id = a.id AND d.last_at >= unused_since)
     AND NOT EXISTS (SELECT FROM account_act w WHERE w.account_id = a.id AND w.by_user_id IS NOT NULL AND w.at >= unused_since);
  RETURN FOUND;
END $$;

-- Rates that were decided are among the records that never change again.
CREATE OR REPLACE FUNCTION final_records() RETURNS TABLE (kind text, key text, content text)
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
  UNION ALL
  SELECT 'mandate', id::text, jsonb_build_array(
           account_id, creditor_id, reference, creditor_name, creditor_iban, sequence, status, collected, last_minor,
           last_at, created_at, cancelled_at)::text
    FROM mandate WHERE status <> 'active'
  UNION ALL
  SELECT 'direct_debit_refund', id::text, jsonb_build_array(
           collection_id, reason, status, reason_code, user_id, client_id, transaction_id, contested_by_id, asked_at,
           answered_at)::text
    FROM direct_debit_refund WHERE status NOT IN ('claimed', 'refunded')
  UNION ALL
  SELECT 'exchange_rate', id::text, jsonb_build_array(
           base, counter, mid, spread_percent, valid_from, reason, requested_by_id, requested_at, status, decided_by_id,
           decided_at, decision_reason)::text
    FROM exchange_rate WHERE status <> 'open'
$$;
