package verifier;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.JWTParser;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import java.util.Set;

/** Nimbus as the verifier of an API (RFC 9068), and its OpenID Connect SDK as that of a relying party. */
public class Verifier {

    public static void main(String[] arguments) throws Exception {
        var environment = System.getenv();
        var metadata = OIDCProviderMetadata.resolve(new Issuer(environment.get("ISSUER")));
        JWKSource<SecurityContext> keys = JWKSourceBuilder.create(metadata.getJWKSetURI().toURL()).retrying(true).build();

        var access = atApi(keys, metadata, environment.get("API")).process(environment.get("ACCESS_TOKEN"), null);
        var identity = new IDTokenValidator(metadata.getIssuer(), new ClientID(environment.get("CLIENT_ID")),
            JWSAlgorithm.RS256, metadata.getJWKSetURI().toURL())
            .validate(JWTParser.parse(environment.get("ID_TOKEN")), null);

        System.out.printf(
            "report {\"subject\": \"%s\", \"scope\": \"%s\", \"same\": %b, \"forged\": \"%s\", \"id_token\": \"%s\", \"elsewhere\": \"%s\"}%n",
            access.getSubject(), access.getStringClaim("scope"),
            identity.getSubject().getValue().equals(access.getSubject()),
            refusal(atApi(keys, metadata, environment.get("API")), environment.get("FORGED_TOKEN")),
            refusal(atApi(keys, metadata, environment.get("API")), environment.get("ID_TOKEN")),
            refusal(atApi(keys, metadata, "https://another.example"), environment.get("ACCESS_TOKEN")));
    }

    private static DefaultJWTProcessor<SecurityContext> atApi(
            JWKSource<SecurityContext> keys, OIDCProviderMetadata metadata, String audience) {
        var processor = new DefaultJWTProcessor<SecurityContext>();
        processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
        processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.ES256, keys));
        processor.setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>(audience,
            new JWTClaimsSet.Builder().issuer(metadata.getIssuer().getValue()).build(),
            Set.of("sub", "exp", "client_id", "scope")));
        return processor;
    }

    private static String refusal(DefaultJWTProcessor<SecurityContext> processor, String token) {
        try {
            processor.process(token, null);
            return "accepted";
        } catch (Exception error) {
            return error.getClass().getSimpleName();
        }
    }
}
