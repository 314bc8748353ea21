\set n random(1, :pairs)
\set r random(1, 1000000000000)
BEGIN;
INSERT INTO idempotency_record (client_id, user_id, operation, key, fingerprint, status, body, created_at)
  VALUES ('bench', md5('user ' || :n)::uuid, 'POST /transfers', md5(:r::text), '\x00', 201, '{}', now());
SELECT FROM bank_account WHERE id IN (md5('from ' || :n)::uuid, md5('to ' || :n)::uuid) ORDER BY id FOR NO KEY UPDATE;
INSERT INTO ledger_transaction (id, currency, kind, description, created_at)
  VALUES (left(lpad(to_hex(extract(epoch FROM now())::bigint * 1000), 12, '0') || md5(:r::text), 32)::uuid, 'GBP', 'transfer', 'x', now());
INSERT INTO ledger_entry (
    transaction_id, account_id, currency, amount_minor, account_seq, balance_after_minor, counterparty_name, counterparty_iban,
    booked_at, value_date)
  SELECT left(lpad(to_hex(extract(epoch FROM now())::bigint * 1000), 12, '0') || md5(:r::text), 32)::uuid, a, 'GBP', m, 0, 0, '', '',
         now(), current_date
    FROM (VALUES (md5('from ' || :n)::uuid, -1), (md5('to ' || :n)::uuid, 1)) AS s (a, m) ORDER BY a;
INSERT INTO ledger_seal (transaction_id, entries)
  VALUES (left(lpad(to_hex(extract(epoch FROM now())::bigint * 1000), 12, '0') || md5(:r::text), 32)::uuid, 2);
INSERT INTO transfer (
    id, user_id, client_id, idempotency_key, payee_name, payee_iban, currency, amount_minor, reference, created_at, source_id,
    destination_id, end_to_end_id, status, status_reason, settled_at, transaction_id)
  SELECT posting, md5('user ' || :n)::uuid, 'bench', md5(:r::text), '', '', 'GBP', 1, 'x', now(), md5('from ' || :n)::uuid,
         md5('to ' || :n)::uuid, '', 'posted', '', now(), posting
    FROM (SELECT left(lpad(to_hex(extract(epoch FROM now())::bigint * 1000), 12, '0') || md5(:r::text), 32)::uuid) AS p (posting);
COMMIT;
