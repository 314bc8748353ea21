// How the programs here speak to tests/interop/programs.py, which plays the user's browser.
import { createInterface } from "node:readline/promises";

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// The user opens the URL. Returns the URL that the browser was sent back to.
export async function open(url) {
  process.stdout.write(`open ${url}\n`);
  return (await answers.next()).value;
}

// The user opens the URL that a device shows, and allows.
export async function approve(url) {
  process.stdout.write(`approve ${url}\n`);
  await answers.next();
}

export function report(result) {
  process.stdout.write(`report ${JSON.stringify(result)}\n`, () => process.exit(0));
}

// What an app does with an access token: how many accounts of the bank it sees.
export async function countAccounts(accessToken) {
  const answer = await fetch(`${process.env.API}/accounts`, { headers: { authorization: `Bearer ${accessToken}` } });
  if (!answer.ok) throw new Error(`the API answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()).data.length;
}
