// What an app does with the types that openapi-typescript makes: a token, accounts, history, a payment, a problem.
import createClient from "openapi-fetch";
import type { components, paths } from "./bank.js";

const { API, KEY, REFERENCE } = process.env as Record<string, string>;
const { token_endpoint, ...grant } = JSON.parse(process.env["GRANT"]!) as Record<string, string>;
const granted = await fetch(token_endpoint!, { method: "POST", body: new URLSearchParams(grant) });
const { access_token } = (await granted.json()) as { access_token: string };

const bank = createClient<paths>({ baseUrl: API!, headers: { Authorization: `Bearer ${access_token}` } });

function got<T>(answer: { data?: T; error?: { code: string; detail: string } }): T {
  if (answer.data === undefined) throw new Error(answer.error?.detail);
  return answer.data;
}

const accounts = got(await bank.GET("/accounts")).data;
const [source, destination] = accounts.filter((one) => one.currency === "GBP");

let seen = 0, pages = 0, cursor: string | null | undefined;
do {
  const query = cursor ? { limit: 10, cursor } : { limit: 10 };
  const page = got(
    await bank.GET("/accounts/{account_id}/transactions", { params: { path: { account_id: source!.id }, query } }),
  );
  seen += page.data.length;
  pages += 1;
  cursor = page.next_cursor;
} while (cursor);

const order: components["schemas"]["NewTransfer"] = {
  source_account_id: source!.id,
  destination: { scheme: "account", account_id: destination!.id },
  amount: { currency: "GBP", minor_units: 101 },
  reference: REFERENCE!,
};
const rehearsed = got(await bank.POST("/transfer-rehearsals", { body: order }));
const params = { header: { "Idempotency-Key": KEY! } };
const first = got(await bank.POST("/transfers", { body: order, params }));
const again = await bank.POST("/transfers", { body: order, params });
const paid = first.destination;

const { error: problem } = await bank.POST("/transfers", {
  body: { ...order, amount: { currency: "GBP", minor_units: 900_000_000_000_000 } },
  params: { header: { "Idempotency-Key": `${KEY}-too-much` } },
});

const amount = { currency: "GBP", minor_units: 101 };
const confirmed = got(await bank.POST("/funds-confirmations", { body: { account_id: source!.id, amount } }));
const active = got(await bank.GET("/direct-debits", { params: { query: { status: "active" } } })).data;
const direct_debit_id = active[active.length - 1]!.id;
const cancelled = got(
  await bank.POST("/direct-debits/{direct_debit_id}/cancel", { params: { path: { direct_debit_id } }, body: {} }),
);

console.log(
  JSON.stringify({
    accounts: accounts.length,
    transactions: seen,
    pages,
    rehearsed: rehearsed.status,
    transfer: first.id,
    again: got(again).id,
    replayed: again.response.headers.get("Idempotent-Replayed"),
    paid_to: paid.scheme === "account" && paid.account_id === destination!.id,
    is_available: confirmed.is_available,
    cancelled: cancelled.status === "cancelled" ? cancelled.id : null,
    problem: problem?.code,
  }),
);
