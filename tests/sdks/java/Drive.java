import com.google.gson.Gson;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.ApiResponse;
import org.openapitools.client.JSON;
import org.openapitools.client.api.AccountsApi;
import org.openapitools.client.api.TransfersApi;
import org.openapitools.client.model.Account;
import org.openapitools.client.model.AccountDestination;
import org.openapitools.client.model.AmountToPay;
import org.openapitools.client.model.Destination;
import org.openapitools.client.model.NewTransfer;
import org.openapitools.client.model.Problem;
import org.openapitools.client.model.Rehearsal;
import org.openapitools.client.model.TransactionList;
import org.openapitools.client.model.Transfer;

/** What an app does with the client that openapi-generator makes: a token, accounts, history, a payment, a problem. */
public class Drive {
    public static void main(String[] arguments) throws Exception {
        String key = System.getenv("KEY");
        ApiClient client = new ApiClient().setBasePath(System.getenv("API"));
        client.setBearerToken(token());

        AccountsApi accountsApi = new AccountsApi(client);
        List<Account> accounts = accountsApi.getAccounts(null, null, null).getData();
        List<Account> pounds = accounts.stream().filter(one -> one.getCurrency().equals("GBP")).collect(Collectors.toList());
        Account source = pounds.get(0), destination = pounds.get(1);

        int seen = 0, pages = 0;
        String cursor = null;
        do {
            TransactionList page = accountsApi.getTransactions(source.getId(), 10, cursor, null, null, null, null, null, null, null, null, null, null);
            seen += page.getData().size();
            pages += 1;
            cursor = page.getNextCursor();
        } while (cursor != null);

        TransfersApi transfersApi = new TransfersApi(client);
        AccountDestination own =
                new AccountDestination().scheme(AccountDestination.SchemeEnum.ACCOUNT).accountId(destination.getId());
        NewTransfer order = new NewTransfer()
                .sourceAccountId(source.getId())
                .destination(new Destination(own))
                .amount(new AmountToPay().currency("GBP").minorUnits(101L))
                .reference(System.getenv("REFERENCE"));
        Rehearsal rehearsed = transfersApi.postTransferRehearsals(order);
        Transfer first = transfersApi.postTransfers(key, order);
        ApiResponse<Transfer> again = transfersApi.postTransfersWithHttpInfo(key, order);

        Problem problem = null;
        try {
            order.getAmount().minorUnits(900_000_000_000_000L);
            transfersApi.postTransfers(key + "-too-much", order);
        } catch (ApiException refused) {
            problem = JSON.deserialize(refused.getResponseBody(), Problem.class);
        }

        Map<String, Object> said = new LinkedHashMap<>();
        said.put("accounts", accounts.size());
        said.put("transactions", seen);
        said.put("pages", pages);
        said.put("rehearsed", rehearsed.getStatus().getValue());
        said.put("transfer", first.getId().toString());
        said.put("again", again.getData().getId().toString());
        said.put("replayed", again.getHeaders().get("idempotent-replayed").get(0));
        said.put("paid_to", first.getDestination().getAccountDestination().getAccountId().equals(destination.getId()));
        said.put("problem", problem.getCode().getValue());
        System.out.println(new Gson().toJson(said));
    }

    @SuppressWarnings("unchecked")
    private static String token() throws Exception {
        Map<String, String> grant = new Gson().fromJson(System.getenv("GRANT"), Map.class);
        URI endpoint = URI.create(grant.remove("token_endpoint"));
        String form = grant.entrySet().stream()
                .map(one -> one.getKey() + "=" + URLEncoder.encode(one.getValue(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
        HttpRequest request = HttpRequest.newBuilder(endpoint)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form))
                .build();
        String answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
        return (String) new Gson().fromJson(answer, Map.class).get("access_token");
    }
}
