// What an app does with the client that openapi-generator makes: a token, accounts, history, a payment, a problem.
import java.net.URI
import java.net.URLEncoder
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import kotlinx.serialization.decodeFromString
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import org.openapitools.client.apis.AccountsApi
import org.openapitools.client.apis.TransfersApi
import org.openapitools.client.infrastructure.ApiClient
import org.openapitools.client.infrastructure.ClientError
import org.openapitools.client.infrastructure.ClientException
import org.openapitools.client.infrastructure.Serializer
import org.openapitools.client.infrastructure.Success
import org.openapitools.client.models.AccountDestination
import org.openapitools.client.models.AmountToPay
import org.openapitools.client.models.Destination
import org.openapitools.client.models.NewTransfer
import org.openapitools.client.models.Problem
import org.openapitools.client.models.Transfer
import org.openapitools.client.models.TransferDestination

fun token(): String {
    val grant = Json.parseToJsonElement(System.getenv("GRANT")).jsonObject.mapValues { it.value.jsonPrimitive.content }
    val form = (grant - "token_endpoint").map { "${it.key}=${URLEncoder.encode(it.value, "UTF-8")}" }.joinToString("&")
    val request = HttpRequest.newBuilder(URI(grant.getValue("token_endpoint")))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .POST(HttpRequest.BodyPublishers.ofString(form))
        .build()
    val answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body()
    return Json.parseToJsonElement(answer).jsonObject.getValue("access_token").jsonPrimitive.content
}

fun main() {
    val api = System.getenv("API")
    val key = System.getenv("KEY")
    ApiClient.accessToken = token()

    val accountsApi = AccountsApi(api)
    val accounts = accountsApi.getAccounts().data
    val (source, destination) = accounts.filter { it.currency == "GBP" }

    var seen = 0
    var pages = 0
    var cursor: String? = null
    do {
        val page = accountsApi.getTransactions(source.id, limit = 10, cursor = cursor)
        seen += page.data.size
        pages += 1
        cursor = page.nextCursor
    } while (cursor != null)

    val transfersApi = TransfersApi(api)
    val own = AccountDestination(AccountDestination.Scheme.account, destination.id)
    val order = NewTransfer(
        sourceAccountId = source.id,
        destination = Destination.AccountWrapper(own),
        amount = AmountToPay("GBP", 101),
        reference = System.getenv("REFERENCE"),
    )
    val rehearsed = transfersApi.postTransferRehearsals(order)
    val first = transfersApi.postTransfers(key, order)
    val again = transfersApi.postTransfersWithHttpInfo(key, order) as Success<Transfer?>
    val paid = when (val to = first.destination) {
        is TransferDestination.AccountWrapper -> to.value.accountId
        is TransferDestination.IbanWrapper -> null
    }

    val problem = try {
        transfersApi.postTransfers("$key-too-much", order.copy(amount = AmountToPay("GBP", 900_000_000_000_000)))
        null
    } catch (refused: ClientException) {
        val body = (refused.response as ClientError<*>).body as String
        Serializer.kotlinxSerializationJson.decodeFromString<Problem>(body)
    }

    println(
        buildJsonObject {
            put("accounts", accounts.size)
            put("transactions", seen)
            put("pages", pages)
            put("rehearsed", rehearsed.status.value)
            put("transfer", first.id.toString())
            put("again", again.data?.id.toString())
            put("replayed", again.headers["idempotent-replayed"]?.first())
            put("paid_to", paid == destination.id)
            put("problem", JsonPrimitive(problem?.code?.value))
        },
    )
}
