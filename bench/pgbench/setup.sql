-- Creates one user and two accounts for each pair, as copies of existing rows with other keys.
INSERT INTO accounts_user
SELECT (json_populate_record(u, json_build_object('id', md5('user ' || n)::uuid, 'email', n || '@bench.example'))).*
  FROM (SELECT one FROM accounts_user one LIMIT 1) AS a (u), generate_series(1, :pairs) n;
INSERT INTO bank_account
SELECT (json_populate_record(a, json_build_object(
         'id', md5(side || ' ' || n)::uuid, 'holder_id', md5('user ' || n)::uuid, 'iban', NULL, 'product_id', NULL,
         'currency', 'GBP', 'status', 'open', 'overdraft_minor', 1000000000000, 'posted_minor', 0, 'held_minor', 0, 'last_seq', 0,
         'last_booked_at', NULL, 'closed_until', NULL))).*
  FROM (SELECT one FROM bank_account one WHERE kind = 'customer' LIMIT 1) AS b (a), generate_series(1, :pairs) n,
       unnest(ARRAY['from', 'to']) AS side;
ANALYZE;
