-- The sum of a day, which reads a bounded number of rows however many payments a user makes: if there are many, those older
-- than a quarter of an hour are summed up in payment_sum.

-- The sum of all payments that the user has ordered since a time, from any account, by any app or page. Payments that were
-- later cancelled, expired or rejected also count; otherwise, the same amount could be sent again and again. Payments that
-- the bank refused at once do not count. For the user's own limit, only amounts that were or will be paid to others count.
-- Payment orders that are due count before their transfers are made. Transfers are found by id, which grows with time and
-- is indexed; `were_read` says how many.
DROP FUNCTION day_sum(uuid, text, uuid, date, boolean);
CREATE FUNCTION day_sum(
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
  SELECT l.amount_minor INTO own_limit FROM payment_limit l WHERE l.user_id = payer AND l.currency = in_currency;
END $$;

-- Sums up the transfers after the last sum, or after the first transfer of the day, that are older than a quarter of an
-- hour: transfers made now have higher ids. At most 500, because all of them are read again once the period of 24 hours
-- begins among them. The caller holds the payer's lock. If another transaction is changing one of the transfers, does
-- nothing, and the next payment tries again.
CREATE FUNCTION sum_up_payments(payer uuid, in_currency text, since uuid, at timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  first_after uuid := coalesce(
    (SELECT s.last_id FROM payment_sum s
      WHERE s.user_id = payer AND s.currency = in_currency AND s.last_id > since ORDER BY s.last_id DESC LIMIT 1),
    (SELECT t.id FROM transfer t WHERE t.user_id = payer AND t.id > since ORDER BY t.id LIMIT 1));
  up_to uuid := (lpad(to_hex((extract(epoch FROM at - interval '15 minutes') * 1000)::bigint), 12, '0')
                 || '7000' || '8000000000000000')::uuid;
  found record;
BEGIN
  up_to := least(up_to, (SELECT t.id FROM transfer t WHERE t.user_id = payer AND t.id > first_after ORDER BY t.id OFFSET 499 LIMIT 1));
  SELECT count(*) AS locked, (SELECT count(*) FROM transfer WHERE user_id = payer AND id > first_after AND id <= up_to) AS present,
         coalesce(sum(t.amount_minor) FILTER (WHERE t.is_meant), 0) AS ordered,
         coalesce(sum(t.amount_minor) FILTER (WHERE t.is_meant AND t.is_paid AND t.payee_iban <> ''), 0) AS to_others
    INTO found
    FROM (SELECT amount_minor, payee_iban, status IN ('pending', 'posted', 'returned') AS is_paid,
                 currency = in_currency AND NOT (status = 'rejected' AND hold_id IS NULL) AS is_meant
            FROM transfer WHERE user_id = payer AND id > first_after AND id <= up_to FOR SHARE SKIP LOCKED) t;
  IF found.locked = 0 OR found.locked <> found.present THEN
    RETURN;
  END IF;
  DELETE FROM payment_sum s WHERE s.user_id = payer AND s.currency = in_currency AND s.last_id <= since;
  INSERT INTO payment_sum (user_id, currency, after_id, last_id, ordered_minor, to_others_minor)
    VALUES (payer, in_currency, first_after, up_to, found.ordered, found.to_others);
END $$;

-- Takes a transfer out of its sum if it is not paid after all, for example because it is rejected.
CREATE FUNCTION payment_sum_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE payment_sum SET to_others_minor = to_others_minor - NEW.amount_minor
   WHERE user_id = NEW.user_id AND currency = NEW.currency AND after_id < NEW.id AND last_id >= NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER payment_sum_follows AFTER UPDATE OF status ON transfer FOR EACH ROW
  WHEN (OLD.status IN ('pending', 'posted', 'returned') AND NEW.status NOT IN ('pending', 'posted', 'returned') AND NEW.payee_iban <> '')
  EXECUTE FUNCTION payment_sum_follows();
