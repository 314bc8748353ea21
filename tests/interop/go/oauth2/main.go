// golang.org/x/oauth2 with go-oidc as a relying party: discovery, code with PKCE, ID token, UserInfo, refresh, revocation.
//
// AuthStyleAutoDetect, the default, tries the header first and then the body.
package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"countersign.test/interop/user"
)

func main() {
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, os.Getenv("ISSUER"))
	user.Must(err)
	config := oauth2.Config{
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		RedirectURL:  os.Getenv("REDIRECT_URI"),
		Endpoint:     provider.Endpoint(),
		Scopes:       []string{oidc.ScopeOpenID, "email", "accounts:read", oidc.ScopeOfflineAccess},
	}
	verifier := oauth2.GenerateVerifier()
	callback, err := url.Parse(user.Open(config.AuthCodeURL(
		"the-state", oauth2.AccessTypeOffline, oauth2.S256ChallengeOption(verifier), oidc.Nonce("the-nonce"),
	)))
	user.Must(err)
	first, err := config.Exchange(ctx, callback.Query().Get("code"), oauth2.VerifierOption(verifier))
	user.Must(err)
	raw, _ := first.Extra("id_token").(string)
	idToken, err := provider.Verifier(&oidc.Config{ClientID: config.ClientID}).Verify(ctx, raw)
	user.Must(err)
	user.Must(idToken.VerifyAccessToken(first.AccessToken))
	accounts := user.CountAccounts(config.Client(ctx, first))

	expired := *first
	expired.Expiry = time.Now().Add(-time.Minute)
	source := config.TokenSource(ctx, &expired)
	user.CountAccounts(oauth2.NewClient(ctx, source))
	second, err := source.Token()
	user.Must(err)
	info, err := provider.UserInfo(ctx, source)
	user.Must(err)

	var endpoints struct {
		Revocation string `json:"revocation_endpoint"`
	}
	user.Must(provider.Claims(&endpoints))
	form := url.Values{"token": {second.RefreshToken}, "client_id": {config.ClientID}}
	if config.ClientSecret != "" {
		form.Set("client_secret", config.ClientSecret)
	}
	revoked, err := http.PostForm(endpoints.Revocation, form)
	user.Must(err)
	refused := "accepted"
	gone := oauth2.Token{RefreshToken: second.RefreshToken, Expiry: time.Now().Add(-time.Minute)}
	if _, err := config.TokenSource(ctx, &gone).Token(); err != nil {
		refused = err.(*oauth2.RetrieveError).ErrorCode
	}

	service := clientcredentials.Config{
		ClientID: os.Getenv("SERVICE_ID"), ClientSecret: os.Getenv("SERVICE_SECRET"),
		TokenURL: config.Endpoint.TokenURL, Scopes: []string{"accounts:read"},
	}
	own, err := service.Token(ctx)
	user.Must(err)
	user.Report(map[string]any{
		"user": info.Email, "accounts": accounts, "nonce": idToken.Nonce,
		"refreshed": second.AccessToken != first.AccessToken, "revoked": revoked.StatusCode, "refused": refused,
		"service": own.TokenType,
	})
}
