package client;

import java.time.Duration;
import java.util.Map;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.annotation.Bean;
import org.springframework.http.HttpHeaders;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.OAuth2AuthorizeRequest;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientProviderBuilder;
import org.springframework.security.oauth2.client.annotation.RegisteredOAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizedClientRepository;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

/** Spring Security as a client: login by OpenID Connect, the API, refresh, RP-initiated and back-channel logout. */
@SpringBootApplication
@RestController
public class ClientApplication {

    private static final String REGISTRATION = "spring.security.oauth2.client.registration.countersign.";

    private final RestClient api = RestClient.create(System.getenv("API"));
    private final ClientRegistrationRepository registrations;
    private final OAuth2AuthorizedClientRepository clients;

    ClientApplication(ClientRegistrationRepository registrations, OAuth2AuthorizedClientRepository clients) {
        this.registrations = registrations;
        this.clients = clients;
    }

    public static void main(String[] arguments) {
        new SpringApplicationBuilder(ClientApplication.class)
            .properties(Map.of(
                "server.port", System.getenv("PORT"),
                "server.address", "127.0.0.1",
                "spring.security.oauth2.client.provider.countersign.issuer-uri", System.getenv("ISSUER"),
                REGISTRATION + "client-id", System.getenv("CLIENT_ID"),
                REGISTRATION + "client-secret", System.getenv("CLIENT_SECRET"),
                REGISTRATION + "scope", "openid,profile,email,offline_access,accounts:read"))
            .run(arguments);
    }

    @Bean
    SecurityFilterChain security(HttpSecurity http) throws Exception {
        var afterLogout = new OidcClientInitiatedLogoutSuccessHandler(registrations);
        afterLogout.setPostLogoutRedirectUri("{baseUrl}/me");
        return http
            .authorizeHttpRequests(requests -> requests
                .requestMatchers("/health", "/me").permitAll()
                .anyRequest().authenticated())
            .oauth2Login(login -> login.defaultSuccessUrl("/me", true))
            .oidcLogout(logout -> logout.backChannel(Customizer.withDefaults()))
            .logout(logout -> logout
                .logoutRequestMatcher(PathPatternRequestMatcher.withDefaults().matcher("/logout"))
                .logoutSuccessHandler(afterLogout))
            .build();
    }

    @GetMapping("/health")
    String health() {
        return "ready";
    }

    @GetMapping("/me")
    Map<String, Object> me(@AuthenticationPrincipal OidcUser user) {
        return user == null ? Map.of() : Map.of("user", user.getEmail());
    }

    @GetMapping("/accounts")
    Object accounts(@RegisteredOAuth2AuthorizedClient("countersign") OAuth2AuthorizedClient client) {
        return accountsWith(client);
    }

    /** With a clock skew of a day, every access token counts as expired. */
    @GetMapping("/refresh")
    Map<String, Object> refresh(
            Authentication authentication, HttpServletRequest request, HttpServletResponse response,
            @RegisteredOAuth2AuthorizedClient("countersign") OAuth2AuthorizedClient before) {
        var manager = new DefaultOAuth2AuthorizedClientManager(registrations, clients);
        manager.setAuthorizedClientProvider(OAuth2AuthorizedClientProviderBuilder.builder()
            .refreshToken(refresh -> refresh.clockSkew(Duration.ofDays(1))).build());
        var after = manager.authorize(OAuth2AuthorizeRequest.withAuthorizedClient(before)
            .principal(authentication)
            .attribute(HttpServletRequest.class.getName(), request)
            .attribute(HttpServletResponse.class.getName(), response)
            .build());
        accountsWith(after);
        return Map.of("refreshed",
            !after.getAccessToken().getTokenValue().equals(before.getAccessToken().getTokenValue()));
    }

    private Object accountsWith(OAuth2AuthorizedClient client) {
        return api.get().uri("/accounts")
            .header(HttpHeaders.AUTHORIZATION, "Bearer " + client.getAccessToken().getTokenValue())
            .retrieve().body(Map.class).get("data");
    }
}
