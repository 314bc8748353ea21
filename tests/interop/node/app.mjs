// What each web app here has beside its library: the bank's accounts, and a port.
import express from "express";

export const { ISSUER, API, CLIENT_ID, CLIENT_SECRET, ORIGIN, PORT } = process.env;
export const app = express();

export async function accounts(accessToken) {
  const answer = await fetch(`${API}/accounts`, { headers: { authorization: `Bearer ${accessToken}` } });
  return (await answer.json()).data;
}

export function listen() {
  app.get("/health", (_request, response) => response.send("ready"));
  app.listen(Number(PORT), "127.0.0.1");
}
