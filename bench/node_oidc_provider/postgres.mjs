// Keeps the state in PostgreSQL, one row for each object, as an operator who runs several processes would. Nothing deletes
// expired rows, so this is not measured.
import pg from "pg";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 });

export async function createTable() {
  await pool.query(`CREATE TABLE IF NOT EXISTS oidc (
    model text, id text, payload jsonb NOT NULL, grant_id text, uid text, user_code text,
    expires_at timestamptz, consumed_at timestamptz, PRIMARY KEY (model, id))`);
  for (const column of ["grant_id", "uid", "user_code"]) {
    await pool.query(`CREATE INDEX IF NOT EXISTS oidc_${column} ON oidc (${column}) WHERE ${column} IS NOT NULL`);
  }
}

export class PostgresAdapter {
  constructor(model) {
    this.model = model;
  }

  async upsert(id, payload, expiresIn) {
    const expiresAt = expiresIn ? new Date(Date.now() + expiresIn * 1000) : null;
    await pool.query({
      name: "upsert",
      text: `INSERT INTO oidc (model, id, payload, grant_id, uid, user_code, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (model, id) DO UPDATE SET payload = $3, grant_id = $4, uid = $5, user_code = $6, expires_at = $7`,
      values: [
        this.model, id, payload, payload.grantId ?? null, payload.uid ?? null, payload.userCode ?? null, expiresAt,
      ],
    });
  }

  find(id) {
    return this.first("id", id);
  }

  findByUid(uid) {
    return this.first("uid", uid);
  }

  findByUserCode(userCode) {
    return this.first("user_code", userCode);
  }

  async first(column, value) {
    const { rows } = await pool.query({
      name: `by ${column}`,
      text: `SELECT payload, consumed_at FROM oidc WHERE model = $1 AND ${column} = $2
        AND (expires_at IS NULL OR expires_at > now())`,
      values: [this.model, value],
    });
    if (rows.length === 0) return undefined;
    const [{ payload, consumed_at: consumed }] = rows;
    return consumed ? { ...payload, consumed: Math.floor(consumed.getTime() / 1000) } : payload;
  }

  async consume(id) {
    await pool.query({
      name: "consume", text: "UPDATE oidc SET consumed_at = now() WHERE model = $1 AND id = $2", values: [this.model, id],
    });
  }

  async destroy(id) {
    await pool.query({
      name: "destroy", text: "DELETE FROM oidc WHERE model = $1 AND id = $2", values: [this.model, id],
    });
  }

  async revokeByGrantId(grantId) {
    await pool.query({
      name: "revoke", text: "DELETE FROM oidc WHERE model = $1 AND grant_id = $2", values: [this.model, grantId],
    });
  }
}
