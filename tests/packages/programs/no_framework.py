import asked

from oauth.resource_server import APIRequest, Refusal, configure, require_token

configure(**asked.OAUTH, REPLAY_CHECK="oauth.proof.replay.in_process")


def ask(headers, chain):
    try:
        token = require_token(APIRequest("GET", asked.PATH, headers, chain), asked.SCOPE)
    except Refusal as refusal:
        return refusal.status_code, refusal.headers, refusal.body
    return 200, {}, {"user": token.claims.user_id}


asked.answer(ask)
