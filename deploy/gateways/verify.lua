-- HAProxy asks /oauth/verify about a request (docs/gateways.md). Of the client's headers, it sends only the token and the
-- proof; this file adds the others. With any status other than 200, the request ends here.

local PASSED_ON = {"www-authenticate", "dpop-nonce", "retry-after"}
local TIMEOUT_MILLISECONDS = 2000

local function values_of(headers, name)
    local values = {}
    for index, value in pairs(headers[name] or {}) do
        values[index + 1] = value
    end
    return #values > 0 and values or nil
end

local function refuse(txn, status, answer)
    local reply = txn:reply{status = status}
    for _, name in ipairs(PASSED_ON) do
        for _, value in pairs(answer[name] or {}) do
            reply:add_header(name, value)
        end
    end
    txn:done(reply)
end

core.register_action("verify", {"http-req"}, function(txn)
    local headers = txn.http:req_get_headers()
    local answer = core.httpclient():get{
        url = txn:get_var("txn.question"),
        headers = {
            ["host"] = values_of(headers, "host"),
            ["authorization"] = values_of(headers, "authorization"),
            ["dpop"] = values_of(headers, "dpop"),
            ["forwarded"] = {txn:get_var("txn.forwarded")},
            ["x-original-method"] = {txn.sf:method()},
            ["x-original-uri"] = {txn.sf:pathq()},
        },
        timeout = TIMEOUT_MILLISECONDS,
    }
    local status = answer and answer.status or 0
    if status == 200 then
        for name, values in pairs(answer.headers) do
            if name:sub(1, 7) == "x-auth-" then
                txn.http:req_set_header(name, values[0])
            elseif name == "dpop-nonce" then
                txn:set_var("txn.dpop_nonce", values[0])
            end
        end
    elseif status == 400 or status == 401 or status == 403 or status == 429 then
        refuse(txn, status, answer.headers)
    else
        refuse(txn, 503, {["retry-after"] = {"2"}})
    end
end)
