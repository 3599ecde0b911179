package verifier_test

import (
	"context"
	"fmt"

	"github.com/bearerproof/bearerproof/verifier"
)

func ExampleVerifier_Explain() {
	v, err := verifier.New(verifier.Config{
		Issuer:     "https://id.example.com",
		Audience:   verifier.AnyOf("billing-api"),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       exampleKeys, // jwks.Discover(issuer, nil)
		Now:        exampleNow,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	report := v.Explain(context.Background(), exampleJWT)
	for _, s := range report.Steps {
		if s.Outcome == verifier.StepFailed {
			fmt.Printf("expected: %s\nfound: %s\n", s.Expected, s.Found)
		}
	}
	fmt.Println(report.Hint.Advice)
	// Output:
	// expected: aud contains "billing-api"
	// found: aud is "todo-api"
	// The token is for another service. Have the client get one for this API, or correct Config.Audience if it is named otherwise there. In Keycloak a mapper of type Audience names this API.
}

// The one-line form is for a log: it contains nothing that the token's sender chooses.
func ExampleReport_Line() {
	fmt.Println(exampleVerifier().Explain(context.Background(), "2YotnFZFEjr1zCsicMWpAA").Line())
	// Output:
	// refused at step form (malformed): has no dots, so it is not a JWT. Hint (opaque_token): This is no JWT. The issuer may give opaque access tokens: have it issue JWTs for this API, often by naming the API's audience in the token request.
}

func ExampleReport_String() {
	fmt.Print(exampleVerifier().Explain(context.Background(), exampleJWT))
	// Output:
	// accepted
	//
	// pass  size            601 bytes
	// pass  form            2 dots
	// pass  header          strict base64url of one JSON object, with alg and without crit and b64
	// pass  algorithm       alg is "RS256"
	// pass  type            typ is "at+jwt"
	// pass  signature_part  strict base64url
	// pass  key             kid is "rsa-2048", one key fits
	// pass  signature       made with the key that was found
	// pass  payload         strict base64url of one JSON object, with claims of the right types
	// pass  kind            an access token
	// pass  binding         no cnf
	// pass  times           exp is 58m20s from now, iat is 1m40s ago
	// pass  issuer          iss is "https://id.example.com"
	// pass  audience        aud is "todo-api"
	// pass  check           nothing (no Config.Check)
	//
	// token: 601 bytes, alg "RS256", kid "rsa-2048", typ "at+jwt"
	// claims, signed by the issuer:
	//   iss "https://id.example.com"
	//   aud "todo-api"
	//   exp 2026-01-01T01:00:00Z
	//   iat 2026-01-01T00:00:00Z
	//
	// now: 2026-01-01T00:01:40Z
	// This report contains neither the token nor its signature.
}
