from django.db import migrations

# The first partition of each table was a table whose rows have a unique id from the clock. No code reads this id, and
# logical replication now uses the digest.
_ONLY_DIGESTS = """
DO $$
DECLARE leaf text; key text;
BEGIN
  FOREACH leaf IN ARRAY ARRAY['oauth_usedproof_first', 'oauth_usedassertion_first'] LOOP
    CONTINUE WHEN to_regclass(leaf) IS NULL;  -- its rows have expired, so it was dropped
    SELECT conname INTO key FROM pg_constraint
     WHERE conrelid = to_regclass(leaf) AND contype = 'p' AND pg_get_constraintdef(oid) = 'PRIMARY KEY (id)';
    CONTINUE WHEN NOT FOUND;
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', leaf, key);
    SELECT i.relname INTO key FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
     WHERE x.indrelid = to_regclass(leaf) AND x.indisunique AND x.indpred IS NULL;
    EXECUTE format('ALTER TABLE %I REPLICA IDENTITY USING INDEX %I', leaf, key);
  END LOOP;
END $$
"""


class Migration(migrations.Migration):
    """Fixes that, of two assertions or proofs in the same microsecond, the second was treated as a replay."""

    dependencies = [("oauth", "0047_tracestate")]

    operations = [migrations.RunSQL(_ONLY_DIGESTS, migrations.RunSQL.noop)]
