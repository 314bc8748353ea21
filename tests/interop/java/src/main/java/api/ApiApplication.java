package api;

import java.util.Map;
import java.util.Objects;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Spring Security as a resource server for RFC 9068 access tokens, whose {@code typ} is {@code at+jwt}. */
@SpringBootApplication
@RestController
public class ApiApplication {

    public static void main(String[] arguments) {
        new SpringApplicationBuilder(ApiApplication.class)
            .properties(Map.of(
                "server.port", System.getenv("PORT"),
                "server.address", "127.0.0.1"))
            .run(arguments);
    }

    /** The keys and their algorithms come from the metadata of the issuer. Any of its clients may call. */
    @Bean
    JwtDecoder decoder() {
        var decoder = NimbusJwtDecoder.withIssuerLocation(System.getenv("ISSUER")).validateType(false).build();
        decoder.setJwtValidator(JwtValidators.createAtJwtValidator()
            .issuer(System.getenv("ISSUER"))
            .audience(System.getenv("API"))
            .validators(all -> all.put("client_id", new JwtClaimValidator<>("client_id", Objects::nonNull)))
            .build());
        return decoder;
    }

    @Bean
    SecurityFilterChain security(HttpSecurity http) throws Exception {
        return http
            .authorizeHttpRequests(requests -> requests
                .requestMatchers("/health").permitAll()
                .requestMatchers("/payments").hasAuthority("SCOPE_transfers:write")
                .anyRequest().hasAuthority("SCOPE_accounts:read"))
            .oauth2ResourceServer(server -> server.jwt(Customizer.withDefaults()))
            .build();
    }

    @GetMapping("/health")
    String health() {
        return "ready";
    }

    @GetMapping("/accounts")
    Map<String, Object> accounts(@AuthenticationPrincipal Jwt token) {
        return Map.of("of", token.getSubject(), "scope", token.getClaimAsString("scope"));
    }

    @GetMapping("/payments")
    String payments() {
        return "paid";
    }
}
