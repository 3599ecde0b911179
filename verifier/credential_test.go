package verifier_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/verifier"
)

// credentials are what a request's Authorization field may hold.
type credentials map[string]credential

type credential struct {
	values []string
	token  string
	kind   verifier.Kind // 0 where token is wanted
}

func (rows credentials) run(t *testing.T) {
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			token, err := verifier.BearerToken(row.values)
			if token != row.token {
				t.Errorf("token %q, want %q", token, row.token)
			}
			if row.kind != 0 {
				wantKind(t, err, row.kind)
			} else if err != nil {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestR1BearerTokenIsRead(t *testing.T) {
	credentials{
		"a token":                  {[]string{"Bearer abc.def.ghi"}, "abc.def.ghi", 0},
		"every character it may":   {[]string{"Bearer AZaz09-._~+/=="}, "AZaz09-._~+/==", 0},
		"one character":            {[]string{"Bearer a"}, "a", 0},
		"a token that is a scheme": {[]string{"Bearer Bearer"}, "Bearer", 0},
	}.run(t)
}

func TestR2SchemeIsComparedWithoutCase(t *testing.T) {
	credentials{
		"lower case": {[]string{"bearer abc"}, "abc", 0},
		"upper case": {[]string{"BEARER abc"}, "abc", 0},
		"mixed case": {[]string{"bEaReR abc"}, "abc", 0},
	}.run(t)
}

func TestR3OneSchemeSpacesOneToken(t *testing.T) {
	credentials{
		"several spaces are one separator":  {[]string{"Bearer    abc"}, "abc", 0},
		"a tab separates nothing":           {[]string{"Bearer\tabc"}, "", verifier.ErrInvalidRequest},
		"a tab after the space":             {[]string{"Bearer \tabc"}, "", verifier.ErrInvalidRequest},
		"leading space":                     {[]string{" Bearer abc"}, "", verifier.ErrInvalidRequest},
		"leading comma":                     {[]string{",Bearer abc"}, "", verifier.ErrInvalidRequest},
		"trailing space":                    {[]string{"Bearer abc "}, "", verifier.ErrInvalidRequest},
		"trailing comma":                    {[]string{"Bearer abc,"}, "", verifier.ErrInvalidRequest},
		"a second word":                     {[]string{"Bearer abc def"}, "", verifier.ErrInvalidRequest},
		"a parameter":                       {[]string{`Bearer token="abc"`}, "", verifier.ErrInvalidRequest},
		"a second credential":               {[]string{"Bearer abc, Bearer def"}, "", verifier.ErrInvalidRequest},
		"another scheme, then ours":         {[]string{"Basic eDp5, Bearer abc"}, "", verifier.ErrInvalidRequest},
		"another scheme, then ours, no gap": {[]string{"Basic eDp5,bearer abc"}, "", verifier.ErrInvalidRequest},
		"scheme and token run together":     {[]string{"Bearer,abc"}, "", verifier.ErrInvalidRequest},
		"an equals sign for the space":      {[]string{"Bearer=abc"}, "", verifier.ErrInvalidRequest},
		"a colon for the space":             {[]string{"Bearer:abc"}, "", verifier.ErrInvalidRequest},
		"a quoted scheme":                   {[]string{`"Bearer" abc`}, "", verifier.ErrInvalidRequest},
	}.run(t)
}

func TestR4CharactersOutsideB64tokenAreRefused(t *testing.T) {
	rows := credentials{
		"an equals sign inside": {[]string{"Bearer ab=c"}, "", verifier.ErrInvalidRequest},
		"only equals signs":     {[]string{"Bearer =="}, "", verifier.ErrInvalidRequest},
		"beyond ASCII":          {[]string{"Bearer abcé"}, "", verifier.ErrInvalidRequest},
	}
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="
	for c := range 256 {
		if !strings.ContainsRune(allowed, rune(c)) || c >= 0x80 {
			rows[fmt.Sprintf("octet %02X", c)] = credential{[]string{"Bearer a" + string([]byte{byte(c)}) + "b"}, "", verifier.ErrInvalidRequest}
		}
	}
	rows.run(t)
}

func TestR5EmptyTokenIsAnInvalidRequest(t *testing.T) {
	credentials{
		"the scheme alone":      {[]string{"Bearer"}, "", verifier.ErrInvalidRequest},
		"the scheme, one space": {[]string{"Bearer "}, "", verifier.ErrInvalidRequest},
		"the scheme, spaces":    {[]string{"bearer    "}, "", verifier.ErrInvalidRequest},
		"an empty field":        {[]string{""}, "", verifier.ErrInvalidRequest},
	}.run(t)
}

func TestR6TwoAuthorizationFieldsAreNeverFirstWins(t *testing.T) {
	credentials{
		"two tokens":              {[]string{"Bearer abc", "Bearer def"}, "", verifier.ErrInvalidRequest},
		"one token twice":         {[]string{"Bearer abc", "Bearer abc"}, "", verifier.ErrInvalidRequest},
		"a token and an empty":    {[]string{"Bearer abc", ""}, "", verifier.ErrInvalidRequest},
		"another scheme, a token": {[]string{"Basic eDp5", "Bearer abc"}, "", verifier.ErrInvalidRequest},
		"joined with a comma":     {[]string{"Bearer abc,Bearer def"}, "", verifier.ErrInvalidRequest},
	}.run(t)
}

func TestR11AnotherSchemeIsNoCredential(t *testing.T) {
	credentials{
		"no field":                  {nil, "", verifier.ErrNoCredentials},
		"Basic":                     {[]string{"Basic eDp5"}, "", verifier.ErrNoCredentials},
		"DPoP":                      {[]string{"DPoP abc.def.ghi"}, "", verifier.ErrNoCredentials},
		"a scheme alone":            {[]string{"Negotiate"}, "", verifier.ErrNoCredentials},
		"parameters with commas":    {[]string{`Digest username="x", realm="y"`}, "", verifier.ErrNoCredentials},
		"a longer name":             {[]string{"Bearers abc"}, "", verifier.ErrNoCredentials},
		"a name that begins so":     {[]string{"Bearer-MAC abc"}, "", verifier.ErrNoCredentials},
		"a name that ends so":       {[]string{"MyBearer abc"}, "", verifier.ErrNoCredentials},
		"a look-alike beyond ASCII": {[]string{"Beаrer abc"}, "", verifier.ErrInvalidRequest},
	}.run(t)
}

func TestR13CredentialErrorsRepeatNothing(t *testing.T) {
	const secret = "c2VjcmV0LXRva2Vu"
	for _, values := range [][]string{
		{"Bearer " + secret + " x"},
		{"Bearer " + secret, "Bearer " + secret},
		{"Basic " + secret},
		{secret},
		{"Bearer\t" + secret},
		{"Basic x,Bearer " + secret},
	} {
		if _, err := verifier.BearerToken(values); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: error %v", values, err)
		}
	}
}

// An accepted token is a b64token, and the field was the scheme, spaces and it.
func FuzzAuthorization(f *testing.F) {
	for _, value := range []string{
		"Bearer abc.def.ghi", "bearer   a==", "Bearer", "Bearer ", "Bearer\tabc", "Basic eDp5, Bearer abc",
		"Bearer abc,def", "DPoP abc", "", "Bearer =", "Bearer a=b", " Bearer abc", "Bearer abc ",
	} {
		f.Add(value)
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
	f.Fuzz(func(t *testing.T, value string) {
		token, err := verifier.BearerToken([]string{value})
		if err != nil {
			if kind := verifier.KindOf(err); token != "" || kind != verifier.ErrNoCredentials && kind != verifier.ErrInvalidRequest {
				t.Errorf("token %q, error %v", token, err)
			}
			return
		}
		body := strings.TrimRight(token, "=")
		if body == "" || strings.Trim(body, alphabet) != "" {
			t.Errorf("%q is no b64token", token)
		}
		scheme, found := strings.CutSuffix(value, token)
		if name := strings.TrimRight(scheme, " "); !found || len(name) == len(scheme) || strings.ToLower(name) != "bearer" {
			t.Errorf("%q gave %q", value, token)
		}
	})
}
