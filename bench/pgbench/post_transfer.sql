\set n random(1, :pairs)
\set r random(1, 1000000000000)
BEGIN;
SELECT outcome FROM post_transfer(
  app => 'bench', payer => md5('user ' || :n)::uuid, deed => 'POST /transfers', once_key => md5(:r::text), print => '\x00',
  new_transfer => left(lpad(to_hex(extract(epoch FROM now())::bigint * 1000), 12, '0') || md5('t' || :r), 32)::uuid,
  new_posting => left(lpad(to_hex(extract(epoch FROM now())::bigint * 1000), 12, '0') || md5(:r::text), 32)::uuid,
  new_hold => NULL, paid_from => md5('from ' || :n)::uuid, paid_to => md5('to ' || :n)::uuid, to_iban => '', to_name => '',
  is_payee_known => true, is_iban_valid => false, is_iban_ours => false, amount => 1, in_currency => 'GBP', remark => 'x',
  own_reference => '', standing => NULL, due => NULL, has_scheme => true, picked => NULL, picked_by => NULL, single => NULL,
  is_proven => true, at => now(), bank_day => current_date,
  day_ago => left(lpad(to_hex(extract(epoch FROM now() - interval '1 day')::bigint * 1000), 12, '0') || md5(''), 32)::uuid,
  minute_ago => NULL, held_until => NULL, step_up => 1000000000000, new_payees_most => 0, known_since => now());
COMMIT;
