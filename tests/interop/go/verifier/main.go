// go-oidc as the verifier of an API (RFC 9068) and of a relying party.
package main

import (
	"context"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"

	"countersign.test/interop/user"
)

func main() {
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, os.Getenv("ISSUER"))
	user.Must(err)
	// For go-oidc, the audience of any token is the "client ID".
	forAudience := func(audience string) *oidc.IDTokenVerifier {
		return provider.Verifier(&oidc.Config{ClientID: audience})
	}
	refused := func(token, audience string) string {
		if _, err := forAudience(audience).Verify(ctx, token); err != nil {
			return err.Error()
		}
		return "accepted"
	}
	api := os.Getenv("API")
	access, err := forAudience(api).Verify(ctx, os.Getenv("ACCESS_TOKEN"))
	user.Must(err)
	var claims struct{ Scope string }
	user.Must(access.Claims(&claims))
	identity, err := forAudience(os.Getenv("CLIENT_ID")).Verify(ctx, os.Getenv("ID_TOKEN"))
	user.Must(err)
	user.Report(map[string]any{
		"subject": access.Subject, "scope": claims.Scope, "same": identity.Subject == access.Subject,
		"forged": refused(os.Getenv("FORGED_TOKEN"), api), "id_token": refused(os.Getenv("ID_TOKEN"), api),
		"elsewhere": refused(os.Getenv("ACCESS_TOKEN"), "https://another.example"),
	})
}
